#!/usr/bin/env node
/**
 * Differential run against the reference implementation (the Python package `safetensors`), then the official clients of
 * the Hub against the stand-in (hub.mjs), and GGUF against ggml (ggml.mjs): npm run test:interop.
 *
 *   node tests/interop/run.mjs [--cases 120000] [--seed 1]
 *
 * Every generated file that we accept the reference must accept with the same contents; every file that only we refuse
 * must carry one of the codes in EXTRA_REFUSALS; the files we write must equal the reference's byte for byte.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ggmlInterop } from "./ggml.mjs";
import { DTYPES, generateFile, randomTensor } from "./header-generator.mjs";
import { hubInterop } from "./hub.mjs";
import { random } from "./random.mjs";
import { venv } from "./venv.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..", "..");
const { values } = parseArgs({
  options: { cases: { type: "string", default: "120000" }, seed: { type: "string", default: "1" } },
});

/** What we refuse and the reference takes: each for a reason that docs/errors.md gives. */
const EXTRA_REFUSALS = new Map([
  ["ST_DUPLICATE_KEY", /./],
  ["ST_DEPTH_LIMIT", /./],
  ["ST_TOKEN_LIMIT", /./],
  ["ST_RANK_LIMIT", /./],
  ["ST_INTEGER_TOO_LARGE", /./],
  ["ST_SIZE_OVERFLOW", /./],
  // serde also takes a struct as a list of its fields and a name as a map of one key; nobody writes that.
  ["ST_ENTRY_INVALID", /entry is a JSON array|dtype is a object|more than 64 unknown/],
]);

async function ours(module) {
  const path = join(root, "dist", "src", ...module.split("/"));
  if (!existsSync(path)) {
    console.error("dist/ is missing: run npm run build first.");
    process.exit(1);
  }
  return import(`file://${path}`);
}

const { readSafetensorsHeader } = await ours("formats/safetensors/header.js");
const { serializeSafetensors } = await ours("formats/safetensors/writer.js");
const { memorySource } = await ours("bytes/memory-source.js");

const sha1 = (data) => createHash("sha1").update(data).digest("hex");
const utf8 = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The same digest as reference.py computes. */
function digest(file, { tensors, metadata }) {
  const lines = [...tensors.values()]
    .sort((a, b) => utf8(a.name, b.name))
    .map((t) => `${t.name}\0${t.dtype}\0${t.shape.join(",")}\0${sha1(file.subarray(t.begin, t.end))}\n`);
  const pairs = [...metadata].sort(([a], [b]) => utf8(a, b)).map(([key, value]) => `${key}\0${value}\n`);
  return sha1([...lines, ...pairs].join(""));
}

async function differentialRead(directory, interpreter, cases, seed) {
  const r = random(seed);
  const verdicts = [];
  const caseFile = join(directory, "cases");
  const fd = openSync(caseFile, "w");
  const names = new Set();
  for (let i = 0; i < cases; i++) {
    const file = generateFile(r);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(file.length);
    writeSync(fd, Buffer.concat([length, file]));
    verdicts.push(
      await readSafetensorsHeader(memorySource(file)).then(
        (header) => ({ digest: digest(file, header) }),
        (error) => ({ code: error.code, message: error.message, file }),
      ),
    );
  }
  closeSync(fd);
  const out = join(directory, "verdicts");
  execFileSync(interpreter, [join(here, "reference.py"), "read", caseFile, out], { stdio: "inherit" });
  const theirs = readFileSync(out, "utf8").trimEnd().split("\n");
  if (theirs.length !== cases) throw new Error(`${theirs.length} verdicts for ${cases} cases`);

  const tally = new Map();
  const count = (what) => tally.set(what, (tally.get(what) ?? 0) + 1);
  const wrong = [];
  verdicts.forEach((our, i) => {
    if (our.digest !== undefined) {
      count(our.digest === theirs[i] ? "accepted by both, same contents" : "WRONG");
      if (our.digest !== theirs[i])
        wrong.push(`case ${i}: accepted by us, ${theirs[i] === "-" ? "refused" : "read differently"} by the reference`);
    } else if (theirs[i] === "-") {
      names.add(our.code);
      count("refused by both");
    } else if (EXTRA_REFUSALS.get(our.code)?.test(our.message)) {
      count(`refused by us alone, ${our.code}`);
    } else {
      count("WRONG");
      wrong.push(
        `case ${i}: ${our.code} (${our.message}) by us, accepted by the reference: ${our.file.toString("latin1").slice(0, 300)}`,
      );
    }
  });
  console.log(`reader: ${cases} generated files, seed ${seed}`);
  for (const [what, n] of [...tally].sort()) console.log(`  ${String(n).padStart(7)}  ${what}`);
  console.log(`  ${names.size} different codes among the common refusals: ${[...names].sort().join(" ")}`);
  for (const line of wrong.slice(0, 10)) console.error(line);
  return wrong.length === 0;
}

/** Holds what the vectors' manifest says of the reference against the reference. */
function checkVectors(directory, interpreter) {
  const vectors = join(here, "..", "vectors");
  const manifest = JSON.parse(readFileSync(join(vectors, "manifest.json"), "utf8"));
  const cases = manifest.filter(({ kind }) => kind === "safetensors");
  const caseFile = join(directory, "vectors");
  const framed = cases.map(({ file }) => {
    const bytes = readFileSync(join(vectors, file));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  });
  writeFileSync(caseFile, Buffer.concat(framed));
  const out = join(directory, "vector-verdicts");
  execFileSync(interpreter, [join(here, "reference.py"), "read", caseFile, out], { stdio: "inherit" });
  const theirs = readFileSync(out, "utf8").trimEnd().split("\n");
  const wrong = cases.filter(({ reference }, i) => (theirs[i] === "-") !== (reference === "refuses"));
  for (const { file, reference } of wrong) console.error(`${file}: the manifest says the reference ${reference} it`);
  console.log(`vectors: ${cases.length - wrong.length} of ${cases.length} as the manifest says of the reference`);
  return wrong.length === 0;
}

function differentialWrite(directory, interpreter, cases, seed) {
  const r = random(seed);
  const lines = [];
  while (lines.length < cases) {
    const names = new Set(
      Array.from(
        { length: r.below(12) },
        () => r.pick(["w", "é", "\ue000", "\u{1f600}", "a\n", "Z", "\u007f", "\u2028"]) + r.below(9),
      ),
    );
    const tensors = [...names].map((name) => ({ ...randomTensor(r, name) }));
    // The Python binding cannot write 6-bit types, and counts 4-bit elements in pairs along the last axis.
    const writable = tensors.filter(
      ({ dtype, shape }) => !dtype.startsWith("F6") && (dtype !== "F4" || shape.at(-1) % 2 === 0),
    );
    const withData = writable.map((tensor) => ({ ...tensor, data: r.bytes(tensor.bytes) }));
    const metadata = r.chance(0.5)
      ? null
      : new Map(
          Array.from({ length: r.below(4) }, () => [
            r.pick(["format", "é", "b", "\u0001"]),
            r.pick(["pt", '\n"', "\u{1f600}"]),
          ]),
        );
    // The reference writes `{},"__metadata__":{}}` for no tensors and empty metadata, which it cannot read itself.
    if (withData.length === 0 && metadata?.size === 0) continue;
    const file = serializeSafetensors(withData, metadata ?? undefined);
    const hex = withData.map(({ name, dtype, shape, data }) => ({
      name,
      dtype,
      shape,
      data: Buffer.from(data).toString("hex"),
    }));
    lines.push(
      JSON.stringify({
        tensors: hex,
        metadata: metadata && Object.fromEntries(metadata),
        file: Buffer.from(file).toString("hex"),
      }),
    );
  }
  const caseFile = join(directory, "writes");
  writeFileSync(caseFile, `${lines.join("\n")}\n`);
  execFileSync(interpreter, [join(here, "reference.py"), "write", caseFile], { stdio: "inherit" });
}

if (DTYPES.length !== 22) throw new Error("the generator must know every dtype");
const interpreter = venv("interop-venv", "requirements.txt");
const directory = mkdtempSync(join(tmpdir(), "weightmark-interop-"));
try {
  const seed = Number(values.seed);
  const agreed = await differentialRead(directory, interpreter, Number(values.cases), seed);
  differentialWrite(directory, interpreter, 5000, seed);
  const vectorsAgree = checkVectors(directory, interpreter);
  if (!agreed || !vectorsAgree) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}
await hubInterop();
if (!ggmlInterop()) process.exitCode = 1;
