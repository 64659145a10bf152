import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["tests/interop/**", "node_modules/**"],
    globalSetup: ["tests/support/build-once.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One fewer than there are, the default, leaves half of a machine of two idle.
    maxWorkers: "100%",
  },
});
