import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeDocument } from "../support/document-commands.ts";

const script = fileURLToPath(new URL("../../examples/torch-file.mjs", import.meta.url));

describeDocument("docs/containers.md", 8, (work) => {
  execFileSync(process.execPath, [script, join(work, "leaked.pt")]);
});
