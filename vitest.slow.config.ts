import { defineConfig, mergeConfig } from "vitest/config";
import common from "./vitest.config.ts";

/** What is slow by nature: one command after the other, with each of its writes failing in turn. */
export default mergeConfig(
  { ...common, test: { ...common.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["tests/**/*.slow.test.ts"], exclude: ["node_modules/**"] } }),
);
