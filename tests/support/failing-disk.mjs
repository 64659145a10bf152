/**
 * A file system that fails, for the process that imports this before anything else: whatever changes a file or a directory on
 * this thread is counted, and refused as the kernel would from some operation on.
 *
 *   "once"      that operation finds no room (ENOSPC), the next ones do again
 *   "full"      from then on nothing new fits (ENOSPC); what is there can still be removed, renamed and cut
 *   "read-only" from then on nothing can be changed at all (EROFS), as when a disk is taken away
 */
import fs from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** Operations that give room back, or take none; to open what is there is one of them. */
const FREEING = new Set(["unlink", "rm", "rename", "truncate", "reopen"]);

export const disk = {
  mode: "none",
  at: 0,
  /** Operations since `arm`, by name. */
  log: [],
  /** How many were refused. */
  refused: 0,
  arm(mode, at) {
    Object.assign(disk, { mode, at, log: [], refused: 0 });
  },
  disarm() {
    disk.mode = "none";
  },
};

function operation(name, path) {
  if (disk.mode === "none") return;
  disk.log.push(name);
  const number = disk.log.length;
  if (disk.mode === "once" ? number !== disk.at : number < disk.at) return;
  if (disk.mode !== "read-only" && FREEING.has(name)) return;
  disk.refused += 1;
  const code = disk.mode === "read-only" ? "EROFS" : "ENOSPC";
  const words = { EROFS: "read-only file system", ENOSPC: "no space left on device" };
  throw Object.assign(new Error(`${code}: ${words[code]}, ${name} '${path}'`), { code, syscall: name });
}

const WRITES = (flags) =>
  typeof flags === "string"
    ? /[wa+]/.test(flags)
    : typeof flags === "number" && (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;

const { open } = promises;
promises.open = async (path, flags, mode) => {
  if (!WRITES(flags)) return open(path, flags, mode);
  operation(fs.existsSync(path) ? "reopen" : "open", path);
  const handle = await open(path, flags, mode);
  for (const name of ["write", "writeFile", "truncate", "sync", "datasync"]) {
    const method = handle[name];
    handle[name] = async (...args) => {
      operation(name, path);
      return method.apply(handle, args);
    };
  }
  return handle;
};
for (const name of ["mkdir", "mkdtemp", "rename", "link", "unlink", "rm", "writeFile"]) {
  const method = promises[name];
  promises[name] = async (path, ...rest) => {
    // What is there already is not made again.
    if (!(name === "mkdir" && fs.existsSync(path))) operation(name, path);
    return method(path, ...rest);
  };
}
for (const [name, called] of [
  ["writeSync", "write"],
  ["unlinkSync", "unlink"],
  ["rmSync", "rm"],
]) {
  const method = fs[name];
  fs[name] = (path, ...rest) => {
    operation(called, path);
    return method(path, ...rest);
  };
}
syncBuiltinESMExports();
