/**
 * `registry add` of several models, to a registry of files or in PostgreSQL, new or with entries from before. After each kill
 * the registry can be listed, is sound, and answers `identify`; it holds every entry from before and the first few of those that
 * were being added, each as an undisturbed run adds it. Killed up to three times it is then added to by the same command, with
 * nothing cleared away, and is what an undisturbed run makes of it: to the byte, and without any file beside it.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { query } from "../support/postgres-server.mjs";
import { difference, digestsOf, makeModel, momentIn } from "./harness.mjs";
import { COMMAND, run, succeed } from "./process.mjs";

/** Models from before, and those that are added. */
const BEFORE = 2;
const ADDED = 8;
const MOST_IN_A_ROW = 3;

/** Registries in directories. `content` is all that lies there; `isPrefix` tells of what a kill left of the journal. */
function inFiles(at) {
  let made = 0;
  const journalOf = (place) => readFileSync(join(place, "journal.jsonl"), "utf8");
  return {
    isFiles: true,
    make: async (template) => {
      const place = at(`registry-${++made}`);
      if (template !== undefined) cpSync(template, place, { recursive: true });
      return place;
    },
    content: async (place) => digestsOf(place),
    isPrefix(place, whole) {
      if (!existsSync(join(place, "journal.jsonl"))) return true;
      const journal = journalOf(place);
      return journalOf(whole).startsWith(journal.slice(0, journal.lastIndexOf("\n") + 1));
    },
    leftovers: (place) =>
      existsSync(place) ? readdirSync(place, { recursive: true }).filter((name) => name.endsWith(".tmp")).length : 0,
  };
}

/** Registries in databases of a server. `content` is every row of every table of ours. */
function inPostgres(server) {
  return {
    isFiles: false,
    make: (template) => server.createDatabase(template),
    async content(url) {
      const schema = "table_schema = 'weightmark' AND table_type = 'BASE TABLE'";
      const tables = await query(
        url,
        `SELECT table_name AS name FROM information_schema.tables WHERE ${schema} ORDER BY 1`,
      );
      const rows = tables.map(async ({ name }) => {
        // Tables of a new registry are made when they are made: the time of that is nobody's entry.
        const row = name === "migration" ? "to_jsonb(t) - 'applied_at'" : "t";
        const found = await query(url, `SELECT (${row})::text AS row FROM weightmark.${name} AS t ORDER BY 1`);
        return [name, found.map((one) => one.row)];
      });
      return JSON.stringify(await Promise.all(rows));
    },
    isPrefix: () => true,
    leftovers: () => 0,
  };
}

const flagsOf = (registry) => ["--registry", registry, "--deterministic", "--json"];

/** The entries that `registry list` prints, by digest. Null when it says that there is no registry. */
async function entriesOf(registry) {
  const { code, stdout, stderr } = await run([COMMAND, "registry", "list", ...flagsOf(registry)]);
  if (code !== 0 && /REGISTRY_NOT_FOUND/.test(stderr)) return null;
  if (code !== 0) throw new Error(`list: exit code ${code}, ${stderr}`);
  return new Map(JSON.parse(stdout).entries.map((entry) => [entry.digest, JSON.stringify(entry)]));
}

/** One of the two kinds of start: entries from before, or none; and what an undisturbed run makes of it. */
async function undisturbedFrom(kind, template, add) {
  const first = await kind.make(template);
  const timed = await run(add(first));
  if (timed.code !== 0) throw new Error(timed.stderr);
  // A start that was slow once would put most kills behind the end.
  const { ms } = await run(add(await kind.make(template)));
  const before = template === undefined ? new Map() : await entriesOf(template);
  const entries = await entriesOf(first);
  const added = JSON.parse(timed.stdout).changes.map(({ entry }) => entry.digest);
  return {
    template,
    whole: first,
    content: await kind.content(first),
    before,
    entries,
    added,
    ms: Math.min(ms, timed.ms),
  };
}

/** What is wrong with a registry whose `add` was killed, and how many of the models are in it. */
async function judge(registry, kind, { before, entries, added, whole }, models) {
  const wrong = [];
  const found = (await entriesOf(registry)) ?? new Map();
  const count = added.filter((digest) => found.has(digest)).length;
  const expected = new Set([...before.keys(), ...added.slice(0, count)]);
  for (const digest of expected) {
    const entry = found.get(digest) ?? "nothing";
    if (entry !== entries.get(digest)) wrong.push(`an entry differs: ${difference(entry, entries.get(digest))}`);
  }
  if (found.size !== expected.size) wrong.push(`${found.size} entries in place of ${expected.size}`);
  if (!kind.isPrefix(registry, whole)) wrong.push("the journal is not the beginning of that of an undisturbed run");
  if (found.size === 0) return { wrong, count };
  const verified = await run([COMMAND, "registry", "verify", ...flagsOf(registry)]);
  if (verified.code !== 0) wrong.push(`verify: exit code ${verified.code}, ${verified.stdout}${verified.stderr}`);
  // The newest entry is the one that a kill is most likely to have hurt.
  const newest = before.size + count - 1;
  const { model, name } = models[before.size > 0 ? newest : BEFORE + newest];
  const identified = await run([COMMAND, "identify", model, ...flagsOf(registry)]);
  const best = identified.code === 0 ? JSON.parse(identified.stdout).candidates[0] : null;
  if (best?.name !== name || best.verdict !== "identical") {
    wrong.push(`identify: ${best?.verdict} to ${best?.name} in place of identical to ${name}; ${identified.stderr}`);
  }
  return { wrong, count };
}

export async function killRegistryAdd({ work, kills, random, server }) {
  const at = (...path) => join(work, ...path);
  mkdirSync(at("fingerprints"));
  const models = [];
  for (let i = 0; i < BEFORE + ADDED; i++) {
    const name = `m${i}`;
    makeModel(at("models", name), i + 1);
    await succeed(["fingerprint", at("models", name), "-o", at("fingerprints", name)]);
    models.push({ name, model: at("models", name), file: at("fingerprints", name) });
  }
  const kind = server === null ? inFiles(at) : inPostgres(server);
  const old = await kind.make();
  const first = models.slice(0, BEFORE).map(({ file }) => file);
  await succeed(["registry", "add", ...first, "--root", ...flagsOf(old)]);
  // One is read as a model: then the process is killed with its threads at work.
  const [model, ...others] = models.slice(BEFORE);
  const added = [model.model, ...others.map(({ file }) => file)];
  const add = (registry) => [COMMAND, "registry", "add", ...added, ...flagsOf(registry)];
  const starts = [await undisturbedFrom(kind, old, add), await undisturbedFrom(kind, undefined, add)];

  const found = { before: 0, during: 0, after: 0 };
  const wrong = [];
  let mostLeft = 0;
  for (let kill = 0; kill < kills; ) {
    const begun = starts[Math.floor(random() * starts.length)];
    const registry = await kind.make(begun.template);
    const until = Math.min(kills, kill + 1 + Math.floor(random() * MOST_IN_A_ROW));
    for (; kill < until; kill++) {
      const killAfter = momentIn(begun.ms, random);
      await run(add(registry), { killAfter });
      const judged = await judge(registry, kind, begun, models).catch((error) => ({
        wrong: [error.message],
        count: 0,
      }));
      wrong.push(...judged.wrong.map((what) => `${kill}, after ${Math.round(killAfter)} ms: ${what}`));
      mostLeft = Math.max(mostLeft, kind.leftovers(registry));
      if (judged.count === ADDED) found.after += 1;
      else if (judged.count === 0 && (await isUntouched(kind, registry, begun))) found.before += 1;
      else found.during += 1;
    }
    const again = await run(add(registry));
    const content = await kind.content(registry);
    if (again.code !== 0) wrong.push(`${kill}: adding again: exit code ${again.code}, ${again.stderr}`);
    else if (content !== begun.content)
      wrong.push(`${kill}: after adding again: ${difference(content, begun.content)}`);
    if (!kind.isFiles) await server.dropDatabase(registry);
  }
  const more = kind.isFiles ? { mostTemporaryFiles: mostLeft } : {};
  return { kills, undisturbedMs: starts.map(({ ms }) => Math.round(ms)), found, ...more, wrong };
}

async function isUntouched(kind, registry, { template }) {
  return (
    (await kind.content(registry)) === (template === undefined ? EMPTY[kind.isFiles] : await kind.content(template))
  );
}

/** The content of what was never made. */
const EMPTY = { true: "", false: "[]" };
