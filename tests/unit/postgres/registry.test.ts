import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { afterEach, expect, it } from "vitest";
import { FINGERPRINT_VERSION } from "../../../src/fingerprint/fingerprint.ts";
import { layerCodes } from "../../../src/fingerprint/layer-codes.ts";
import { openRegistry } from "../../../src/registry/file-registry.ts";
import { openAnyCandidates, openAnyRegistry } from "../../../src/registry/open-registry.ts";
import { packCodes } from "../../../src/registry/packed-codes.ts";
import {
  openPostgresCandidates,
  openPostgresRegistry,
  type PostgresRegistry,
  type PostgresRegistryOptions,
} from "../../../src/registry/postgres/postgres-registry.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { buildRegistryIndex, rankBases } from "../../../src/registry/registry-index.ts";
import { describeWithPostgres } from "../../support/postgres.ts";
import { randomFingerprint, randomWords } from "../../support/random-fingerprint.ts";
import { registryContract } from "../../support/registry.contract.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

describeWithPostgres("a registry in PostgreSQL", (server) => {
  const directory = scratchDirectory();
  const clock = () => "2026-01-02T03:04:05.000Z";
  const urls = new Map<Registry, string>();
  const opened: PostgresRegistry[] = [];

  async function open(url: string, options: PostgresRegistryOptions = {}): Promise<PostgresRegistry> {
    const registry = await openPostgresRegistry(url, { create: true, clock, ...options });
    opened.push(registry);
    urls.set(registry, url);
    return registry;
  }

  async function withSql<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return work(client).finally(() => client.end());
  }

  const sql = (url: string, text: string, values: unknown[] = []) =>
    withSql(url, (client) => client.query(text, values));

  async function archiveOf(registry: Registry): Promise<string> {
    const path = join(directory, `${randomBytes(8).toString("hex")}.jsonl`);
    const pieces: Uint8Array[] = [];
    for await (const piece of registry.exportArchive()) pieces.push(piece);
    writeFileSync(path, Buffer.concat(pieces));
    return path;
  }

  const used: string[] = [];
  const idle: string[] = [];

  /** An empty database, cleared of what a test before left in it: making one takes longer than most of the tests. */
  async function emptyDatabase(): Promise<string> {
    const url = idle.pop() ?? (await server.createDatabase());
    await sql(url, "DROP SCHEMA IF EXISTS weightmark CASCADE");
    used.push(url);
    return url;
  }

  afterEach(async () => {
    for (const registry of opened.splice(0)) await registry.close();
    idle.push(...used.splice(0));
  });

  registryContract("PostgreSQL", {
    directory,
    create: async () => open(await emptyDatabase()),
    reopen: (registry) => open(urls.get(registry)!),
  });

  const a = randomFingerprint({ seed: 1 });
  const b = randomFingerprint({ seed: 2 });

  it("finds the same candidates as files do, to the bit, whatever was changed before", async () => {
    const url = await emptyDatabase();
    const stored = await open(url);
    const files = await openRegistry(join(directory, "same"), { create: true, clock });
    const models = Array.from({ length: 24 }, (_, i) =>
      randomFingerprint({ seed: 100 + i, layers: 1 + (i % 4), cols: i % 5 === 0 ? 96 : 64, roles: ["q", "up"] }),
    );
    const suspects = [3, 10].map((i) => layerCodes(randomFingerprint({ seed: 7, from: models[i]!, noise: 0.3 })));
    const next = randomWords(20260102);
    let named: string[] = [];
    for (const [i, model] of models.entries()) {
      const name = `m${i}`;
      for (const registry of [stored, files]) await registry.add(model, { name, root: i % 3 === 0 });
      named.push(name);
      if (i % 6 === 5) {
        const gone = named[next() % named.length]!;
        for (const registry of [stored, files]) await registry.remove(gone);
        named = named.filter((other) => other !== gone);
        const changed = files.find(named[next() % named.length]!);
        for (const registry of [stored, files]) {
          await registry.add(models.find((_, j) => `m${j}` === changed.name)!, {
            name: changed.name,
            root: !changed.root,
            replace: true,
          });
        }
      }
      if (i % 4 !== 3) continue;
      for (const suspect of suspects) {
        for (const limit of [0, 1, 5, 1000]) {
          const found = await stored.candidates(suspect, limit);
          expect(found).toEqual(await files.candidates(suspect, limit));
          expect(found.length).toBeLessThanOrEqual(limit);
        }
      }
    }
    const fresh = await openPostgresCandidates(url);
    const again = await openPostgresCandidates(url, { index: await stored.index() });
    for (const source of [fresh, again]) {
      expect(await source.candidates(suspects[0]!, 1000)).toEqual(await files.candidates(suspects[0]!, 1000));
      const { entries, digest, updatedAt } = source;
      expect({ entries, digest, updatedAt }).toEqual({
        entries: files.entries,
        digest: files.digest,
        updatedAt: clock(),
      });
      const best = (await source.candidates(suspects[0]!, 1))[0]!.digest;
      expect(await source.load(best)).toEqual(await files.load(best));
      await expect(source.load("0".repeat(64))).rejects.toMatchObject({ code: "REGISTRY_ENTRY_MISSING" });
    }
    // The state of one moment, whatever comes after it.
    await stored.add(a, { name: "later" });
    expect(await fresh.candidates(layerCodes(a), 1000)).toEqual(await files.candidates(layerCodes(a), 1000));
    await Promise.all([fresh.close(), again.close()]);
  });

  it("follows so many changes that it reads all codes again", async () => {
    const url = await emptyDatabase();
    const registry = await open(url);
    await registry.add(a, { name: "a" });
    expect(await registry.candidates(layerCodes(a), 5)).toHaveLength(1);
    const bases = Array.from({ length: 1500 }, (_, i) => {
      const codes = new Uint8Array(packCodes(layerCodes(b)));
      for (let at = 8; at < codes.length; at += 40) randomBytes(32).copy(codes, at);
      return { digest: randomBytes(32).toString("hex"), name: `m${i}`, root: false, codes };
    }).sort((x, y) => (x.digest < y.digest ? -1 : 1));
    await sql(
      url,
      `INSERT INTO weightmark.registry_entry
       SELECT digest, convert_to(name, 'UTF8'), false, null, 1, ${FINGERPRINT_VERSION}, 'x', 'sampled', 1, 2, codes
       FROM unnest($1::bytea[], $2::text[], $3::bytea[]) AS new (digest, name, codes)`,
      [
        bases.map(({ digest }) => Buffer.from(digest, "hex")),
        bases.map(({ name }) => name),
        bases.map(({ codes }) => Buffer.from(codes)),
      ],
    );
    await sql(url, "UPDATE weightmark.registry_state SET generation = 2");
    await registry.refresh();
    const index = buildRegistryIndex(
      { entries: 0, digest: "", updatedAt: null },
      bases,
      bases.map(({ codes }) => codes),
    );
    const expected = rankBases(index, layerCodes(b), 50);
    const found = (await registry.candidates(layerCodes(b), 51)).filter(({ name }) => name !== "a").slice(0, 50);
    expect(found).toEqual(expected);
    expect(registry.entries).toBe(1501);
  });

  it("never proposes entries of another version, whose codes mean something else", async () => {
    const url = await emptyDatabase();
    const registry = await open(url);
    await registry.add(a, { name: "a" });
    await registry.add(b, { name: "b" });
    await sql(url, "UPDATE weightmark.registry_entry SET version = 0 WHERE name = 'a'");
    const again = await open(url);
    expect(await again.candidates(layerCodes(a), 5)).toMatchObject([{ name: "b" }]);
    expect(again.entries).toBe(2);
  });

  it("sees what is not what was registered", async () => {
    const url = await emptyDatabase();
    const registry = await open(url);
    const { entry } = await registry.add(a, { name: "a" });
    await registry.add(b, { name: "b" });
    const where = "WHERE digest = decode($1, 'hex')";
    await sql(
      url,
      `UPDATE weightmark.registry_entry SET codes = set_byte(codes, 20, 255 - get_byte(codes, 20)) ${where}`,
      [entry.digest],
    );
    expect(await registry.verify()).toMatchObject([{ code: "CODES_WRONG", name: "a" }]);
    await sql(
      url,
      `UPDATE weightmark.registry_fingerprint SET data = set_byte(data, 2000, 255 - get_byte(data, 2000)) ${where}`,
      [entry.digest],
    );
    await expect(registry.read(entry.digest)).rejects.toMatchObject({ code: "REGISTRY_ENTRY_POISONED" });
    await expect(registry.load(entry.digest)).rejects.toMatchObject({ code: "REGISTRY_ENTRY_POISONED" });
    expect(await registry.verify()).toMatchObject([{ code: "REGISTRY_ENTRY_POISONED", name: "a" }]);
    await sql(url, `DELETE FROM weightmark.registry_fingerprint ${where}`, [entry.digest]);
    await expect(registry.read(entry.digest)).rejects.toMatchObject({ code: "REGISTRY_ENTRY_MISSING" });
    // Adding the same weights again puts right what is wrong with them.
    expect((await registry.add(a, { name: "a" })).status).toBe("unchanged");
    expect(await registry.verify()).toEqual([]);
  });

  it("takes names that PostgreSQL's text cannot hold", async () => {
    const url = await emptyDatabase();
    const registry = await open(url);
    await registry.add(a, { name: "a\u0000b" });
    expect((await open(url)).find("a\u0000b").name).toBe("a\u0000b");
    expect((await registry.add(a, { name: "a\u0000b" })).status).toBe("unchanged");
  });

  it("makes no tables for one who only looks", async () => {
    const url = await emptyDatabase();
    await expect(open(url, { create: false })).rejects.toMatchObject({ code: "REGISTRY_NOT_FOUND" });
    await expect(openPostgresCandidates(url)).rejects.toMatchObject({ code: "REGISTRY_NOT_FOUND" });
    expect((await sql(url, "SELECT FROM pg_namespace WHERE nspname = 'weightmark'")).rowCount).toBe(0);
  });

  it("brings tables from before there were parts up to date, with what is in them", async () => {
    const url = await emptyDatabase();
    await (await open(url)).add(a, { name: "a", root: true });
    const before = (await open(url)).digest;
    await sql(url, "ALTER TABLE weightmark.registry_entry DROP COLUMN parts");
    await sql(url, "DELETE FROM weightmark.migration WHERE part = 'registry' AND version = 2");
    const candidates = await openPostgresCandidates(url);
    expect(await candidates.candidates(layerCodes(a), 1)).toMatchObject([{ name: "a", root: true, parts: [] }]);
    await candidates.close();
    const registry = await open(url);
    expect(registry.digest).toBe(before);
    expect(registry.list()).toMatchObject([{ name: "a", root: true, parts: [] }]);
    expect(await registry.verify()).toEqual([]);
  });

  it.each(["x", "[1]", "{}"])(
    "refuses to go on without parts that a row should name but does not: %s",
    async (parts) => {
      const url = await emptyDatabase();
      await (await open(url)).add(a, { name: "a" });
      await sql(url, "UPDATE weightmark.registry_entry SET parts = convert_to($1, 'UTF8')", [parts]);
      await expect(open(url)).rejects.toMatchObject({ code: "REGISTRY_CORRUPT" });
      await expect(openPostgresCandidates(url)).rejects.toMatchObject({ code: "REGISTRY_CORRUPT" });
    },
  );

  it("refuses tables of a newer release", async () => {
    const url = await emptyDatabase();
    await open(url);
    await sql(url, "INSERT INTO weightmark.migration VALUES ('registry', 99)");
    await expect(open(url)).rejects.toMatchObject({ code: "DATABASE_VERSION" });
  });

  it("needs no more than the right to read for one who only looks, and says when it is too little", async () => {
    const url = await emptyDatabase();
    await (await open(url)).add(a, { name: "a" });
    const role = `reader_${randomBytes(4).toString("hex")}`;
    await sql(
      url,
      `CREATE ROLE ${role} LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA weightmark TO ${role};
       GRANT SELECT ON ALL TABLES IN SCHEMA weightmark TO ${role}`,
    );
    const theirs = new URL(url);
    theirs.username = role;
    theirs.password = "pw";
    const reader = await open(theirs.href, { create: false });
    expect(await reader.candidates(layerCodes(a), 1)).toMatchObject([{ name: "a" }]);
    expect(await reader.verify()).toEqual([]);
    await expect(reader.add(b, { name: "b" })).rejects.toMatchObject({ code: "DATABASE_REFUSED" });
    expect(reader.location).toContain(role);
    expect(reader.location).not.toContain("pw");
    await reader.close();
    await sql(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it("waits for another writer, and not for ever", async () => {
    const url = await emptyDatabase();
    const registry = await open(url, { lockTimeoutMs: 100 });
    const patient = await open(url);
    await withSql(url, async (other) => {
      await other.query("BEGIN; SELECT FROM weightmark.registry_state FOR UPDATE");
      await expect(registry.add(a, { name: "a" })).rejects.toMatchObject({ code: "REGISTRY_LOCKED" });
      const waiting = patient.add(b, { name: "b" });
      await other.query("SELECT pg_sleep(0.1); COMMIT");
      expect((await waiting).status).toBe("added");
    });
    expect((await registry.add(a, { name: "a" })).status).toBe("added");
    expect(registry.list().map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("adds, removes and imports all or nothing while its connections are ended again and again", async () => {
    const from = await open(await emptyDatabase());
    const models = Array.from({ length: 20 }, (_, i) => randomFingerprint({ seed: 500 + i, layers: 1, roles: ["q"] }));
    for (const [i, model] of models.entries()) await from.add(model, { name: `m${i}` });
    const archive = await archiveOf(from);
    const url = await emptyDatabase();
    const registry = await open(url, { sleep: async () => undefined });
    await registry.add(b, { name: "b" });
    let over = false;
    let ended = 0;
    const killer = withSql(url, async (client) => {
      for (; !over && ended < 12; await client.query("SELECT pg_sleep(0.012)")) {
        const { rowCount } = await client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'weightmark'`,
        );
        ended += rowCount ?? 0;
      }
    });
    // Again where all of it was through before any connection was ended: what is there already stays.
    do await registry.importArchive(archive);
    while (ended === 0);
    await registry.remove("b");
    over = true;
    await killer;
    expect(ended).toBeGreaterThan(0);
    expect(registry.digest).toBe(from.digest);
    expect((await open(url)).digest).toBe(from.digest);
    expect(await registry.verify()).toEqual([]);
  });

  it.runIf(server.restartable)("keeps every addition that it confirmed through a crash of the server", async () => {
    const url = await emptyDatabase();
    const registry = await open(url, { sleep: (ms) => delay(ms / 10) });
    const confirmed: string[] = [];
    const adding = (async () => {
      for (let i = 0; i < 30; i++) {
        await registry.add(randomFingerprint({ seed: 700 + i, layers: 1, roles: ["q"] }), { name: `m${i}` });
        confirmed.push(`m${i}`);
      }
    })();
    while (confirmed.length < 8) await delay(2);
    await server.stop();
    const before = [...confirmed];
    await server.start();
    const names = new Set((await open(url)).list().map(({ name }) => name));
    expect(before.filter((name) => !names.has(name))).toEqual([]);
    await adding;
    expect((await open(url)).entries).toBe(30);
  });

  it("is opened by whatever names it", async () => {
    const url = await emptyDatabase();
    const path = join(directory, "any");
    for (const location of [url, path]) {
      const registry = await openAnyRegistry(location, { create: true, clock });
      await registry.add(a, { name: "a" });
      expect(registry.location).not.toContain(new URL(url).password);
      if (location === path) expect(registry.location).toBe(path);
      await registry.close();
      const again = await openAnyRegistry(location);
      expect(again.find("a").addedAt).toBe(clock());
      await again.close();
      const candidates = await openAnyCandidates(location);
      expect(candidates.location).toBe(again.location);
      expect(candidates.digest).toBe(again.digest);
      expect(await candidates.candidates(layerCodes(a), 1)).toMatchObject([{ name: "a" }]);
      await candidates.close();
    }
  });
});
