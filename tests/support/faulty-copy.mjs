// Makes marked copies while the file system fails: node faulty-copy.mjs '{"input", "output", "threads", "fault", "at"}'
//   fault "none": prints the operations that a copy takes
//   fault "error": fails operation 1, 2, ... in turn, and prints what became of each copy, one JSON line each
//   fault "kill": the process kills itself right before operation `at`
//   fault "interrupt": sends itself SIGINT right before operation `at`, with the command's own handler
// Operations are whatever changes a file or a directory, on this thread.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { watchFiles } from "./watched-files.mjs";

const { input, output, threads, fault, at } = JSON.parse(process.argv[2]);
let armed = false;
let count = 0;
let failing = 0;
const log = [];

function operation(name) {
  if (!armed) return;
  count++;
  log.push(name);
  if (fault === "error" && count === failing) {
    throw Object.assign(new Error(`ENOSPC: no space left on device, ${name}`), { code: "ENOSPC" });
  }
  if (count !== at) return;
  if (fault === "kill") process.kill(process.pid, "SIGKILL");
  if (fault === "interrupt") process.emit("SIGINT");
}

watchFiles(operation);

const dist = new URL("../../dist/src/", import.meta.url);
const { openCheckpoint } = await import(new URL("checkpoint/open-checkpoint.js", dist).href);
const { writeMarkedCopy } = await import(new URL("watermark/copy/marked-copy.js", dist).href);
// As the command does: a handler, so that what a synchronous part has begun is over.
process.once("SIGINT", () => process.exit(130));

/** Signs of every second row of every matrix. */
function editsOf({ tensors }) {
  const edits = new Map();
  for (const { name, shape } of tensors.values()) {
    const [rows, cols] = shape;
    const rowOffsets = Float64Array.from({ length: rows }, (_, row) => row * cols);
    const rowSigns = Int8Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? 1 : -1));
    const view = {
      address: name,
      rowOffsets,
      colStride: 1,
      cols,
      rowSigns,
      colSigns: null,
      spread: null,
      lowRank: null,
    };
    edits.set(name, { tensor: name, views: [view], vectorSigns: null });
  }
  return edits;
}

async function copy() {
  const checkpoint = await openCheckpoint(input);
  count = 0;
  armed = true;
  try {
    await writeMarkedCopy(checkpoint, output, editsOf(checkpoint), { threads });
  } finally {
    armed = false;
    await checkpoint.close();
  }
}

if (fault === "error") {
  for (failing = 1; ; failing++) {
    const error = await copy().catch((reason) => reason);
    const { code, message } = error ?? { code: null, message: null };
    const left = readdirSync(dirname(output)).sort();
    console.log(JSON.stringify({ operation: failing, code, message, left, complete: existsSync(output) }));
    if (failing > count) break;
    rmSync(output, { recursive: true, force: true });
  }
} else {
  await copy();
  console.log(JSON.stringify(log));
}
