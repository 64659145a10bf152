import { defineConfig } from "vitest/config";
import common from "./vitest.config.ts";

/** What is slow by nature: disks that are full, kills, limits of the machine, long null distributions, the packed tarball. */
export default defineConfig({
  test: { ...common.test, projects: undefined, include: ["tests/**/*.slow.test.ts"], exclude: ["node_modules/**"] },
});
