/**
 * Runs a command again and again while the file system fails (failing-disk.mjs), at its first operation, its second, and so
 * on until none fails any more. Each run begins with a copy of a prepared directory.
 *
 *   node faulty-command.mjs '{"prepared", "work", "args", "mode", "every", "resume"}'
 *
 * `every` skips operations; `resume` is what is said besides when the command is run again.
 * Prints one JSON line a run: {at, refused, operation, exitCode, stderr, tree, again}, the last one without a failure. `tree` is the digest of
 * every file below the directory afterwards, by its path; after a failure `again` is what the same command comes to when the
 * disk works again.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { disk } from "./failing-disk.mjs";

const { prepared, args, mode, every = 1, work, resume = [] } = JSON.parse(process.argv[2]);
const { holderText, parseHolder } = await import("../../dist/src/registry/lock-holder.js");
const { runCommandLine } = await import("../../dist/src/cli/command-line.js");
const reply = process.stdout.write.bind(process.stdout);

function tree(directory) {
  const entries = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  const found = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile()
      ? createHash("sha256").update(fs.readFileSync(path)).digest("hex").slice(0, 16)
      : "directory";
    return [path.slice(directory.length + 1), content];
  });
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function run(line) {
  const output = { stdout: "", stderr: "" };
  const own = ["stdout", "stderr"].map((name) => process[name].write);
  for (const name of ["stdout", "stderr"]) {
    process[name].write = (text, ...rest) => {
      output[name] += text;
      rest.at(-1)?.();
      return true;
    };
  }
  try {
    const exitCode = await runCommandLine(line);
    process.exitCode = undefined;
    return { exitCode, ...output };
  } finally {
    [process.stdout.write, process.stderr.write] = own;
  }
}

/** A lock that could not be taken away again is that of a process which has ended since, as the command's would have. */
function endHolders(left) {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  for (const path of Object.keys(left).filter((name) => /(?:^|[/.])lock$/.test(name))) {
    const holder = parseHolder(fs.readFileSync(join(work, path), "utf8"));
    if (holder !== null) fs.writeFileSync(join(work, path), holderText({ ...holder, pid }));
  }
}

for (let at = 1; ; at += every) {
  process.chdir("/");
  fs.rmSync(work, { recursive: true, force: true });
  fs.cpSync(prepared, work, { recursive: true, preserveTimestamps: true });
  process.chdir(work);
  disk.arm(mode, at);
  const { exitCode, stderr } = await run(args);
  disk.disarm();
  const { refused, log } = disk;
  const left = tree(work);
  endHolders(left);
  const again = refused === 0 || exitCode === 0 ? null : await run([...args, ...resume]);
  const after = again === null ? null : { exitCode: again.exitCode, stderr: again.stderr, tree: tree(work) };
  reply(
    `${JSON.stringify({ at, refused, operation: log[at - 1] ?? null, exitCode, stderr, tree: left, again: after })}\n`,
  );
  if (log.length < at) break;
}
