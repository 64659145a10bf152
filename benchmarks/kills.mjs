/**
 * Kills commands that write at random moments, looks at what they leave, and runs them again.
 *
 *   node benchmarks/kills.mjs [--only embed|registry|scan|worker] [--kills 60] [--work DIRECTORY] [--seed N]
 *
 * Each command first runs undisturbed; then it gets SIGKILL, with all that it started, at a moment that is uniform from its start
 * to just behind that end, --kills times. What must hold then stands at the head of each file in kills/. Prints JSON: for each
 * command how many kills fell before there was anything, while it came about and when all of it was there, and what was wrong.
 * Exit code 1 when anything was. Registries and queues in PostgreSQL need its server's binaries; without them that part is
 * skipped, and the JSON says so.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killEmbed } from "./kills/embed.mjs";
import { seeded } from "./kills/harness.mjs";
import { killRegistryAdd } from "./kills/registry.mjs";
import { killScan } from "./kills/scan.mjs";
import { killWorker } from "./kills/worker.mjs";
import { startPostgres } from "./support/postgres-server.mjs";

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: ["embed", "registry", "scan", "worker"] },
    kills: { type: "string", default: "60" },
    work: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
/** Complaints that are shown at once; the JSON has all. */
const MOST_SHOWN = 5;
const COMMANDS = [
  { only: "embed", name: "watermark embed", kill: killEmbed },
  { only: "registry", name: "registry add, files", kill: killRegistryAdd },
  { only: "registry", name: "registry add, PostgreSQL", kill: killRegistryAdd, needsServer: true },
  { only: "scan", name: "scan --resume", kill: killScan },
  { only: "worker", name: "worker", kill: killWorker, needsServer: true },
];
const unknown = values.only.filter((one) => !COMMANDS.some(({ only }) => only === one));
if (unknown.length > 0) throw new Error(`--only ${unknown.join(", ")}: there is no such part`);
const [kills, seed] = [Number(values.kills), Number(values.seed)];
const wanted = COMMANDS.filter(({ only }) => values.only.includes(only));
const work = mkdtempSync(join(values.work ?? tmpdir(), "weightmark-kills-"));
const clear = () => rmSync(work, { recursive: true, force: true });
process.on("exit", clear);
// Told to stop, it takes the server and what still runs with it.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(5));
let server = null;
try {
  const commands = {};
  for (const [place, { name, kill, needsServer = false }] of wanted.entries()) {
    if (needsServer) server ??= await startPostgres();
    if (needsServer && server.reason !== undefined) {
      commands[name] = { skipped: server.reason };
    } else {
      const directory = join(work, String(place));
      mkdirSync(directory);
      // A seed of its own, so that a part alone is killed as it is among the others.
      const random = seeded(seed + COMMANDS.findIndex((one) => one.name === name));
      commands[name] = await kill({ work: directory, kills, random, server: needsServer ? server : null });
      rmSync(directory, { recursive: true });
    }
    const { wrong = [], ...figures } = commands[name];
    process.stderr.write(`${name}: ${JSON.stringify(figures)}, ${wrong.length} wrong\n`);
    for (const what of wrong.slice(0, MOST_SHOWN)) process.stderr.write(`  ${what.slice(0, 500)}\n`);
  }
  process.stdout.write(`${JSON.stringify({ seed, commands }, null, 1)}\n`);
  process.exitCode = Object.values(commands).some(({ wrong = [] }) => wrong.length > 0) ? 1 : 0;
} finally {
  await server?.stop?.();
  clear();
}
