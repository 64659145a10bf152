// Preloaded: says at the end, on stderr, how many files were opened with handles and which of them were never closed.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { open } = fs.promises;
const left = new Map();
let opened = 0;
fs.promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  opened += 1;
  left.set(handle, path);
  handle.once("close", () => left.delete(handle));
  return handle;
};
syncBuiltinESMExports();
process.on("exit", () => fs.writeSync(2, JSON.stringify({ opened, left: [...left.values()] })));
