import { createServer, type Socket } from "node:net";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { WeightmarkError } from "../../../src/errors.ts";
import { openDatabase, requireServerVersion } from "../../../src/registry/postgres/connect.ts";
import {
  driverUrl,
  isDatabaseUrl,
  parseConnectionUrl,
  redactUrl,
} from "../../../src/registry/postgres/connection-url.ts";
import { databaseError, faultOf } from "../../../src/registry/postgres/database-error.ts";
import { migrate } from "../../../src/registry/postgres/migrations.ts";
import { openScanDatabase } from "../../../src/scan/postgres/open-database.ts";
import { describeWithPostgres } from "../../support/postgres.ts";

/** Everything that an error shows, to anybody who prints it in any way. */
function shown(error: unknown): string {
  const { message, stack, cause, ...fields } = error as Error & Record<string, unknown>;
  return [message, stack, String(cause), JSON.stringify(cause ?? null), JSON.stringify(fields)].join("\n");
}

const failure = (promise: Promise<unknown>): Promise<WeightmarkError> =>
  promise.then(
    () => {
      throw new Error("it worked");
    },
    (error) => error,
  );

describe("database URLs", () => {
  it.each([
    ["postgres://u:s3cret@db.example:5433/w?sslmode=require&password=s3cret", "postgres://u@db.example:5433/w"],
    ["postgresql://u:s3cret@[::1]/w", "postgres://u@[::1]/w"],
    ["postgresql:///w?host=/run/postgresql&user=u&password=s3cret", "postgres://%2Frun%2Fpostgresql/w"],
    ["postgres://u:s3cret@:x/w", "postgres://..."],
    ["s3cret", "postgres://..."],
  ])("shows %s without its secrets", (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  it("knows them from directories", () => {
    for (const url of ["postgres://x/y", "postgresql://x/y", "POSTGRES://x/y"]) expect(isDatabaseUrl(url)).toBe(true);
    for (const path of ["/postgres", "postgres", "C:\\postgres://", "./postgres:/x", "mysql://x/y"]) {
      expect(isDatabaseUrl(path)).toBe(false);
    }
  });

  it.each([
    ["postgres://u:s3cret@host:port/w", /cannot be read/],
    ["postgres://u:s3cret@host", /names no database/],
    ["postgres://u:s3cret@host/", /names no database/],
    ["postgres://u:s3cret@host/w?ssl_mode=require", /unknown parameter ssl_mode/],
    ["postgres://u:s3cret@host/w?sslmode=verify", /unknown sslmode/],
    ["postgres://u:s3cret@host/w?sslmode=verify-ca", /against no authority/],
  ])("refuses %s", (url, why) => {
    const error = (() => {
      try {
        parseConnectionUrl(url, {});
      } catch (caught) {
        return caught as WeightmarkError;
      }
      throw new Error("accepted");
    })();
    expect(error).toMatchObject({ code: "DATABASE_URL_INVALID", message: expect.stringMatching(why) });
    expect(shown(error)).not.toContain("s3cret");
  });

  it("gives the driver the modes that libpq has", () => {
    const url = parseConnectionUrl("postgres://u@h/w", {});
    expect(url.sslMode).toBe("prefer");
    expect(parseConnectionUrl("postgres://u@h/w", { PGSSLMODE: "verify-full" }).sslMode).toBe("verify-full");
    expect(parseConnectionUrl("postgres://u@h/w?sslmode=disable", { PGSSLMODE: "require" }).sslMode).toBe("disable");
    const ssl = (mode: "prefer" | "verify-full" | "disable") =>
      (new pg.Client({ connectionString: driverUrl(url, mode) }) as unknown as { ssl: unknown }).ssl;
    expect(ssl("prefer")).toMatchObject({ rejectUnauthorized: false });
    expect(ssl("verify-full")).not.toHaveProperty("rejectUnauthorized");
    expect(ssl("disable")).toBe(false);
  });
});

describe("database errors", () => {
  const withCode = (code: string, message = "x") => Object.assign(new Error(message), { code });

  it.each([
    ["ECONNREFUSED", "lost"],
    ["57P01", "lost"],
    ["57P03", "lost"],
    ["08006", "lost"],
    ["53300", "lost"],
    ["25006", "lost"],
    ["40001", "conflict"],
    ["40P01", "conflict"],
    ["23505", "final"],
    ["28P01", "final"],
    ["57014", "final"],
  ])("takes %s for %s", (code, fault) => {
    expect(faultOf(withCode(code))).toBe(fault);
  });

  it.each([
    ["ECONNREFUSED", "DATABASE_UNREACHABLE"],
    ["57014", "DATABASE_UNREACHABLE"],
    ["25006", "DATABASE_UNREACHABLE"],
    ["28P01", "DATABASE_REFUSED"],
    ["3D000", "DATABASE_REFUSED"],
    ["42501", "DATABASE_REFUSED"],
    ["42P01", "DATABASE_REFUSED"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "DATABASE_REFUSED"],
    ["53100", "WRITE_FAILED"],
  ])("reports %s as %s", (code, expected) => {
    expect(databaseError(withCode(code), "postgres://h/w")).toMatchObject({ code: expected, file: "postgres://h/w" });
  });

  it("says of a database that may only be read that it is there", () => {
    const { message, detail } = databaseError(withCode("25006"), "postgres://h/w") as WeightmarkError;
    expect(message).toContain("may only be read");
    expect(detail).toContain("default_transaction_read_only");
  });

  it("leaves bugs what they are", () => {
    const bug = new TypeError("x is not a function");
    expect(databaseError(bug, "postgres://h/w")).toBe(bug);
    const ours = new WeightmarkError("REGISTRY_CONFLICT", "x");
    expect(databaseError(ours, "postgres://h/w")).toBe(ours);
  });

  it("refuses servers that are too old", () => {
    expect(() => requireServerVersion(140_011, "postgres://h/w")).toThrow(
      expect.objectContaining({ code: "DATABASE_VERSION", message: expect.stringContaining("PostgreSQL 14") }),
    );
    requireServerVersion(150_000, "postgres://h/w");
    requireServerVersion(180_001, "postgres://h/w");
  });

  it("says at once that nobody answers", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(openDatabase(`postgres://u:s3cret@127.0.0.1:${port}/w`));
    expect(error).toMatchObject({
      code: "DATABASE_UNREACHABLE",
      kind: "passing",
      file: `postgres://u@127.0.0.1:${port}/w`,
    });
    expect(shown(error)).not.toContain("s3cret");
  });

  it("does not mistake another server for a database", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on("error", () => undefined));
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const error = await failure(openDatabase(`postgres://u:s3cret@127.0.0.1:${port}/w`));
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    expect(error).toMatchObject({ code: "DATABASE_REFUSED" });
    expect(shown(error)).not.toContain("s3cret");
  });
});

describeWithPostgres("a connection to PostgreSQL", (server) => {
  it.runIf(server.restartable)("says that user, password or database are wrong, and never which password", async () => {
    const url = new URL(await server.createDatabase());
    const right = decodeURIComponent(url.password);
    const wrong = new URL(url);
    wrong.password = "s3cret";
    const absent = new URL(url);
    absent.pathname = "/absent";
    for (const bad of [wrong, absent]) {
      for (const open of [openDatabase, openScanDatabase]) {
        const error = await failure(open(bad.href));
        expect(error).toMatchObject({ code: "DATABASE_REFUSED", kind: "refused" });
        for (const secret of ["s3cret", right, url.password]) expect(shown(error)).not.toContain(secret);
      }
    }
  });

  it("does without TLS where the server has none, unless told otherwise", async () => {
    const url = await server.createDatabase();
    const database = await openDatabase(url);
    const { rows } = await database.query<{ ssl: boolean }>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    expect(rows).toEqual([{ ssl: false }]);
    await database.close();
    const error = await failure(openDatabase(`${url}?sslmode=require`));
    expect(error).toMatchObject({ code: "DATABASE_REFUSED", message: expect.stringContaining("SSL") });
  });

  it("undoes a transaction that fails, and can be used on", async () => {
    const database = await openDatabase(await server.createDatabase());
    await database.query("CREATE TABLE t (x int)");
    const bug = new Error("bug");
    await expect(
      database.transaction(async (on) => {
        await on.query("INSERT INTO t VALUES (1)");
        throw bug;
      }),
    ).rejects.toBe(bug);
    expect((await database.query("SELECT * FROM t")).rows).toEqual([]);
    await database.close();
  });

  it("runs a transaction again when its connection is ended, at whatever statement", async () => {
    const url = await server.createDatabase();
    const waits: number[] = [];
    const database = await openDatabase(url, { sleep: async (ms) => waits.push(ms) });
    const killer = await openDatabase(url);
    await database.query("CREATE TABLE t (x int)");
    for (const when of [0, 1, 2]) {
      let tries = 0;
      await database.transaction(async (on) => {
        tries += 1;
        const { rows } = await on.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        const kill = (step: number) =>
          tries === 1 && step === when ? killer.query("SELECT pg_terminate_backend($1, 600000)", [rows[0]!.pid]) : null;
        await kill(0);
        await on.query("INSERT INTO t VALUES ($1)", [when]);
        await kill(1);
        await on.query("SELECT 1");
        await kill(2);
      });
      expect(tries).toBe(2);
    }
    expect((await database.query("SELECT x FROM t ORDER BY x")).rows).toEqual([{ x: 0 }, { x: 1 }, { x: 2 }]);
    expect(waits).toHaveLength(3);
    await Promise.all([database.close(), killer.close()]);
  });

  it("runs transactions that got in each other's way again", async () => {
    const database = await openDatabase(await server.createDatabase(), { sleep: async () => undefined });
    await database.query("CREATE TABLE t (x int); INSERT INTO t VALUES (0)");
    await Promise.all(
      Array.from({ length: 4 }, () =>
        database.transaction(async (on) => {
          await on.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
          const { rows } = await on.query<{ x: number }>("SELECT x FROM t");
          await on.query("UPDATE t SET x = $1", [rows[0]!.x + 1]);
        }),
      ),
    );
    expect((await database.query("SELECT x FROM t")).rows).toEqual([{ x: 4 }]);
    await database.close();
  });

  it("makes tables once, whoever comes, all of a step or nothing", async () => {
    const url = await server.createDatabase();
    const databases = await Promise.all(Array.from({ length: 4 }, () => openDatabase(url)));
    const one = { part: "scan" as const, steps: ["CREATE TABLE weightmark.a (x int)"] };
    expect(await migrate(databases[0]!, one, false)).toBe(false);
    expect(await Promise.all(databases.map((database) => migrate(database, one, true)))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    const broken = { part: "scan" as const, steps: [...one.steps, "CREATE TABLE weightmark.b (x int); SELECT 1 / 0"] };
    expect(await failure(migrate(databases[1]!, broken, true))).toMatchObject({ code: "DATABASE_REFUSED" });
    expect((await databases[2]!.query("SELECT to_regclass('weightmark.b') AS b")).rows).toEqual([{ b: null }]);
    const two = { part: "scan" as const, steps: [...one.steps, "CREATE TABLE weightmark.b (x int)"] };
    expect(await migrate(databases[2]!, two, false)).toBe(true);
    // An older release finds tables that it does not know.
    expect(await failure(migrate(databases[3]!, one, true))).toMatchObject({
      code: "DATABASE_VERSION",
      kind: "refused",
      message: expect.stringContaining("version 2"),
    });
    await Promise.all(databases.map((database) => database.close()));
  });

  it.runIf(server.restartable)("goes on after the server crashed and came back", async () => {
    const database = await openDatabase(await server.createDatabase());
    await database.query("CREATE TABLE t (x int PRIMARY KEY)");
    await server.stop();
    const waiting = database.query("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING");
    const impatient = await openDatabase("postgres://u@127.0.0.1:1/w").catch((error) => error);
    expect(impatient).toMatchObject({ code: "DATABASE_UNREACHABLE" });
    await server.start();
    await waiting;
    expect((await database.query("SELECT x FROM t")).rows).toEqual([{ x: 1 }]);
    await database.close();
  });

  it.runIf(server.restartable)("gives up after its time", async () => {
    const url = await server.createDatabase();
    const database = await openDatabase(url, { reconnectMs: 0 });
    await server.stop();
    expect(await failure(database.query("SELECT 1"))).toMatchObject({ code: "DATABASE_UNREACHABLE" });
    expect(await failure(database.transaction((on) => on.query("SELECT 1")))).toMatchObject({
      code: "DATABASE_UNREACHABLE",
    });
    await database.close();
    await server.start();
  });
});
