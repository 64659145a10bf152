import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeDocument } from "../support/document-commands.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = process.env.WEIGHTMARK_TEST_NODE ?? process.execPath;

describeDocument("README.md", 11);

test.each(["build-api", "build-docs", "build-formats", "build-schemas"])(
  "what scripts/%s.mjs generates is up to date",
  (script) => {
    expect(() => execFileSync(node, [`scripts/${script}.mjs`, "--check"], { cwd: root, stdio: "pipe" })).not.toThrow();
  },
);
