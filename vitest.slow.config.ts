import { defineConfig, mergeConfig } from "vitest/config";
import common from "./vitest.config.ts";

/** What is slow by nature: disks that are full, kills, limits of the machine, long null distributions, the packed tarball. */
export default mergeConfig(
  { ...common, test: { ...common.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["tests/**/*.slow.test.ts"], exclude: ["node_modules/**"] } }),
);
