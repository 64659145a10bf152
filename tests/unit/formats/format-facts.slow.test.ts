import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { transposed } from "../../../src/alignment/rotation.ts";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { decodeToF32 } from "../../../src/kernels/decode.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { openSubject } from "../../../src/lineage/open-subject.ts";
import { readKeyFile } from "../../../src/watermark/key/key-file.ts";
import { parsePayload } from "../../../src/watermark/message/payload.ts";
import { verifyWatermark } from "../../../src/watermark/verify.ts";
import { runCommand } from "../../support/command.ts";
import { type Fact, FORMATS } from "../../support/format-facts.mjs";
import { HEADS, IMAGES } from "../../support/format-images.ts";
import { remoteOf } from "../../support/hub-remote.ts";
import { embedAt, storeModel } from "../../support/keyed-model.ts";
import { type Model, type ModelTensor, randomModel } from "../../support/random-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { testKey } from "../../support/spread-model.ts";
import { fileOf } from "../../support/stored-model.ts";

const ROOT = join(import.meta.dirname, "../../..");
const CONFIG = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 256,
  num_attention_heads: HEADS.heads,
  num_key_value_heads: HEADS.kvHeads,
  num_hidden_layers: 2,
};
/** Of formats whose files only their own tools write: the file, and what it was made of. */
const EXAMPLES: Readonly<Record<string, readonly [path: string, of: string]>> = {
  "ONNX int8 by onnxruntime": ["examples/containers/leaked-onnx/model.onnx", "examples/models/leaked"],
  "adapter + base peft LoRA": ["examples/containers/adapter+examples/models/leaked", "examples/models/leaked"],
};
const place = scratchDirectory();
const plain = join(place, "plain");
const [scanned, registry] = [join(place, "scanned"), join(place, "registry")];
const DEMO_KEY = join(place, "demo.key");
let marked: Model;

beforeAll(async () => {
  writeFileSync(DEMO_KEY, readFileSync(join(ROOT, "examples/demo.key")), { mode: 0o600 });
  const shape = { family: "llama", width: 256, hidden: 512, layers: 2, vocabulary: 256, tied: true } as const;
  storeModel(join(place, "model"), randomModel({ init: 1 }, shape), { "config.json": CONFIG });
  await embedAt(join(place, "model"), plain, { payload: parsePayload("00c0ffee"), rho: 0.02 });
  marked = await valuesOf(plain);
});

async function valuesOf(path: string): Promise<Model> {
  await using checkpoint = await openCheckpoint(path);
  const model = new Map<string, ModelTensor>();
  for (const [name, { shape, dtype, begin, end, file, inOut }] of checkpoint.tensors) {
    const values = decodeToF32(await checkpoint.files[file]!.source.read(begin, end), dtype);
    // As [out, in], whichever way a linear lies.
    if (inOut === true)
      model.set(name, { shape: shape.toReversed(), values: transposed(values, shape[1]!), dtype: "F32" });
    else model.set(name, { shape: [...shape], values, dtype: "F32" });
  }
  return model;
}

/** Distance of two tensors by the size of the second. */
function errorOf(found: Float32Array, meant: Float32Array): number {
  let [apart, size] = [0, 0];
  meant.forEach((value, i) => {
    apart += (found[i]! - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(apart / size);
}

async function ofRanges(files: Readonly<Record<string, Uint8Array>>, entry: string) {
  const http = createServer((request, response) => {
    const body = files[request.url!.slice(1)];
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (body === undefined || start === undefined) return response.writeHead(404).end();
    const last = Math.min(Number(end), body.length - 1);
    response.writeHead(206, { "content-range": `bytes ${start}-${last}/${body.length}`, etag: '"1"' });
    response.end(body.subarray(Number(start), last + 1));
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  try {
    const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    await using checkpoint = await openCheckpoint(`${origin}/${entry}`, { remote: await remoteOf(origin) });
    return (await fingerprintCheckpoint(checkpoint, { depth: "sampled", threads: 0 })).roots;
  } finally {
    http.close();
  }
}

const folderOf = (name: string): string => name.replaceAll(/\W+/g, "-");
const rows = FORMATS.map((format) => [`${format.container} ${format.scheme}`, format] as const);
const written = rows.filter(([name]) => name in IMAGES || name in EXAMPLES);

test("each fact that is not shown here is one of a suite that has the format", () => {
  const others = rows.filter(([name]) => !(name in IMAGES || name in EXAMPLES));
  for (const [name, { proves, peer, of }] of others) {
    expect([name, ...proves]).toEqual([name, "read"]);
    const suite = readFileSync(join(ROOT, peer!.replace(/mjs$/, "py")), "utf8");
    expect(suite, name).toContain(of!);
  }
  for (const [name, { suite }] of rows) {
    if (suite === undefined) continue;
    const texts = suite.files.map((file) => readFileSync(join(ROOT, file), "utf8"));
    expect(texts.filter((text) => text.includes(suite.of)).length, name).toBeGreaterThan(0);
  }
  expect(Object.keys(IMAGES).filter((name) => !rows.some(([known]) => known === name))).toEqual([]);
});

describe.each(written)("%s", (name, { proves, error }) => {
  const has = (fact: Fact): boolean => proves.includes(fact);
  const [example, made] = EXAMPLES[name] ?? [];
  const folder = join(scanned, folderOf(name));
  let path: string;
  let base = plain;
  let files: Readonly<Record<string, Uint8Array>> = {};
  let entry = "";
  let meant: Model;

  beforeAll(async () => {
    if (example !== undefined) {
      path = example
        .split("+")
        .map((part) => join(ROOT, part))
        .join("+");
      base = join(ROOT, made!);
      [entry, files] = ["model.onnx", has("ranges") ? { "model.onnx": readFileSync(path) } : {}];
      meant = await valuesOf(base);
      return;
    }
    const image = IMAGES[name]!(marked);
    ({ files, entry } = image);
    mkdirSync(folder, { recursive: true });
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
    if (/safetensors|PyTorch|ONNX|NumPy|CTr/.test(name))
      writeFileSync(join(folder, "config.json"), JSON.stringify({ ...CONFIG, ...image.config }));
    path = join(folder, entry);
    meant = image.values ?? marked;
    if (image.values === undefined) return;
    base = join(place, `${folder.slice(scanned.length + 1)}.safetensors`);
    writeFileSync(base, fileOf(meant));
  });

  test("is read as what was stored", async () => {
    const found = await valuesOf(path);
    expect([...found.keys()].sort()).toEqual([...meant.keys()].sort());
    for (const [tensor, { shape, values }] of meant) {
      expect(found.get(tensor)!.shape, tensor).toEqual(shape);
      expect(errorOf(found.get(tensor)!.values, values), tensor).toBeLessThanOrEqual(error);
    }
  });

  test.runIf(has("fingerprint"))(
    "has the fingerprint of what it was made of, and is its image if it says so",
    async () => {
      await using subject = await openSubject(path);
      await using other = await openSubject(base);
      const { verdict, log10P, image } = await compareSubjects(subject, other);
      expect(["identical", "recast", "derived"]).toContain(verdict);
      // Matrices of a few blocks that were drawn are told to be equal, whatever their labels say.
      if (base === plain || example !== undefined) expect(log10P).toBeLessThan(-20);
      else expect(["identical", "recast"]).toContain(verdict);
      if (has("image")) expect(image).toBeDefined();
    },
  );

  test.runIf(has("ranges"))("has the same fingerprint by ranges", async () => {
    await using checkpoint = await openCheckpoint(path);
    const { roots } = await fingerprintCheckpoint(checkpoint, { depth: "sampled", threads: 0 });
    expect(await ofRanges(files, entry)).toEqual(roots);
  });

  test.runIf(has("mark"))("has the mark, and no other key's", async () => {
    const key = example === undefined ? testKey(1) : await readKeyFile(DEMO_KEY, null);
    for (const [one, present] of [
      [key, true],
      [testKey(2), false],
    ] as const) {
      await using checkpoint = await openCheckpoint(path);
      expect(await verifyWatermark(checkpoint, { key: one, threads: 0 })).toMatchObject({ present });
    }
  });
});

test("all that say so are found by a scan, and what was made of the marked model is told to be of it", async () => {
  const wanted = written.filter(([, { proves }]) => proves.includes("scan"));
  const pairs = wanted.flatMap(([name]) => EXAMPLES[name]?.[0] ?? []);
  const bases = [plain, join(ROOT, "examples/models/leaked")];
  const added = await runCommand(["registry", "add", ...bases, "--registry", registry]);
  expect(added, added.stderr).toMatchObject({ exitCode: 0 });
  const args = ["scan", scanned, ...pairs, "--registry", registry, "--no-cache", "--format", "jsonl"];
  const { stdout } = await runCommand([...args, "--journal", join(place, "journal")], { cwd: ROOT });
  const found = new Map<string, string | null>();
  for (const line of stdout.trim().split("\n")) {
    const { name, verdict } = JSON.parse(line);
    if (typeof name === "string") found.set(name.split("/")[0]!, verdict);
  }
  for (const [name, { container, proves }] of wanted) {
    const path = EXAMPLES[name]?.[0];
    const called =
      path === undefined ? folderOf(name) : path.replace(/^.*\/([^/+]+)\+.*\/([^/]+)$/, "$1+$2").replace(/^.*\//, "");
    const isDrawn = container === "GGUF" && !proves.includes("mark");
    expect([name, found.get(called)]).toEqual([
      name,
      expect.stringMatching(isDrawn ? /./ : /^(identical|recast|derived)$/),
    ]);
  }
});
