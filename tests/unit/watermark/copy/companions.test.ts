import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../../src/bytes/memory-source.ts";
import { resolveRoot } from "../../../../src/checkpoint/inside-root.ts";
import { prng } from "../../../../src/numerics/prng.ts";
import { escapeText } from "../../../../src/report/escape.ts";
import { contentOf } from "../../../../src/watermark/copy/companion-content.ts";
import { findCompanions } from "../../../../src/watermark/copy/companions.ts";
import { rawFile } from "../../../support/raw-model.ts";
import { sentencePieceModel } from "../../../support/sentence-piece.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const random = prng("companions");
const values = Float32Array.from({ length: 4096 }, () => 0.02 * random.normal());
const WEIGHTS = rawFile({
  tensors: [{ name: "w", dtype: "F32", shape: [64, 64], bytes: new Uint8Array(values.buffer) }],
});
const WORDS = ["<unk>", "<s>", "</s>", "▁the", "▁größe", "模型", ...Array.from({ length: 600 }, (_, i) => `▁w${i}`)];
const TOKENIZER = sentencePieceModel(WORDS);

async function listed(files: Readonly<Record<string, string | Uint8Array>>) {
  const directory = temporaryDirectory();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  const { files: found, notes } = await findCompanions(await resolveRoot(directory), new Set());
  return { paths: found.map(({ path }) => path), notes };
}

const content = (bytes: Uint8Array) => contentOf(memorySource(bytes, "memory"));

describe("what goes with a marked copy", () => {
  it("is no file of unmarked weights, whatever it is called", async () => {
    const names = [
      ...["ae.sft", "model.safetensors~", "pytorch_model_fsdp_0/__0_0.distcp", "MODEL.SAFETENSORS"],
      ...["saved/variables/variables.data-00000-of-00001", "model.pte", "model.litertlm", "model.dduf", "original.pb"],
      ...["sha256-abcdef", "consolidated.00", "model_safetensors.backup", "Copy of model", "tensor00_00", "w.gz"],
      ...[".model.safetensors.swp", "README.md", "config.json", "tokenizer.model", "vocab.txt", "x.safetensors.md5"],
    ];
    for (const name of names) {
      const { paths, notes } = await listed({ [name]: WEIGHTS });
      expect(paths, name).toEqual([]);
      expect(notes.join("\n")).toContain(JSON.stringify(name));
    }
    const raw = await listed({ "weights.raw": new Uint8Array(values.buffer), "weights.f16": WEIGHTS.subarray(200) });
    expect(raw.paths).toEqual([]);
  });

  it("is every text and every tokenizer that a model needs", async () => {
    const files = {
      "README.md": "größe 模型 \u{1f600}",
      "README.pt-br.md": "Olá",
      "chat_template.jinja": "{{ x }}",
      "empty.txt": "",
      "merges.txt": "a b\r\nc d\n",
      "modeling_x.py": "pass",
      "model.safetensors.index.json": "{}",
      "model.safetensors.sha256": "abc  model.safetensors",
      "qwen.tiktoken": "IQ== 0\nIg== 1\n",
      "source.spm": TOKENIZER,
      "tokenizer.json": `{"vocab": "${"ä".repeat(1 << 20)}"}`,
      "tokenizer.model": TOKENIZER,
      "tokenizer.model.v3": TOKENIZER,
      "vocab.json": '{"\\u0000": 1}',
    };
    const { paths, notes } = await listed(files);
    expect(paths).toEqual(Object.keys(files).sort());
    expect(notes).toEqual([]);
  });

  it("is nothing else that is binary, and that is said by name", async () => {
    const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
    const { paths, notes } = await listed({
      "assets/plot.png": png,
      "latin1.txt": Buffer.from("gr\xf6\xdfe", "latin1"),
      "utf16.txt": Buffer.from("\ufeffhello", "utf16le"),
      "pytorch_model.bin": "version https://git-lfs.github.com/spec/v1\n",
    });
    expect(paths).toEqual([]);
    expect(notes).toEqual([
      'not copied, for it may hold the unmarked weights: "pytorch_model.bin"',
      'not copied, neither text nor a tokenizer (add what holds no weights by hand): "assets/plot.png", "latin1.txt", "utf16.txt"',
    ]);
  });

  it("is told in lines that no report cuts, and a number where there are too many", async () => {
    const files = Object.fromEntries(Array.from({ length: 45 }, (_, i) => [`${"long ".repeat(12)}${i + 10}`, WEIGHTS]));
    const { notes } = await listed(files);
    expect(notes.length).toBeGreaterThan(5);
    for (const line of notes) expect(escapeText(line)).toBe(line);
    for (const name of Object.keys(files).slice(0, 40)) expect(notes.join("\n")).toContain(JSON.stringify(name));
    expect(notes.at(-1)).toMatch(/, 5 more$/);
  });

  it("is a large text, with a note", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "vocab.txt"), "a".repeat(64 << 20));
    writeFileSync(join(directory, "zeros.txt"), "");
    truncateSync(join(directory, "zeros.txt"), 64 << 20);
    const { files, notes } = await findCompanions(await resolveRoot(directory), new Set());
    expect(files).toMatchObject([{ path: "vocab.txt", bytes: 64 << 20 }]);
    expect(notes).toHaveLength(2);
    expect(notes[1]).toMatch(/^copied as it is; make sure that it holds no weights: "vocab.txt"$/);
  });
});

describe("the content of a file", () => {
  test.prop([fc.string({ unit: "grapheme", minLength: 0 }).filter((text) => !text.includes("\0"))])(
    "is text for every text",
    async (text) => {
      expect(await content(Buffer.from(text, "utf8"))).toBe("text");
    },
  );

  it("is text wherever a character falls between two pieces that are read", async () => {
    for (const shift of [0, 1, 2, 3]) {
      const text = "x".repeat((1 << 20) - shift) + "模型".repeat(10);
      expect(await content(Buffer.from(text))).toBe("text");
      expect(await content(Buffer.from(text).subarray(0, -1))).toBe("other");
    }
  });

  it("is a tokenizer only when all of it is one", async () => {
    expect(await content(TOKENIZER)).toBe("tokenizer");
    for (const bytes of [
      TOKENIZER.subarray(0, -1),
      TOKENIZER.subarray(1),
      Buffer.concat([TOKENIZER, WEIGHTS]),
      Buffer.concat([WEIGHTS, TOKENIZER]),
      // As one piece, or as a table that no normaliser has.
      sentencePieceModel([Buffer.from(WEIGHTS).toString("latin1")]),
      Buffer.concat([TOKENIZER, Buffer.from([0x12, 0x80, 0x80, 0x80, 0x03]), Buffer.alloc(6 << 20)]),
      sentencePieceModel([]),
    ]) {
      expect(await content(bytes)).toBe("other");
    }
  });

  test.prop([fc.float32Array({ minLength: 16, noNaN: true }).filter((one) => one.some((x) => x !== 0))])(
    "is neither for weights",
    async (weights) => {
      const bytes = rawFile({
        tensors: [{ name: "w", dtype: "F32", shape: [weights.length], bytes: new Uint8Array(weights.slice().buffer) }],
      });
      expect(await content(bytes)).toBe("other");
    },
  );
});
