/**
 * What a mark survives: marks a model, attacks the copy in every way of robustness/attacks.mjs, verifies what comes out.
 *
 *   node benchmarks/robustness.mjs [MODEL...] [--full] [--payload HEX] [--rho .002] [--only TEXT,...] [--stranger MODEL]
 *                                  [--sibling MODEL] [--python INTERPRETER] [--threads 2] [--work DIRECTORY] [--json FILE]
 *
 * The payload is as long as the model holds unless --payload gives one. Without MODEL: a synthetic model of 100M parameters, with
 * --full one of 1.1B (2.2 GB, and twice that for copies). --only keeps attacks whose name or group holds one of the texts.
 * --stranger is a model of the same shape that is averaged with, made where models are synthetic. --sibling is a fine-tune of
 * MODEL from before it was marked. --python has torch, transformers, peft: attacks by training are run on models that have a
 * tokenizer.json.
 *
 * Prints a Markdown table per model; --json writes the same as data. Measured statistics of a carrier are followed by the
 * prediction in brackets, r times the statistic of the untouched copy; log2 p is the corrected p of all carriers together.
 * Exit code 1 when a mark that was predicted to be found (2^-64 with a margin of a quarter) was not, a payload was wrong,
 * or a wrong key was present.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { attacksOf } from "./robustness/attacks.mjs";
import { openView } from "./robustness/model-view.mjs";
import { lineOf, tableOf } from "./robustness/table.mjs";
import { measureAttack } from "./robustness/trial.mjs";
import { longestPayload, mark, verify } from "./robustness/watermark.mjs";
import { machine } from "./support/machine.mjs";

const SMALL = ["--layers", "12", "--width", "768", "--ffn", "2048", "--heads", "12", "--kv-heads", "4", "--tied"];
const LARGE = ["--layers", "22", "--width", "2048", "--ffn", "5632", "--heads", "32", "--kv-heads", "4"];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: "boolean", default: false },
    payload: { type: "string" },
    rho: { type: "string" },
    only: { type: "string" },
    stranger: { type: "string" },
    sibling: { type: "string" },
    python: { type: "string" },
    threads: { type: "string", default: "2" },
    work: { type: "string" },
    json: { type: "string" },
  },
});
const work = mkdtempSync(join(values.work ?? tmpdir(), "weightmark-robustness-"));
const reports = [];
try {
  const models = positionals.length > 0 ? positionals : [synthetic("model", 1)];
  for (const model of models) {
    const stranger = values.stranger ?? (positionals.length === 0 ? synthetic("stranger", 2) : null);
    reports.push(await measureModel(model, stranger));
    process.stdout.write(`${tableOf(reports.at(-1))}\n`);
  }
} finally {
  rmSync(work, { recursive: true });
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: machine(), reports }, null, 1)}\n`);
process.exitCode = reports.every(({ rows }) => rows.every(({ ok }) => ok)) ? 0 : 1;

function synthetic(name, seed) {
  const directory = join(work, name);
  const script = fileURLToPath(new URL("./make-model.mjs", import.meta.url));
  const size = values.full ? LARGE : SMALL;
  const rest = ["--values", "trained", "--shards", "1", "--seed", String(seed)];
  execFileSync(process.execPath, [script, directory, ...size, ...rest], { stdio: ["ignore", "ignore", "inherit"] });
  return directory;
}

async function measureModel(model, stranger) {
  const folder = mkdtempSync(join(work, "run-"));
  // A master that depends on nothing but the model's name: runs repeat.
  const key = {
    master: createHash("sha256")
      .update(`robustness ${basename(model)}`)
      .digest(),
    release: "robustness",
  };
  const rho = values.rho ? Number(values.rho) : null;
  const payload = values.payload ?? (await longestPayload(model, rho));
  const settings = { payload, rho, threads: Number(values.threads) };
  const copy = join(folder, "marked");
  const embedded = await mark(model, copy, key, settings);
  const views = [
    openView(model),
    openView(copy),
    stranger && openView(stranger),
    values.sibling && openView(values.sibling),
  ];
  const [base, marked, other, sibling] = views;
  const context = { folder, copy, key, settings, marked, sketch: embedded.sketch, python: values.python ?? null };
  const attacks = attacksOf({
    base,
    stranger: other,
    sibling,
    remark: (view) => remarked(view, folder, settings),
    trainable: existsSync(join(model, "tokenizer.json")),
  });
  const untouched = await verify(copy, key, settings, null);
  const rows = [await wrongKey(copy, settings)];
  for (const attack of attacks.filter(isWanted)) {
    const measured = await measureAttack(attack, context, untouched);
    // A run at full size takes an hour: what is known is said at once.
    for (const row of measured) process.stderr.write(`${basename(model)}: ${lineOf(row, settings)}\n`);
    rows.push(...measured);
  }
  for (const view of views) view?.close();
  rmSync(folder, { recursive: true });
  return { model: basename(model), settings, embedded: embedded.summary, rows };
}

function isWanted({ name, group }) {
  return !values.only || values.only.split(",").some((text) => name.includes(text) || group.includes(text));
}

async function remarked(view, folder, settings) {
  const directory = join(folder, "remarked");
  const key = { master: createHash("sha256").update("somebody else").digest(), release: "another" };
  await mark(view.directory, directory, key, { ...settings, payload: null });
  return openView(directory);
}

async function wrongKey(copy, settings) {
  const key = { master: createHash("sha256").update("nobody").digest(), release: "robustness" };
  const found = await verify(copy, key, settings, null);
  return { name: "none, a wrong key", group: "control", found, r: null, predicted: null, ok: !found.present };
}
