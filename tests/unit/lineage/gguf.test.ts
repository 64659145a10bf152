import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/checkpoint/open-checkpoint.ts";
import { fingerprintCheckpoint } from "../../../src/fingerprint/extract.ts";
import { compareSubjects as compare } from "../../../src/lineage/compare.ts";
import { openSubject } from "../../../src/lineage/open-subject.ts";
import { llamaGguf } from "../../support/gguf-file.mjs";
import { randomWords } from "../../support/random-fingerprint.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";
import { modelBytes, type TinyModel } from "../../support/tiny-model.ts";

const [WIDTH, FFN, VOCABULARY, LAYERS, HEADS, KV_HEADS] = [256, 512, 512, 2, 8, 4];

/** A Llama whose rows are whole blocks of 256, with some strong directions in place of training. */
function llama(seed: number): TinyModel {
  const next = randomWords(seed);
  const normal = () => Math.sqrt(-2 * Math.log((next() + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * next()) / 2 ** 32);
  const model = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  const add = (name: string, rows: number, cols: number) => {
    const values = Float32Array.from({ length: rows * cols }, () => 0.05 * normal());
    for (let k = 0; k < 4; k++) {
      const u = Array.from({ length: rows }, () => normal() / Math.sqrt(rows));
      const v = Array.from({ length: cols }, () => normal() / Math.sqrt(cols));
      for (let i = 0; i < values.length; i++) values[i]! += 5 * u[Math.floor(i / cols)]! * v[i % cols]!;
    }
    model.set(`${name}.weight`, { shape: [rows, cols], values });
  };
  const norm = (name: string) => {
    model.set(`${name}.weight`, {
      shape: [WIDTH],
      values: Float32Array.from({ length: WIDTH }, () => 1 + 0.1 * normal()),
    });
  };
  add("model.embed_tokens", VOCABULARY, WIDTH);
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `model.layers.${layer}`;
    norm(`${at}.input_layernorm`);
    add(`${at}.self_attn.q_proj`, WIDTH, WIDTH);
    add(`${at}.self_attn.k_proj`, WIDTH / 2, WIDTH);
    add(`${at}.self_attn.v_proj`, WIDTH / 2, WIDTH);
    add(`${at}.self_attn.o_proj`, WIDTH, WIDTH);
    norm(`${at}.post_attention_layernorm`);
    add(`${at}.mlp.gate_proj`, FFN, WIDTH);
    add(`${at}.mlp.up_proj`, FFN, WIDTH);
    add(`${at}.mlp.down_proj`, WIDTH, FFN);
  }
  norm("model.norm");
  return model;
}

const directory = scratchDirectory();
const [own, other] = [llama(1), llama(2)];
writeFileSync(join(directory, "base.safetensors"), modelBytes(own));
writeFileSync(join(directory, "other.safetensors"), modelBytes(other));

/** As llama.cpp mixes types: more bits where it matters. */
const MIXES: Readonly<Record<string, (name: string) => string>> = {
  F32: () => "F32",
  F16: () => "F16",
  Q8_0: () => "Q8_0",
  Q4_0: () => "Q4_0",
  Q4_K_M: (name) => (/attn_v|ffn_down|token_embd/.test(name) ? "Q6_K" : "Q4_K"),
};

function quantised(mix: string): string {
  const path = join(directory, `base.${mix}.gguf`);
  writeFileSync(path, llamaGguf(own, { heads: HEADS, kvHeads: KV_HEADS, typeOf: MIXES[mix]! }));
  return path;
}

describe("a GGUF model", () => {
  it.each(Object.keys(MIXES))("is found to be of its base, and of no other, as %s", async (mix) => {
    await using suspect = await openSubject(quantised(mix));
    await using base = await openSubject(join(directory, "base.safetensors"));
    await using stranger = await openSubject(join(directory, "other.safetensors"));
    const found = await compare(suspect, base);
    expect(mix === "F16" ? ["derived", "recast"] : [mix === "F32" ? "identical" : "recast"]).toContain(found.verdict);
    if (/^Q/.test(mix)) {
      expect(found.relations).toEqual(["recast", "quantized"]);
      expect(found.image).toMatchObject({ side: "suspect", whole: true, everywhere: false });
      const back = await compare(base, suspect);
      expect([back.verdict, back.relations, back.image?.side]).toEqual(["recast", ["recast"], "base"]);
    }
    expect(found.log10P).toBeLessThan(-20);
    const silent = await compare(suspect, stranger);
    expect([silent.verdict, silent.image]).toEqual(["no-evidence", undefined]);
  });

  it("has the same fingerprint on any number of threads, at full depth", async () => {
    await using checkpoint = await openCheckpoint(quantised("Q4_K_M"));
    const digests = await Promise.all(
      [0, 2].map(async (threads) => (await fingerprintCheckpoint(checkpoint, { depth: "full", threads })).roots),
    );
    expect(digests[0]!.content).not.toBeNull();
    expect(digests[1]).toEqual(digests[0]);
  });
});
