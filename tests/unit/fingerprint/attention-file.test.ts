import { beforeAll, describe, expect, test } from "vitest";
import { memorySource } from "../../../src/bytes/memory-source.ts";
import { takeFingerprint } from "../../../src/deep/deep-fingerprint.ts";
import { coarseRows, coarseValues } from "../../../src/fingerprint/attention-part.ts";
import { parseFingerprint, serializeFingerprint } from "../../../src/fingerprint/file.ts";
import { checkOf } from "../../../src/fingerprint/file-check.ts";
import type { Fingerprint } from "../../../src/fingerprint/fingerprint.ts";
import { readSafetensorsHeader } from "../../../src/formats/safetensors/header.ts";
import { serializeSafetensors, type TensorData } from "../../../src/formats/safetensors/writer.ts";
import { randomModel } from "../../support/random-model.ts";
import { refusal } from "../../support/refusal.ts";
import { checkpointOf } from "../../support/stored-model.ts";

const WORDS = "attention.words";

let taken: Fingerprint;
let bytes: Uint8Array;
beforeAll(async () => {
  // 72 dimensions of the stream end within a word; without tokens enough for a frame there is no deep part.
  const model = randomModel({ init: 1 }, { width: 72, hidden: 64, layers: 2, vocabulary: 20 });
  taken = await takeFingerprint(await checkpointOf(model), { depth: "deep" });
  bytes = serializeFingerprint(taken);
});

/** What of the manifest is forged here. */
interface AttentionManifest {
  version: number;
  stack: string;
  width: number;
  layers: { layer: number; readers: { rows: number; width: number }[]; output?: { rows: number; width: number } }[];
  more?: number;
}

/** The file with its manifest or words changed, and the check made anew, as a forger would. */
async function forged(
  change: (manifest: AttentionManifest, words: Uint8Array) => void,
  isSealed = true,
): Promise<Uint8Array> {
  const header = await readSafetensorsHeader(memorySource(bytes));
  const metadata = new Map(header.metadata);
  const tensors = [...header.tensors].map(
    ([name, { dtype, shape, begin, end }]): TensorData => ({ name, dtype, shape, data: bytes.slice(begin, end) }),
  );
  const words = tensors.find(({ name }) => name === WORDS)!.data;
  const manifest = JSON.parse(metadata.get("attention")!) as AttentionManifest;
  change(manifest, words);
  metadata.set("attention", JSON.stringify(manifest));
  if (isSealed) metadata.set("attention.check", checkOf(metadata.get("attention")!, [words]));
  return serializeSafetensors(tensors, metadata);
}

const refused = async (file: Promise<Uint8Array>): Promise<string> =>
  (await refusal(parseFingerprint(await file, "memory"), "FINGERPRINT_MALFORMED")).message;

describe("an attention part in its file", () => {
  test("comes back as it was, beside no deep part, and is written as it was", async () => {
    const back = await parseFingerprint(bytes, "memory");
    expect(back.deep).toBeUndefined();
    expect(back.attention).toEqual(taken.attention);
    expect(back.attention).toMatchObject({ stack: "model.layers", width: 72, layers: [{ layer: 0 }, { layer: 1 }] });
    expect(Buffer.compare(serializeFingerprint(back), bytes)).toBe(0);
  });

  test("of another version is left out, and the rest stays", async () => {
    const file = await forged((manifest) => {
      manifest.version = 2;
    });
    const back = await parseFingerprint(file, "memory");
    expect(back.attention).toBeUndefined();
    expect(back.sketches).toEqual(taken.sketches);
  });

  test("is refused when it was damaged, or its manifest is gone", async () => {
    const damaged = forged((_, words) => {
      words[5]! ^= 1;
    }, false);
    expect(await refused(damaged)).toContain("damaged or altered");
    const { metadata, tensors } = await readSafetensorsHeader(memorySource(bytes));
    const words = tensors.get(WORDS)!;
    const rest = [{ name: WORDS, dtype: words.dtype, shape: words.shape, data: bytes.slice(words.begin, words.end) }];
    const without = serializeSafetensors(rest, new Map([...metadata].filter(([key]) => key !== "attention")));
    expect(await refused(Promise.resolve(without))).toContain("damaged or altered");
  });

  test.each<[string, (manifest: AttentionManifest) => void]>([
    ["no layer", (m) => m.layers.splice(0)],
    ["nine layers", (m) => m.layers.push(...Array(7).fill(m.layers[1]!))],
    ["one layer twice", (m) => Object.assign(m.layers[1]!, { layer: 0 })],
    ["layers in another order", (m) => m.layers.reverse()],
    ["a layer that no model has", (m) => Object.assign(m.layers[1]!, { layer: 2 ** 20 })],
    ["more rows than are there", (m) => Object.assign(m.layers[0]!.readers[0]!, { rows: 73 })],
    [
      "more numbers than are kept of any",
      (m) => Object.assign(m.layers[0]!.output!, { rows: 2 ** 16, width: 2 ** 16 }),
    ],
    ["wider rows", (m) => Object.assign(m.layers[0]!.output!, { width: 97 })],
    ["no rows", (m) => Object.assign(m.layers[0]!.readers[0]!, { rows: 0 })],
    ["five matrices that read", (m) => m.layers[0]!.readers.push(...m.layers[0]!.readers.slice(0, 2))],
    ["one matrix fewer", (m) => m.layers[0]!.readers.splice(1)],
    ["a stream wider than any", (m) => Object.assign(m, { width: 2 ** 21 })],
    ["a path longer than any", (m) => Object.assign(m, { stack: "a".repeat(101) })],
    ["a field that is unknown", (m) => Object.assign(m, { more: 1 })],
  ])("is refused with %s", async (_, change) => {
    expect(await refused(forged(change))).toMatch(/attention part|manifest is wrong/);
  });

  test("is refused with bits beyond the end of a row", async () => {
    const file = forged((_, words) => {
      words[11]! |= 128;
    });
    expect(await refused(file)).toContain("beyond its rows");
  });
});

test("two bits of a number keep most of it", () => {
  const rows = randomModel({ init: 3 }, { width: 96, hidden: 64, layers: 1, vocabulary: 200 }).get(
    "model.embed_tokens.weight",
  )!.values;
  const back = coarseValues(coarseRows(rows, 96));
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < rows.length; i++) {
    xy += rows[i]! * back[i]!;
    xx += rows[i]! ** 2;
    yy += back[i]! ** 2;
  }
  expect(xy / Math.sqrt(xx * yy)).toBeGreaterThan(0.92);
  expect(coarseValues(coarseRows(new Float32Array(70), 35)).every((x) => x === back.find((y) => y > 0 && y < 1))).toBe(
    true,
  );
});
