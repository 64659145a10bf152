import { defineConfig } from "vitest/config";

const MOCKED = "tests/**/*.mocked.test.ts";

export default defineConfig({
  test: {
    globalSetup: ["tests/support/build-once.ts"],
    // A busy machine takes ten times as long as a quiet one: only what hangs may end here.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // One fewer than there are, the default, leaves half of a machine of two idle.
    maxWorkers: "100%",
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/interop/**", "tests/**/*.slow.test.ts", MOCKED, "node_modules/**"],
          // Files that follow each other in a worker share the modules they import.
          isolate: false,
        },
      },
      { extends: true, test: { name: "mocked", include: [MOCKED] } },
    ],
  },
});
