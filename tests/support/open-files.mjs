// Preloaded: says at the end, on stderr, how many files were opened and which of them were never closed.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const left = new Map();
let opened = 0;
const note = (file, path) => {
  opened += 1;
  left.set(file, String(path));
};

const { open: openHandle } = fs.promises;
fs.promises.open = async (path, ...rest) => {
  const handle = await openHandle(path, ...rest);
  note(handle, path);
  handle.once("close", () => left.delete(handle));
  return handle;
};
const { open, openSync, close, closeSync } = fs;
fs.open = (path, ...rest) => {
  const done = rest.pop();
  open(path, ...rest, (error, fd) => {
    if (!error) note(fd, path);
    done(error, fd);
  });
};
fs.openSync = (path, ...rest) => {
  const fd = openSync(path, ...rest);
  note(fd, path);
  return fd;
};
fs.close = (fd, ...rest) => {
  left.delete(fd);
  return close(fd, ...rest);
};
fs.closeSync = (fd) => {
  left.delete(fd);
  return closeSync(fd);
};
syncBuiltinESMExports();
process.on("exit", () => fs.writeSync(2, JSON.stringify({ opened, left: [...left.values()] })));
