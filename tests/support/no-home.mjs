// Loaded before the command: a user id that the password file does not know, and no HOME. Becoming such a user needs root.
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

os.homedir = () => {
  throw Object.assign(new Error("A system error occurred: uv_os_homedir returned ENOENT"), {
    code: "ERR_SYSTEM_ERROR",
  });
};
syncBuiltinESMExports();
