import { defineConfig } from "vitest/config";
import common from "./vitest.config.ts";

/** What is slow by nature: writes that fail one after the other, full disks, kills, limits of the machine, many architectures. */
export default defineConfig({
  test: { ...common.test, projects: undefined, include: ["tests/**/*.slow.test.ts"], exclude: ["node_modules/**"] },
});
