/**
 * Candidate search in PostgreSQL two ways, and the queue and result store of scans.
 *
 *   node benchmarks/postgres.mjs --database URL [--models 100000] [--codes 8] [--rounds 5] [--jobs 10000] [--quick]
 *
 * URL names an empty scratch database that the user may make schemas in; what is made is dropped at the end. The rows are
 * random codes without fingerprints: `models` models of `codes` layer codes (32 bytes each), six in eight of width 4096, the
 * rest of width 11008. Ways: "wasm", what weightmark does: all codes are read once into an index in this process, then
 * popcounted in WebAssembly; "sql": bit_count in the server over one row a code, grouped by model; "sqlWide": bit_count over
 * one row a model with its 8 codes in columns, the least work that SQL can be given. All three
 * have to find the same model. --quick is 10,000 models and 2,000 jobs.
 */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import pg from "pg";
import { FINGERPRINT_VERSION } from "../dist/src/fingerprint/fingerprint.js";
import { openPostgresCandidates, openPostgresRegistry } from "../dist/src/registry/postgres/postgres-registry.js";
import { openScanDatabase } from "../dist/src/scan/postgres/open-database.js";
import { machine } from "./support/machine.mjs";
import { median, round } from "./support/statistics.mjs";

const { values } = parseArgs({
  options: {
    database: { type: "string" },
    models: { type: "string" },
    codes: { type: "string", default: "8" },
    rounds: { type: "string", default: "5" },
    jobs: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const url = values.database ?? process.env.WEIGHTMARK_TEST_DATABASE;
if (url === undefined) throw new Error("say --database URL");
const models = Number(values.models ?? (values.quick ? 10_000 : 100_000));
const jobs = Number(values.jobs ?? (values.quick ? 2_000 : 10_000));
const codes = Number(values.codes);
const rounds = Number(values.rounds);

const ITEM = 40;
const BATCH = 5_000;
/** Pairs of codes: beyond, one search by a row a code takes minutes. */
const MOST_IN_SQL = 6_400_000;
const widthOf = (item) => (item % 8 < 6 ? 4096 : 11_008);

const client = new pg.Client({ connectionString: url });
await client.connect();
const { rows: found } = await client.query("SELECT to_regnamespace('weightmark') AS schema");
if (found[0].schema !== null) throw new Error("the database is not empty: it has a schema weightmark");

const seconds = async (work) => {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
};

const repeated = async (work) => {
  const times = [];
  for (let i = 0; i < rounds; i++) times.push((await seconds(work)).seconds);
  return round(median(times), 4);
};

function randomItems() {
  const items = randomBytes(codes * ITEM);
  for (let item = 0; item < codes; item++) {
    items.writeUInt32LE(item % 8, item * ITEM);
    items.writeUInt32LE(widthOf(item), item * ITEM + 4);
  }
  return items;
}

async function fill() {
  for (let done = 0; done < models; done += BATCH) {
    const count = Math.min(BATCH, models - done);
    await client.query(
      `INSERT INTO weightmark.registry_entry
       SELECT digest, convert_to('org/model-' || ($3 + i), 'UTF8'), false, null, 1000000, $4, 'llama', 'sampled', 7000000000, 1, codes
       FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS new (digest, codes, i)`,
      [
        Array.from({ length: count }, () => randomBytes(32)),
        Array.from({ length: count }, randomItems),
        done,
        FINGERPRINT_VERSION,
      ],
    );
  }
  await client.query("UPDATE weightmark.registry_state SET generation = 1");
  await client.query("ANALYZE weightmark.registry_entry");
}

const bits = (items, item) =>
  [...items.subarray(item * ITEM + 8, (item + 1) * ITEM)].map((byte) => byte.toString(2).padStart(8, "0")).join("");

/** One row a code. */
async function fillCodes() {
  await client.query("CREATE TABLE weightmark.bench_code (base bytea, width int, code bit(256))");
  await client.query(
    `INSERT INTO weightmark.bench_code
     SELECT digest, CASE WHEN item % 8 < 6 THEN 4096 ELSE 11008 END,
       ('x' || encode(substr(codes, item * 40 + 9, 32), 'hex'))::bit(256)
     FROM weightmark.registry_entry, generate_series(0, $1::int - 1) AS item`,
    [codes],
  );
  await client.query("ANALYZE weightmark.bench_code");
}

/** One row a model, of 8 codes. */
async function fillWide() {
  const columns = Array.from({ length: 8 }, (_, i) => `c${i}`);
  await client.query(
    `CREATE TABLE weightmark.bench_wide (base bytea, ${columns.map((c) => `${c} bit(256)`).join(", ")})`,
  );
  await client.query(
    `INSERT INTO weightmark.bench_wide SELECT digest, ${columns.map((_, i) => `('x' || encode(substr(codes, ${i * 40 + 9}, 32), 'hex'))::bit(256)`).join(", ")}
     FROM weightmark.registry_entry`,
  );
  await client.query("ANALYZE weightmark.bench_wide");
}

const GROUPED = `
  SELECT base, sum(nearest) AS total FROM (
    SELECT base, query, min(bit_count(code.code # q.code)) AS nearest
    FROM weightmark.bench_code AS code
    JOIN unnest($1::int[], $2::int[], $3::text[]) AS given (query, width, text) ON given.width = code.width
    CROSS JOIN LATERAL (SELECT given.text::bit(256) AS code) AS q
    GROUP BY base, query) AS one
  GROUP BY base ORDER BY total, base LIMIT 10`;

const inSql = (suspect) =>
  client.query(GROUPED, [
    Array.from({ length: codes }, (_, i) => i),
    Array.from({ length: codes }, (_, i) => widthOf(i)),
    Array.from({ length: codes }, (_, i) => bits(suspect, i)),
  ]);

function wideQuery() {
  const nearest = Array.from({ length: 8 }, (_, q) => {
    const same = Array.from({ length: 8 }, (_, i) => i).filter((i) => widthOf(i) === widthOf(q));
    return `least(${same.map((i) => `bit_count(c${i} # $${q + 1}::bit(256))`).join(", ")})`;
  });
  return `SELECT base, ${nearest.join(" + ")} AS total FROM weightmark.bench_wide ORDER BY total, base LIMIT 10`;
}

const layerCodesOf = (items) =>
  Array.from({ length: codes }, (_, i) => ({
    role: ["q", "k", "v", "o", "qkv", "gate", "up", "down"][i % 8],
    cols: widthOf(i),
    code: new Uint8Array(items.subarray(i * ITEM + 8, (i + 1) * ITEM)),
  }));

async function tableBytes(name) {
  const { rows } = await client.query("SELECT pg_total_relation_size($1) AS bytes", [name]);
  return Number(rows[0].bytes);
}

const indexBytes = ({ codes: index, ...names }) =>
  [...Object.values(index), ...Object.values(names)].reduce((sum, array) => sum + (array?.byteLength ?? 0), 0);

async function measureSearch() {
  const registry = await openPostgresRegistry(url, { create: true });
  const filled = await seconds(fill);
  const before = process.memoryUsage.rss();
  const opened = await seconds(() => openPostgresCandidates(url));
  const source = opened.result;
  const after = process.memoryUsage.rss();
  // Near a registered model, so that there is something to find.
  const { rows } = await client.query("SELECT digest, codes FROM weightmark.registry_entry LIMIT 1 OFFSET $1", [
    models >> 1,
  ]);
  const suspect = Buffer.from(rows[0].codes);
  for (let item = 0; item < codes; item++) suspect[item * ITEM + 8] ^= 0x11;
  const query = layerCodesOf(suspect);
  const wasm = await repeated(() => source.candidates(query, 10));
  const best = await source.candidates(query, 10);

  const listed = await seconds(() => openPostgresRegistry(url));
  await listed.result.close();
  await seconds(() => registry.candidates(query, 10));
  const one = randomItems();
  await client.query(
    `INSERT INTO weightmark.registry_entry
     VALUES ($1, 'later', false, null, 1000000, $3, 'llama', 'sampled', 7000000000, 2, $2)`,
    [randomBytes(32), one, FINGERPRINT_VERSION],
  );
  await client.query("UPDATE weightmark.registry_state SET generation = 2");
  const refreshed = await seconds(async () => {
    await registry.refresh();
    return registry.candidates(layerCodesOf(one), 1);
  });
  if (refreshed.result[0].name !== "later") throw new Error("the refreshed index does not find what was added");
  await client.query("DELETE FROM weightmark.registry_entry WHERE generation = 2");
  await registry.close();

  const figures = {
    models,
    codesPerModel: codes,
    fillSeconds: round(filled.seconds),
    entryBytesPerModel: round((await tableBytes("weightmark.registry_entry")) / models),
    wasm: {
      openSeconds: round(opened.seconds),
      searchSeconds: wasm,
      refreshAfterOneAdditionSeconds: round(refreshed.seconds, 4),
      indexBytesPerModel: round(indexBytes(await source.index()) / models),
      rssGrowthWhileOpeningBytes: after - before,
      openWithListSeconds: round(listed.seconds),
    },
  };
  if (codes === 8) {
    await fillWide();
    const text = wideQuery();
    const given = Array.from({ length: 8 }, (_, i) => bits(suspect, i));
    const searchSeconds = await repeated(() => client.query(text, given));
    const sameBest = (await client.query(text, given)).rows[0].base.toString("hex") === best[0].digest;
    const tableBytesPerModel = round((await tableBytes("weightmark.bench_wide")) / models);
    figures.sqlWide = { searchSeconds, tableBytesPerModel, sameBest };
  }
  if (models * codes * codes <= MOST_IN_SQL) {
    await fillCodes();
    const searchSeconds = await repeated(() => inSql(suspect));
    const sameBest = (await inSql(suspect)).rows[0].base.toString("hex") === best[0].digest;
    const tableBytesPerModel = round((await tableBytes("weightmark.bench_code")) / models);
    figures.sql = { searchSeconds, tableBytesPerModel, sameBest };
  }
  await source.close();
  return figures;
}

async function measureScan() {
  const database = await openScanDatabase(url);
  const parameters = { inputs: ["bench"], include: [], exclude: [], depth: "sampled", registry: null, keys: [] };
  const store = await database.startScan({ ...parameters, maxBytes: null, timeout: null, version: "bench" });
  const queue = await database.openQueue();
  const targets = Array.from({ length: jobs }, (_, i) => {
    const id = `hf:org/model-${i}@${"0".repeat(40)}`;
    return {
      id,
      name: `org/model-${i}`,
      location: id,
      revision: "0".repeat(40),
      content: null,
      identity: null,
      bytes: 1e9,
    };
  });
  const added = await seconds(() => queue.add(targets.map((target) => ({ scan: store.scan, target }))));
  const item = {
    ...{
      status: "done",
      duplicateOf: null,
      failure: null,
      verdict: "no-evidence",
      summary: "x".repeat(120),
      matches: [],
    },
    ...{ caveats: [], marks: [], sampledRoot: "0".repeat(64), family: "llama", parameters: 7e9, cached: false },
    ...{
      bytesRead: 1e7,
      bytesTotal: 1e9,
      requests: { api: 2, resolve: 1, storage: 9 },
      elapsedMs: 100,
      finishedAt: null,
    },
  };
  let done = 0;
  const worked = await seconds(() =>
    Promise.all(
      Array.from({ length: 4 }, async () => {
        for (;;) {
          const taken = await queue.take(1);
          if (taken.length === 0) return;
          for (const { job, complete } of taken) {
            await store.put({ ...item, ...job.target });
            await complete();
            done += 1;
          }
        }
      }),
    ),
  );
  if (done !== jobs) throw new Error(`${done} of ${jobs} jobs were done`);
  const listed = await seconds(async () => {
    let count = 0;
    for await (const _ of store.items()) count += 1;
    return count;
  });
  const figures = {
    jobs,
    addedPerSecond: round(jobs / added.seconds),
    takenStoredCompletedPerSecond: round(jobs / worked.seconds),
    listedPerSecond: round(listed.result / listed.seconds),
    jobBytes: round(
      (await tableBytes(
        (
          await client.query("SELECT partition_name AS p FROM weightmark_jobs.queue")
        ).rows.map(({ p }) => `weightmark_jobs.${p}`)[0],
      )) / jobs,
    ),
    resultBytes: round((await tableBytes("weightmark.scan_result")) / jobs),
  };
  await queue.close();
  await database.close();
  return figures;
}

try {
  const { rows } = await client.query(
    "SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync",
  );
  const search = await measureSearch();
  const scan = await measureScan();
  console.log(JSON.stringify({ machine: machine(), server: rows[0], search, scan }, null, 2));
} finally {
  await client.query("DROP SCHEMA IF EXISTS weightmark CASCADE; DROP SCHEMA IF EXISTS weightmark_jobs CASCADE");
  await client.end();
}
