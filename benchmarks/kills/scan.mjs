/**
 * `scan --resume`, with results in files: killed again and again and run again by the same command until a run ends. A result
 * file is whole whenever it is there; no line of the journal is lost; no model whose result is held is begun again; and in the
 * end results, exports and journal tell of every model once, as those of an undisturbed run do, and nothing else lies there.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { difference, makeModel, momentIn } from "./harness.mjs";
import { COMMAND, run, succeed } from "./process.mjs";

const MODELS = 10;
const OUTPUTS = ["results.jsonl", "results.sarif"];

/** Whole lines of a journal. */
function linesOf(place) {
  const path = join(place, "journal");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter(Boolean);
}

/** Items of the lines, as text, by id; `twice` are the ids of those that are there more than once. */
function itemsIn(lines) {
  const items = new Map();
  const twice = [];
  for (const { item } of lines.map((line) => JSON.parse(line))) {
    if (item === undefined) continue;
    if (items.has(item.id)) twice.push(item.id);
    items.set(item.id, JSON.stringify(item));
  }
  return { items, twice };
}

/** Ids of what was begun, as the log tells; its last line may be cut off. */
function begunIn(stderr) {
  const lines = stderr
    .slice(0, stderr.lastIndexOf("\n") + 1)
    .split("\n")
    .filter(Boolean);
  return lines.map((line) => JSON.parse(line)).flatMap(({ event, target }) => (event === "begun" ? [target] : []));
}

/** Models of which two are registered, one is a copy, one is cut off and one has no weights. */
function prepare(at) {
  for (let i = 0; i < MODELS; i++) makeModel(at("models", `m${i}`), i + 1);
  cpSync(at("models", "m1"), at("models", "copy-of-m1"), { recursive: true });
  const weights = readFileSync(at("models", "m2", "model.safetensors"));
  mkdirSync(at("models", "cut"));
  writeFileSync(at("models", "cut", "model.safetensors"), weights.subarray(0, weights.length / 2));
  mkdirSync(at("models", "foreign"));
  writeFileSync(at("models", "foreign", "model.onnx"), "no weights");
}

export async function killScan({ work, kills, random }) {
  const at = (...path) => join(work, ...path);
  prepare(at);
  await succeed(["registry", "add", at("models", "m0"), at("models", "m3"), "--root", "--registry", at("bases")]);
  const outputs = ["--format", "jsonl", "-o", OUTPUTS[0], "--sarif", OUTPUTS[1], "--force"];
  const scan = [
    ...[COMMAND, "scan", at("models"), "--registry", at("bases"), "--no-cache", "--offline", "--jobs", "1"],
    ...["--journal", "journal", "--resume", "--deterministic", ...outputs, "-v", "--log-format", "json"],
  ];
  const read = (place) =>
    OUTPUTS.map((name) => (existsSync(join(place, name)) ? readFileSync(join(place, name), "utf8") : null));
  mkdirSync(at("whole"));
  const undisturbed = await run(scan, { cwd: at("whole") });
  const whole = { outputs: read(at("whole")), ...itemsIn(linesOf(at("whole"))) };
  if (whole.outputs.includes(null) || whole.items.size !== MODELS + 3) throw new Error(undisturbed.stderr);

  const found = { before: 0, during: 0, after: 0 };
  const wrong = [];
  let scans = 0;
  for (let kill = 0; kill < kills; scans++) {
    const place = at(`scan-${scans}`);
    mkdirSync(place);
    const complain = (what) => wrong.push(`scan ${scans}, ${kill} kills: ${what}`);
    const judge = (held, { stderr }) => {
      const lines = linesOf(place);
      if (held.some((line, i) => lines[i] !== line)) complain("a line of the journal is not there any more");
      const before = itemsIn(held).items;
      const again = begunIn(stderr).filter((id) => before.has(id));
      if (again.length > 0) complain(`begun again: ${again.join(", ")}`);
      const { items, twice } = itemsIn(lines);
      if (twice.length > 0) complain(`twice in the journal: ${twice.join(", ")}`);
      for (const [id, item] of items) {
        if (item !== whole.items.get(id)) complain(`${id}: ${difference(item, whole.items.get(id) ?? "nothing")}`);
      }
      for (const [i, text] of read(place).entries()) {
        if (text !== null && text !== whole.outputs[i])
          complain(`${OUTPUTS[i]}: ${difference(text, whole.outputs[i])}`);
      }
      return lines;
    };
    for (let isOver = false; !isOver; ) {
      const held = linesOf(place);
      const killAfter = kill < kills ? momentIn(undisturbed.ms, random) : null;
      const result = await run(scan, { cwd: place, killAfter });
      const lines = judge(held, result);
      isOver = result.code !== null;
      if (isOver && result.code !== undisturbed.code) complain(`exit code ${result.code}, ${result.stderr}`);
      if (killAfter === null || isOver) continue;
      kill += 1;
      if (lines.length <= 1) found.before += 1;
      else if (lines.some((line) => "end" in JSON.parse(line))) found.after += 1;
      else found.during += 1;
    }
    const { items } = itemsIn(linesOf(place));
    if (items.size !== whole.items.size) complain(`${items.size} results in place of ${whole.items.size}`);
    const names = readdirSync(place).sort();
    if (names.join() !== ["journal", ...OUTPUTS].sort().join()) complain(`there lies ${names.join(", ")}`);
    rmSync(place, { recursive: true });
  }
  return { kills, scans, models: whole.items.size, undisturbedMs: Math.round(undisturbed.ms), found, wrong };
}
