import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../../../src/checkpoint/checkpoint.ts";
import { openCheckpoint } from "../../../../src/checkpoint/open-checkpoint.ts";
import { prng } from "../../../../src/numerics/prng.ts";
import { writeMarkedCopy } from "../../../../src/watermark/copy/marked-copy.ts";
import type { TensorEdit, ViewEdit } from "../../../../src/watermark/host/tensor-edit.ts";
import { generateKeyFile } from "../../../../src/watermark/key/key-file.ts";
import { modelKey } from "../../../../src/watermark/key/model-key.ts";
import {
  digestsBelow,
  filesBelow,
  type RawTensor,
  rawFile,
  writeBeside,
  writeRawModel,
} from "../../../support/raw-model.ts";
import { refusal } from "../../../support/refusal.ts";
import { toBf16 } from "../../../support/rounding.ts";
import { checkpointOf } from "../../../support/stored-model.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const ROWS = 96;
const COLS = 320;

function matrix(name: string, dtype: "F32" | "BF16" = "BF16"): RawTensor {
  const random = prng(name);
  const values = Float32Array.from({ length: ROWS * COLS }, () => 0.02 * random.normal());
  const bytes = new Uint8Array(dtype === "F32" ? values.buffer : Uint16Array.from(values, toBf16).buffer);
  return { name, dtype, shape: [ROWS, COLS], bytes };
}

function view(name: string, fields: Partial<ViewEdit> = {}): ViewEdit {
  const rowOffsets = Float64Array.from({ length: ROWS }, (_, row) => row * COLS);
  return {
    address: name,
    rowOffsets,
    colStride: 1,
    cols: COLS,
    rowSigns: null,
    colSigns: null,
    spread: null,
    lowRank: null,
    ...fields,
  };
}

const editOf = (name: string, fields: Partial<ViewEdit>): [string, TensorEdit] => [
  name,
  { tensor: name, views: [view(name, fields)], vectorSigns: null },
];

/** Everything at once: signs, a spread mark, a low-rank addition. */
function fullEdits(names: readonly string[]): Map<string, TensorEdit> {
  const key = modelKey(new Uint8Array(32), "test");
  const random = prng("edits");
  const chips = 8;
  return new Map(
    names.map((name, n) =>
      editOf(name, {
        rowSigns: Int8Array.from({ length: ROWS }, () => (random.below(2) === 0 ? 1 : -1)),
        colSigns: Int8Array.from({ length: COLS }, () => (random.below(2) === 0 ? 1 : -1)),
        spread: {
          coinKey: key.subkey("coins"),
          mapKey: key.subkey("map"),
          ditherKey: key.subkey("dither"),
          chips,
          amplitudes: Float64Array.from({ length: chips }, (_, i) => 0.01 * (i - 3)),
          columnScales: new Float32Array(COLS).fill(1),
        },
        lowRank:
          n % 2 === 0
            ? null
            : {
                rank: 3,
                coefficients: Float32Array.from({ length: ROWS * 3 }, (_, i) => (i % 7 < 3 ? 0 : 1e-3)),
                directions: Float32Array.from({ length: 3 * COLS }, () => random.normal()),
                ditherKey: key.subkey("low-rank"),
              },
      }),
    ),
  );
}

async function copied(location: string, output: string, edits: ReadonlyMap<string, TensorEdit>, options = {}) {
  const checkpoint = await openCheckpoint(location);
  try {
    return await writeMarkedCopy(checkpoint, output, edits, { threads: 0, ...options });
  } finally {
    await checkpoint.close();
  }
}

function writeShards(directory: string): string[] {
  const names = [..."abcdefgh"];
  writeRawModel(directory, [
    { tensors: names.slice(0, 5).map((n) => matrix(n)), metadata: { format: "pt" } },
    { tensors: names.slice(5).map((n) => matrix(n)) },
  ]);
  return names;
}

describe("what is copied", () => {
  it("is what is text or a tokenizer, but no weights by name, hidden directory, or what is no file", async () => {
    const directory = temporaryDirectory();
    const input = join(directory, "in");
    writeRawModel(input, [{ tensors: [matrix("w")] }]);
    const kept = {
      ".gitattributes": "x",
      "README.md": "hello",
      "tokenizer.model": "tokens",
      "pytorch_model.bin.index.json": "{}",
      "deep/er/chat_template.jinja": "{{ x }}",
      "empty.txt": "",
    };
    const left = {
      "pytorch_model.bin": "x",
      "model.Q4_0.GGUF": "x",
      "consolidated.safetensors": "x",
      "model.safetensors.part": "x",
      "original/consolidated.00.pth": "x",
      "onnx/model.onnx_data": "x",
      "optimizer.pt": "x",
      "weights.tar.gz": "x",
      "zzz.sketch": "x",
      ".weightmark-0123456789abcdef.tmp": "half of something",
      ".git/lfs/objects/12/34": "x",
      ".cache/huggingface/download/x.incomplete": "x",
    };
    writeBeside(input, { ...kept, ...left });
    await generateKeyFile(join(input, "secret.txt"), { passphrase: null });
    symlinkSync("nowhere", join(input, "dangling"));
    symlinkSync("deep", join(input, "linked"));
    const output = join(directory, "out");
    const { files, bytes, notes, achieved } = await copied(input, output, new Map());
    const written = filesBelow(output);
    expect([...written.keys()]).toEqual([...Object.keys(kept), "config.json", "model.safetensors"].sort());
    for (const [path, content] of written) expect(content.equals(readFileSync(join(input, path))), path).toBe(true);
    expect(files).toBe(written.size);
    expect(bytes).toBe([...written.values()].reduce((n, b) => n + b.length, 0));
    expect(achieved).toBeNull();
    const said = notes.join("\n");
    for (const path of [
      "consolidated.safetensors",
      "model.Q4_0.GGUF",
      "zzz.sketch",
      "secret.txt",
      ".git",
      ".cache",
      "dangling",
      "linked",
    ]) {
      expect(said).toContain(path);
    }
  });

  it("follows the links of a snapshot in a cache", async () => {
    const directory = temporaryDirectory();
    const repository = join(directory, "models--org--name");
    const snapshot = join(repository, "snapshots/abc");
    mkdirSync(join(repository, "blobs"), { recursive: true });
    mkdirSync(snapshot, { recursive: true });
    const files = { "model.safetensors": rawFile({ tensors: [matrix("w")] }), "config.json": Buffer.from("{}") };
    for (const [name, bytes] of Object.entries(files)) {
      writeFileSync(join(repository, "blobs", `blob of ${name}`), bytes);
      symlinkSync(`../../blobs/blob of ${name}`, join(snapshot, name));
    }
    const output = join(directory, "out");
    await copied(snapshot, output, new Map());
    const written = filesBelow(output);
    expect([...written.keys()]).toEqual(["config.json", "model.safetensors"]);
    for (const [name, bytes] of Object.entries(files)) expect(written.get(name)!.equals(bytes), name).toBe(true);
    expect(readdirSync(output, { withFileTypes: true }).every((entry) => entry.isFile())).toBe(true);
  });

  it("is nothing that a link brings in from elsewhere, or in a circle", async () => {
    const directory = temporaryDirectory();
    const input = join(directory, "in");
    writeRawModel(input, [{ tensors: [matrix("w")] }]);
    mkdirSync(join(directory, "elsewhere"));
    writeFileSync(join(directory, "elsewhere/secret"), "secret");
    mkdirSync(join(input, "venv/bin"), { recursive: true });
    symlinkSync("../../../elsewhere/secret", join(input, "venv/bin/python"));
    symlinkSync("../elsewhere", join(input, "shared"));
    symlinkSync("round", join(input, "round"));
    const { notes } = await copied(input, join(directory, "out"), new Map());
    expect([...filesBelow(join(directory, "out")).keys()]).toEqual(["config.json", "model.safetensors"]);
    expect(notes).toEqual([
      `not copied, a link that leads out of the model's directory: "shared", "venv/bin/python"`,
      `not copied, no regular file: "round"`,
    ]);
  });

  it("is the file alone when a file is named, and the directory when its index or a shard is", async () => {
    const directory = temporaryDirectory();
    const input = join(directory, "in");
    writeShards(input);
    writeFileSync(join(input, "lone.safetensors"), rawFile({ tensors: [matrix("w")] }));
    await copied(join(input, "lone.safetensors"), join(directory, "one"), new Map());
    expect(readdirSync(join(directory, "one"))).toEqual(["lone.safetensors"]);
    rmSync(join(input, "lone.safetensors"));
    const shard = readdirSync(input).find((name) => name.endsWith(".safetensors"))!;
    for (const [i, name] of ["model.safetensors.index.json", shard].entries()) {
      await copied(join(input, name), join(directory, `all-${i}`), new Map());
      expect(digestsBelow(join(directory, `all-${i}`))).toEqual(digestsBelow(input));
    }
  });

  it("may lie in memory", async () => {
    const directory = temporaryDirectory();
    const values = Float32Array.from({ length: 6 }, (_, i) => i - 2.5);
    const checkpoint = await checkpointOf(new Map([["w", { shape: [2, 3], values, dtype: "F32" as const }]]));
    const output = join(directory, "out");
    const rowOffsets = Float64Array.of(0, 3);
    const edit = editOf("w", { rowOffsets, cols: 3, rowSigns: Int8Array.of(-1, 1) });
    await writeMarkedCopy(checkpoint, output, new Map([edit]));
    const marked = await openCheckpoint(output);
    const { begin, end } = marked.tensors.get("w")!;
    const bytes = await marked.files[0]!.source.read(begin, end);
    await marked.close();
    expect([...new Float32Array(bytes.slice().buffer)]).toEqual([2.5, 1.5, 0.5, 0.5, 1.5, 2.5]);
  });
});

describe("what is added", () => {
  it("is the product of coefficients and directions, to the type's precision", async () => {
    const directory = temporaryDirectory();
    const tensor = matrix("w", "F32");
    writeRawModel(join(directory, "in"), [{ tensors: [tensor] }]);
    const random = prng("directions");
    const coefficients = Float32Array.from({ length: ROWS * 2 }, (_, i) => (i % 6 < 2 ? 0 : 1e-4 * random.normal()));
    const directions = Float32Array.from({ length: 2 * COLS }, () => random.normal());
    const lowRank = { rank: 2, coefficients, directions, ditherKey: new Uint8Array(32) };
    await copied(join(directory, "in"), join(directory, "out"), new Map([editOf("w", { lowRank })]));
    const file = readFileSync(join(directory, "out/model.safetensors"));
    const was = new Float32Array(tensor.bytes.slice().buffer);
    const is = new Float32Array(new Uint8Array(file.subarray(file.length - tensor.bytes.length)).buffer);
    let moved = 0;
    for (let at = 0; at < was.length; at++) {
      const [i, j] = [Math.floor(at / COLS), at % COLS];
      const delta = coefficients[2 * i]! * directions[j]! + coefficients[2 * i + 1]! * directions[COLS + j]!;
      const wanted = was[at]! + delta;
      // The sign stays: a weight that would cross zero does not get there.
      if (Math.sign(wanted) !== Math.sign(was[at]!)) expect(Math.sign(is[at]!)).toBe(Math.sign(was[at]!));
      else expect(Math.abs(is[at]! - wanted)).toBeLessThanOrEqual(1e-8);
      if (coefficients[2 * i] === 0 && coefficients[2 * i + 1] === 0) expect(is[at]).toBe(was[at]);
      else if (is[at] !== was[at]) moved++;
    }
    expect(moved).toBeGreaterThan(0.6 * was.length);
  });

  it("is the same bytes and the same sums for any number of threads", async () => {
    const directory = temporaryDirectory();
    const input = join(directory, "in");
    const edits = fullEdits(writeShards(input));
    const results = [];
    for (const threads of [0, 1, 2, 3]) {
      const output = join(directory, `out-${threads}`);
      const { achieved } = await copied(input, output, edits, { threads });
      results.push({ achieved, files: digestsBelow(output) });
    }
    for (const result of results) expect(result).toEqual(results[0]);
    expect(results[0]!.files).not.toEqual(digestsBelow(input));
    const { counts, squares, sums } = results[0]!.achieved!;
    const total = (x: Float64Array) => x.reduce((a, b) => a + b, 0);
    expect(total(counts)).toBe(8 * ROWS * COLS);
    // Rows have unit RMS in the detector's coordinates.
    expect(total(squares) / total(counts)).toBeGreaterThan(0.9);
    expect(sums.some((s) => s !== 0)).toBe(true);
  });

  it("tells how far it is", async () => {
    const directory = temporaryDirectory();
    writeShards(join(directory, "in"));
    const seen: [number, number][] = [];
    const onProgress = (done: number, total: number) => seen.push([done, total]);
    await copied(join(directory, "in"), join(directory, "out"), fullEdits(["a", "h"]), { onProgress });
    const total = [...filesBelow(join(directory, "in"))].reduce((n, [p, b]) => n + (p.endsWith("s") ? b.length : 0), 0);
    expect(seen.at(-1)).toEqual([total, total]);
    expect(seen.every(([done], i) => i === 0 || done >= seen[i - 1]![0])).toBe(true);
  });
});

describe("a refused copy", () => {
  it("has an output that is there or lies in the input", async () => {
    const directory = temporaryDirectory();
    const input = join(directory, "in");
    writeRawModel(input, [{ tensors: [matrix("w")] }]);
    symlinkSync("in", join(directory, "link"));
    mkdirSync(join(directory, "there"));
    const before = digestsBelow(directory);
    for (const output of [
      input,
      `${input}/`,
      join(input, "out"),
      join(input, "x/out"),
      join(directory, "link/out"),
      join(directory, "link"),
    ]) {
      await refusal(copied(input, output, new Map()), "OUTPUT_IS_INPUT");
    }
    await refusal(copied(join(directory, "link"), join(input, "out"), new Map()), "OUTPUT_IS_INPUT");
    const file = join(input, "model.safetensors");
    await refusal(copied(file, file, new Map()), "OUTPUT_IS_INPUT");
    await refusal(copied(input, join(directory, "there"), new Map()), "OUTPUT_EXISTS");
    await refusal(copied(input, join(directory, "none/out"), new Map()), "WRITE_FAILED");
    expect(digestsBelow(directory)).toEqual(before);
  });

  it.each<[string, (input: string) => void]>([
    ["written to", (input) => appendFileSync(join(input, "model-2-of-2.safetensors"), "x")],
    ["truncated", (input) => truncateSync(join(input, "model-2-of-2.safetensors"), 50)],
    ["removed", (input) => rmSync(join(input, "model-2-of-2.safetensors"))],
  ])("has an input that was %s meanwhile", async (_, change) => {
    for (const threads of [0, 2]) {
      const directory = temporaryDirectory();
      const input = join(directory, "in");
      const names = writeShards(input);
      let done = false;
      const onProgress = () => {
        if (!done) change(input);
        done = true;
      };
      const error = await copied(input, join(directory, "out"), fullEdits(names), { threads, onProgress }).catch(
        (e) => e,
      );
      expect(["CHANGED_DURING_READ", "FILE_NOT_FOUND", "READ_OUT_OF_RANGE"], error).toContain(error.code);
      expect(readdirSync(directory)).toEqual(["in"]);
    }
  });

  it.each([0, 2])("was given up, with %i threads", async (threads) => {
    const directory = temporaryDirectory();
    const names = writeShards(join(directory, "in"));
    const controller = new AbortController();
    const options = { threads, signal: controller.signal, onProgress: () => controller.abort() };
    await expect(copied(join(directory, "in"), join(directory, "out"), fullEdits(names), options)).rejects.toThrow(
      /abort/i,
    );
    expect(readdirSync(directory)).toEqual(["in"]);
    const never = { threads, signal: AbortSignal.abort() };
    await expect(copied(join(directory, "in"), join(directory, "out"), new Map(), never)).rejects.toThrow(/abort/i);
  });

  it("has edits of another model", async () => {
    const directory = temporaryDirectory();
    writeRawModel(join(directory, "in"), [{ tensors: [matrix("w")] }]);
    await refusal(copied(join(directory, "in"), join(directory, "out"), fullEdits(["x"])), "INTERNAL");
    expect(readdirSync(directory)).toEqual(["in"]);
  });
});

it("what a checkpoint says of its files is all that decides names in the copy", async () => {
  const directory = temporaryDirectory();
  const input = join(directory, "in");
  writeBeside(input, { "part/x.txt": "x" });
  writeFileSync(join(input, "part/a.safetensors"), rawFile({ tensors: [matrix("w")] }));
  writeFileSync(join(input, "model.safetensors.index.json"), '{"weight_map": {"w": "part/a.safetensors"}}');
  const checkpoint: Checkpoint = await openCheckpoint(input);
  await writeMarkedCopy(checkpoint, join(directory, "out"), new Map(), { threads: 0 });
  await checkpoint.close();
  expect(digestsBelow(join(directory, "out"))).toEqual(digestsBelow(input));
});
