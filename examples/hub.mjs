// A Hub on this machine that serves examples/models as the organisation "acme", to try scans on without the real one.
//
//   node examples/hub.mjs [--port 8817] [--token TOKEN]      serves until it is stopped
//   node examples/hub.mjs -- COMMAND [ARGUMENT...]           runs a command with HF_ENDPOINT set, and ends as it does
//
// The repository acme/base-b is gated: its files need --token TOKEN here and HF_TOKEN=TOKEN there.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startHub } from "../tests/support/hub/hub.mjs";

const given = process.argv.slice(2);
const end = given.indexOf("--");
const [own, command] = end < 0 ? [given, []] : [given.slice(0, end), given.slice(end + 1)];
const { values } = parseArgs({
  args: own,
  options: { port: { type: "string", default: "8817" }, token: { type: "string" } },
});

const options = {
  repositories: fileURLToPath(new URL("./models", import.meta.url)),
  owner: "acme",
  access: new Map([["acme/base-b", { gated: "manual" }]]),
  tokens: new Map(values.token === undefined ? [] : [[values.token, new Set(["acme/base-b"])]]),
};
// A port that others use is no reason to give up: the address is printed, and handed to the command.
const hub = await startHub({ ...options, port: Number(values.port) }).catch((error) => {
  if (error.code !== "EADDRINUSE") throw error;
  return startHub(options);
});
console.error(`HF_ENDPOINT=${hub.endpoint}`);

if (command.length > 0) {
  const child = spawn(command[0], command.slice(1), {
    stdio: "inherit",
    env: { ...process.env, HF_ENDPOINT: hub.endpoint },
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(error.message);
    process.exit(127);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
