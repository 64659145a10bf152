import fs from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** Calls `operation` with its name before whatever changes a file or a directory, on this thread, in modules loaded later. */
export function watchFiles(operation) {
  const { writeSync } = fs;
  fs.writeSync = (...args) => {
    operation("write");
    return writeSync(...args);
  };
  const open = promises.open;
  promises.open = async (path, flags, mode) => {
    if (flags !== "wx" && flags !== "r+") return open(path, flags, mode);
    operation("open");
    const handle = await open(path, flags, mode);
    for (const name of ["write", "truncate", "sync"]) {
      const method = handle[name];
      handle[name] = async (...args) => {
        operation(name);
        return method.apply(handle, args);
      };
    }
    return handle;
  };
  for (const name of ["mkdir", "rename", "link"]) {
    const method = promises[name];
    promises[name] = async (...args) => {
      operation(name);
      return method(...args);
    };
  }
  syncBuiltinESMExports();
}
