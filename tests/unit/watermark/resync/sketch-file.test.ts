import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { memorySource } from "../../../../src/bytes/memory-source.ts";
import { readSafetensorsHeader } from "../../../../src/formats/safetensors/header.ts";
import { serializeSafetensors } from "../../../../src/formats/safetensors/writer.ts";
import type { Sketch } from "../../../../src/watermark/resync/sketch.ts";
import { parseSketch, readSketch, serializeSketch } from "../../../../src/watermark/resync/sketch-file.ts";
import { stageSketch } from "../../../../src/watermark/resync/staged-sketch.ts";
import { CONFIG, llama, SHAPE, sketchOf } from "../../../support/alignment.ts";
import { refusal } from "../../../support/refusal.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

let sketch: Sketch;
let bytes: Uint8Array;
beforeAll(async () => {
  sketch = await sketchOf(llama(1));
  bytes = serializeSketch(sketch);
});

/** The file with its manifest changed, and without the check that would tell. */
function withManifest(change: (text: string) => string): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString("utf8"));
  delete header.__metadata__.check;
  header.__metadata__.manifest = change(header.__metadata__.manifest);
  const text = Buffer.from(JSON.stringify(header), "utf8");
  const out = new Uint8Array(8 + text.length + bytes.length - 8 - length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(bytes.subarray(8 + length), 8 + text.length);
  return out;
}

describe("sketch files", () => {
  test("give back what was written, and the same bytes again", async () => {
    const parsed = await parseSketch(bytes, "memory");
    expect(parsed).toEqual(sketch);
    expect(serializeSketch(parsed)).toEqual(bytes);
    expect(serializeSketch(await sketchOf(llama(1)))).toEqual(bytes);
  });

  test("hold what the sketch is for, and no more", () => {
    const [component] = sketch.components;
    expect(sketch).toMatchObject({
      keyId: "0123456789abcdef",
      release: "tests",
      heads: { heads: 6, kvHeads: 3, headSize: 16 },
    });
    expect(component!.tokens!.ids).toHaveLength(SHAPE.vocabulary);
    expect(component!.layers.map(({ blocks }) => blocks[0]!.bits.length)).toEqual([1280, 1280, 1280]);
    // Under a quarter of 16-bit weights even here, where every token is kept; the share falls with the size.
    const weights = [...llama(1).values()].reduce((n, { values }) => n + values.length, 0);
    expect(bytes.length).toBeLessThan(weights / 2);
  });

  test("may be read by nobody else", async () => {
    const directory = join(temporaryDirectory(), "model");
    const staged = await stageSketch(sketch, directory);
    await staged.publish();
    expect(staged.path).toBe(`${directory}.sketch`);
    expect(statSync(staged.path).mode & 0o777).toBe(0o600);
    expect(await readSketch(staged.path)).toEqual(sketch);
  });

  test("of a model without config say nothing of heads", async () => {
    const plain = await sketchOf(llama(1), null);
    expect(plain.heads).toBeNull();
    expect(plain.components[0]!.layers.every(({ keys, values }) => keys === null && values === null)).toBe(true);
    expect(await parseSketch(serializeSketch(plain), "memory")).toEqual(plain);
    expect((await sketchOf(llama(1), { ...CONFIG, num_attention_heads: 5 })).heads).toBeNull();
  });
});

describe("damaged sketch files are refused", () => {
  test.each([
    ["a manifest that is no JSON", (text: string) => text.slice(1)],
    ["an unknown field", (text: string) => text.replace("{", '{"more":1,')],
    ["a negative size", (text: string) => text.replace('"width":96', '"width":-96')],
    ["a size beyond any model", (text: string) => text.replace('"width":96', '"width":1e12')],
    ["more neurons than bits", (text: string) => text.replace('"neurons":160', '"neurons":161')],
    ["fewer rows than codes", (text: string) => text.replace('"keys":48', '"keys":47')],
    ["one layer twice", (text: string) => text.replace('"layer":2', '"layer":1')],
    ["one matrix twice", (text: string) => text.replace('"role":"k"', '"role":"q"')],
    ["a prototype for a role", (text: string) => text.replace('"role":"q"', '"role":"__proto__"')],
  ])("%s", async (_, change) => {
    await refusal(parseSketch(withManifest(change), "memory"), "SKETCH_MALFORMED");
  });

  test.each(["scales", "gains"])("a number among %s that is not finite", async (part) => {
    const copy = withManifest((text) => text);
    const { tensors } = await readSafetensorsHeader(memorySource(copy));
    new DataView(copy.buffer).setFloat32(tensors.get(part)!.begin + 40, Number.NaN, true);
    await refusal(parseSketch(copy, "memory"), "SKETCH_MALFORMED");
  });

  test("another safetensors file, a cut one, an empty one", async () => {
    await refusal(parseSketch(serializeSafetensors([]), "memory"), "SKETCH_MALFORMED");
    const newer = serializeSafetensors([], new Map([["weightmark.sketch", "99"]]));
    await refusal(parseSketch(newer, "memory"), "SKETCH_MALFORMED");
    await refusal(parseSketch(bytes.slice(0, -8), "memory"), "ST_DATA_TRUNCATED");
    const path = join(temporaryDirectory(), "empty.sketch");
    writeFileSync(path, "");
    await refusal(readSketch(path), "EMPTY_FILE");
    await refusal(readSketch(join(path, "..", "nothing")), "FILE_NOT_FOUND");
  });
});
