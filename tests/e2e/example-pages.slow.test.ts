import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("pages of the examples are made again to the byte", () => {
  const again = () =>
    execFileSync(process.execPath, ["scripts/build-example-reports.mjs", "--check"], { cwd: root, stdio: "pipe" });
  expect(again).not.toThrow();
});
