import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LayerCode } from "../../../src/fingerprint/fingerprint.ts";
import { layerCodes } from "../../../src/fingerprint/layer-codes.ts";
import { compareSubjects } from "../../../src/lineage/compare.ts";
import { type OpenedSubject, openSubject } from "../../../src/lineage/open-subject.ts";
import { EMBEDDINGS } from "../../../src/lineage/result.ts";
import {
  awqPacker,
  fp8BlockPacker,
  gptqPacker,
  int8Packer,
  mlxPacker,
  mxfp4Packer,
  nf4Packer,
  type Packer,
  packQuantizedPacker,
} from "../../support/pack-weights.ts";
import { writeQuantised } from "../../support/quantised-model.ts";
import { scratchDirectory } from "../../support/scratch-directory.ts";

const MODELS = join(import.meta.dirname, "../../../examples/models");
const root = scratchDirectory();

const SCHEMES: Readonly<Record<string, Packer>> = {
  "GPTQ 4 bit": gptqPacker({ bits: 4, size: 32 }),
  "GPTQ 3 bit": gptqPacker({ bits: 3, size: 32, symmetric: false }),
  "GPTQ 8 bit": gptqPacker({ bits: 8, size: 32 }),
  AWQ: awqPacker(32),
  NF4: nf4Packer(64),
  "bitsandbytes int8": int8Packer,
  "FP8 in blocks": fp8BlockPacker(32),
  "MLX 4 bit": mlxPacker(4, 32),
  "compressed-tensors int4": packQuantizedPacker(4, 32, false),
  MXFP4: mxfp4Packer,
};

const bases = new Map<string, OpenedSubject>();
beforeAll(async () => {
  for (const name of ["base-a", "base-b"]) bases.set(name, await openSubject(join(MODELS, name), { root: true }));
});
afterAll(async () => {
  for (const base of bases.values()) await base.close();
});

const placeOf = ({ component, layer, role, cols }: LayerCode) => [component, layer, role, cols];

function bitsApart(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, byte, i) => sum + (byte ^ b[i]!).toString(2).replaceAll("0", "").length, 0);
}

describe.each(Object.entries(SCHEMES))("a model packed as %s", (name, pack) => {
  const directory = join(root, name.replaceAll(" ", "-"));
  let suspect: OpenedSubject;
  beforeAll(async () => {
    await writeQuantised(join(MODELS, "base-a"), directory, pack);
    suspect = await openSubject(directory);
  });
  afterAll(() => suspect.close());

  const against = (base: string) => compareSubjects(suspect, bases.get(base)!);

  it("is found to be its base rounded, block by block, and by the tests of its linears too", async () => {
    const result = await against("base-a");
    expect(result.verdict).toBe("recast");
    expect(result.relations).toEqual(["recast", "quantized"]);
    expect(result.image).toMatchObject({ side: "suspect", whole: true, requantised: null });
    expect(result.image!.nearest.equal).toBeGreaterThan(0.999 * result.image!.nearest.blocks);
    expect(result.difference.quantization).toBe(result.image!.scheme);
    const layers = result.components.filter(({ component }) => component !== EMBEDDINGS);
    expect(layers.length).toBeGreaterThan(0);
    for (const { log10P } of layers) expect(log10P).toBeLessThan(-20);
  });

  it("has nothing of another base", async () => {
    const { verdict, image } = await against("base-b");
    expect([verdict, image]).toEqual(["no-evidence", undefined]);
  });

  it("has the base's layer codes, up to rounding", async () => {
    const [ours, theirs] = [suspect, bases.get("base-a")!].map(({ fingerprint }) => layerCodes(fingerprint)) as [
      LayerCode[],
      LayerCode[],
    ];
    expect(ours.map(placeOf)).toEqual(theirs.map(placeOf));
    // The first stands for the content as a whole, of which nothing is equal.
    const apart = ours.slice(1).map(({ code }, i) => bitsApart(code, theirs[i + 1]!.code) / (8 * code.length));
    expect(Math.max(...apart)).toBeLessThan(name === "GPTQ 3 bit" ? 0.25 : 0.15);
  });
});
