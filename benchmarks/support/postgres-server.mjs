/**
 * A PostgreSQL server for one benchmark: a private cluster in a temporary directory, on the loopback, of the installed binaries.
 */
import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

const ROOT = "/usr/lib/postgresql";
const USER = "weightmark";
/** Clients are killed, the server is not: nothing has to survive a power cut. */
const SETTINGS = ["fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=200", "jit=off"];

/** The newest of the distribution's, or null. */
function findBinaries() {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : [];
  const places = versions.map((version) => join(ROOT, version, "bin"));
  return places.find((place) => ["initdb", "postgres"].every((name) => existsSync(join(place, name)))) ?? null;
}

/** PostgreSQL refuses to run as root: then as a user without rights. Null when there is none. */
function findAccount() {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const line = ["postgres", "nobody"].map((name) => lines.find((one) => one.startsWith(`${name}:`))).find(Boolean);
  const [, , uid, gid] = line?.split(":") ?? [];
  return line === undefined ? null : { uid: Number(uid), gid: Number(gid) };
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** One statement on a connection of its own; its rows. */
export async function query(url, text, values = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/**
 * Starts a server.
 *
 * @returns `{ reason }` where there is nothing to start; else `createDatabase(template)`, which gives the URL of a new database:
 *   empty, or a copy of one that nobody uses; `dropDatabase(url)`, anyone who uses it; and `stop()`
 */
export async function startPostgres() {
  const [binaries, account] = [findBinaries(), findAccount()];
  if (binaries === null) return { reason: `no PostgreSQL server in ${ROOT}` };
  if (account === null) return { reason: "no user but root to run PostgreSQL as" };
  const directory = mkdtempSync(join(tmpdir(), "weightmark-postgres-"));
  if (account.uid !== undefined) chownSync(directory, account.uid, account.gid);
  const options = { ...account, cwd: directory, stdio: ["ignore", "ignore", "pipe"] };
  const data = join(directory, "data");
  const made = ["-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  execFileSync(join(binaries, "initdb"), made, options);
  const port = await freePort();
  const place = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", ""];
  const child = spawn(join(binaries, "postgres"), [...place, ...SETTINGS.flatMap((one) => ["-c", one])], options);
  const gone = new Promise((done) => child.once("exit", done));
  let log = "";
  child.stderr.on("data", (piece) => {
    log = (log + piece).slice(-4000);
  });
  const clear = () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  const onExit = () => {
    child.kill("SIGQUIT");
    clear();
  };
  process.on("exit", onExit);
  const urlOf = (name) => `postgres://${USER}@127.0.0.1:${port}/${name}`;
  const main = urlOf("postgres");
  for (;;) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`);
    if (await query(main, "SELECT").catch(() => null)) break;
    await sleep(20);
  }
  let databases = 0;
  const nameIn = (url) => new URL(url).pathname.slice(1);
  return {
    async createDatabase(template) {
      const name = `bench_${++databases}`;
      await query(main, `CREATE DATABASE ${name}${template === undefined ? "" : ` TEMPLATE ${nameIn(template)}`}`);
      return urlOf(name);
    },
    dropDatabase: (url) => query(main, `DROP DATABASE ${nameIn(url)} WITH (FORCE)`),
    async stop() {
      process.off("exit", onExit);
      child.kill("SIGQUIT");
      await gone;
      clear();
    },
  };
}
