import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["tests/interop/**", "tests/**/*.slow.test.ts", "node_modules/**"],
    globalSetup: ["tests/support/build-once.ts"],
    // A busy machine takes ten times as long as a quiet one: only what hangs may end here.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // One fewer than there are, the default, leaves half of a machine of two idle.
    maxWorkers: "100%",
  },
});
