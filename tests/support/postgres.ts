import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe } from "vitest";

/** A server for the tests of one file. Each test makes databases of its own on it. */
export interface PostgresServer {
  /** URL of a new database: empty, or a copy of the one with the URL `template`, which nobody may be using. */
  createDatabase(template?: string): Promise<string>;
  /** Whether `stop` and `start` work: not on somebody else's server. */
  readonly restartable: boolean;
  /** Ends it at once, as a crash would: no goodbye to clients, recovery at the next start. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

type Found =
  | { readonly url: string }
  | { readonly binaries: string; readonly account: Account }
  | { readonly reason: string };

const PASSWORD = "test secret/1";
const USER = "weightmark";

function binariesIn(directory: string): boolean {
  return ["initdb", "postgres"].every((name) => existsSync(join(directory, name)));
}

/** The newest of the distribution's, else what the PATH has. */
function findBinaries(): string | null {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const places = [...versions.map((v) => join(root, v, "bin")), ...(process.env.PATH ?? "").split(delimiter)];
  return places.find(binariesIn) ?? null;
}

/** PostgreSQL refuses to run as root: then as a user without rights. Null when there is none. */
function findAccount(): Account | null {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(":");
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  return null;
}

function find(): Found {
  const url = process.env.WEIGHTMARK_TEST_DATABASE;
  if (url) return { url };
  const binaries = findBinaries();
  const account = findAccount();
  if (binaries !== null && account !== null) return { binaries, account };
  const reason = binaries === null ? "no PostgreSQL server binaries" : "no user but root to run PostgreSQL as";
  // Where these tests are part of what is promised, a skipped one is a failure.
  if (process.env.WEIGHTMARK_REQUIRE_POSTGRES) throw new Error(`${reason}, and WEIGHTMARK_REQUIRE_POSTGRES is set`);
  return { reason };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(url: string, name: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${name}`;
  return parsed.href;
}

const copyOf = (template: string | undefined): string =>
  template === undefined ? "" : ` TEMPLATE ${new URL(template).pathname.slice(1)}`;

let databases = 0;

/** A private cluster in a temporary directory, on the loopback, gone with the tests. */
class PrivateServer implements PostgresServer {
  readonly restartable = true;
  private readonly directory = mkdtempSync(join(tmpdir(), "weightmark-postgres-"));
  private readonly binaries: string;
  private readonly account: Account;
  private port = 0;
  private child: ChildProcess | null = null;
  private readonly onExit = () => this.child?.kill("SIGQUIT");

  constructor(binaries: string, account: Account) {
    this.binaries = binaries;
    this.account = account;
    process.on("exit", this.onExit);
  }

  private get url(): string {
    return `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}/postgres`;
  }

  async initialize(): Promise<void> {
    const { uid, gid } = this.account;
    const secret = join(this.directory, "password");
    writeFileSync(secret, PASSWORD);
    if (uid !== undefined) for (const path of [this.directory, secret]) chownSync(path, uid, gid!);
    const options = ["-U", USER, "-A", "scram-sha-256", `--pwfile=${secret}`, "-E", "UTF8", "--no-sync"];
    // Not the C locale: order must not depend on it.
    const locale = ["--locale=C.UTF-8"];
    execFileSync(join(this.binaries, "initdb"), ["-D", join(this.directory, "data"), ...options, ...locale], {
      ...this.account,
      cwd: this.directory,
      stdio: ["ignore", "ignore", "pipe"],
    });
    for (let tries = 0; ; tries++) {
      this.port = await freePort();
      try {
        return await this.start();
      } catch (error) {
        // Somebody else may have taken the port in between.
        if (tries === 3) throw error;
      }
    }
  }

  async start(): Promise<void> {
    const settings = ["fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=200", "jit=off"];
    const child = spawn(
      join(this.binaries, "postgres"),
      [
        ...["-D", join(this.directory, "data"), "-p", String(this.port), "-h", "127.0.0.1", "-k", ""],
        ...settings.flatMap((setting) => ["-c", setting]),
      ],
      { ...this.account, cwd: this.directory, stdio: ["ignore", "ignore", "pipe"] },
    );
    this.child = child;
    let log = "";
    child.stderr!.on("data", (piece) => {
      log = (log + piece).slice(-4000);
    });
    for (;;) {
      try {
        return await withClient(this.url, async () => undefined);
      } catch {
        if (child.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`);
        await sleep(20);
      }
    }
  }

  async stop(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGQUIT");
    await gone;
  }

  async createDatabase(template?: string): Promise<string> {
    const name = `test_${++databases}`;
    await withClient(this.url, (client) => client.query(`CREATE DATABASE ${name}${copyOf(template)}`));
    return databaseUrl(this.url, name);
  }

  async dispose(): Promise<void> {
    await this.stop();
    process.off("exit", this.onExit);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A server that was named: its databases are made, and dropped again. */
class OutsideServer implements PostgresServer {
  readonly restartable = false;
  private readonly url: string;
  private readonly made: string[] = [];

  constructor(url: string) {
    this.url = url;
  }

  async createDatabase(template?: string): Promise<string> {
    const name = `weightmark_test_${process.pid}_${Date.now()}_${++databases}`;
    await withClient(this.url, (client) => client.query(`CREATE DATABASE ${name}${copyOf(template)}`));
    this.made.push(name);
    return databaseUrl(this.url, name);
  }

  async stop(): Promise<void> {
    throw new Error("not ours to stop");
  }

  async start(): Promise<void> {
    throw new Error("not ours to start");
  }

  async dispose(): Promise<void> {
    await withClient(this.url, async (client) => {
      for (const name of this.made) await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    });
  }
}

/**
 * Tests on a real server: that of WEIGHTMARK_TEST_DATABASE (the URL of a superuser; it is never restarted), else a private
 * cluster made of the installed binaries. Where there is neither, the suite is skipped and its name says why.
 */
export function describeWithPostgres(name: string, tests: (server: PostgresServer) => void): void {
  const found = find();
  if ("reason" in found) {
    describe.skip(`${name} (skipped: ${found.reason})`, () =>
      tests({
        restartable: false,
        createDatabase: async () => "",
        stop: async () => undefined,
        start: async () => undefined,
      }));
    return;
  }
  describe(name, () => {
    const server = "url" in found ? new OutsideServer(found.url) : new PrivateServer(found.binaries, found.account);
    beforeAll(async () => {
      if (server instanceof PrivateServer) await server.initialize();
    });
    afterAll(() => server.dispose());
    tests(server);
  });
}
