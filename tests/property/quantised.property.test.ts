import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { ByteSource } from "../../src/bytes/byte-source.ts";
import { memorySource } from "../../src/bytes/memory-source.ts";
import { decodedSource } from "../../src/decoding/decoded-source.ts";
import { recognise } from "../../src/decoding/quantised/recognise.ts";
import { readSafetensorsHeader } from "../../src/formats/safetensors/header.ts";
import { decodeToF32 } from "../../src/kernels/decode.ts";
import { prng } from "../../src/numerics/prng.ts";
import { announcedOnly } from "../support/decoders.ts";
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
  type Weights,
} from "../support/pack-weights.ts";
import { rawFile } from "../support/raw-model.ts";

const MODULE = "model.layers.0.mlp.up_proj";
const GROUP = 32;

interface Drawn {
  readonly out: number;
  readonly groups: number;
  readonly seed: number;
  readonly padding: number;
  readonly cuts: readonly number[];
}

/** Sides that every layout can have, spaces behind the header so that nothing need be aligned, and where reads begin and end. */
const drawn: fc.Arbitrary<Drawn> = fc.record({
  out: fc.integer({ min: 1, max: 4 }).map((n) => 32 * n),
  groups: fc.integer({ min: 2, max: 6 }),
  seed: fc.integer({ min: 0, max: 1000 }),
  padding: fc.integer({ min: 0, max: 7 }),
  cuts: fc.array(fc.nat(1 << 20), { minLength: 2, maxLength: 8 }),
});

function weightsOf({ out, groups, seed }: Drawn): Weights {
  const random = prng(`weights ${seed}`);
  const into = groups * GROUP;
  return { out, into, values: Float32Array.from({ length: out * into }, () => 0.05 * random.normal()) };
}

/** Groups in an order that is drawn, as many inputs in each. */
function orderOf({ groups, seed }: Drawn): number[] {
  const random = prng(`order ${seed}`);
  const order = Array.from({ length: groups * GROUP }, (_, i) => Math.floor(i / GROUP));
  const keys = order.map(() => random.normal());
  return [...order.keys()].sort((a, b) => keys[a]! - keys[b]!).map((i) => order[i]!);
}

const LAYOUTS: Readonly<Record<string, (drawn: Drawn) => Packer>> = {
  ...Object.fromEntries(
    [2, 3, 4, 5, 6, 8].flatMap((bits) => [
      [`GPTQ ${bits} bit`, () => gptqPacker({ bits, size: GROUP })],
      [`GPTQ ${bits} bit as it is`, () => gptqPacker({ bits, size: GROUP, version2: true })],
      [`GPTQ ${bits} bit in an order`, (d: Drawn) => gptqPacker({ bits, size: GROUP, order: orderOf(d) })],
      [`MLX ${bits} bit`, () => mlxPacker(bits, GROUP)],
      [`compressed-tensors int${bits}`, () => packQuantizedPacker(bits, GROUP, true)],
      [`compressed-tensors int${bits} with zeros`, () => packQuantizedPacker(bits, GROUP, false)],
    ]),
  ),
  AWQ: () => awqPacker(GROUP),
  NF4: () => nf4Packer(64),
  int8: () => int8Packer,
  "FP8 in blocks": () => fp8BlockPacker(64),
  MXFP4: () => mxfp4Packer,
};

/** To the bit; element by element, which takes long, only where they are not. */
function requireEqual(found: Float32Array, expected: Float32Array): void {
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
  if (!bytesOf(found).equals(bytesOf(expected))) expect(found).toEqual(expected);
}

/** MLX needs to be told which of the sides it has. */
function configOf(name: string): Record<string, unknown> {
  const bits = Number(/\d/.exec(name)?.[0] ?? 0);
  return name.startsWith("MLX") ? { quantization: { bits, group_size: GROUP } } : {};
}

describe.each(Object.entries(LAYOUTS))("%s", (name, packerOf) => {
  test.prop([drawn], { numRuns: 6 })(
    "gives the values that it is defined to have, however they are read",
    async (d) => {
      const { tensors, values } = packerOf(d)(MODULE, weightsOf(d));
      const vector = { name: "model.norm.weight", dtype: "F32", shape: [d.groups * GROUP] } as const;
      const norm = { ...vector, bytes: new Uint8Array(4 * d.groups * GROUP) };
      const file = memorySource(rawFile({ tensors: [norm, ...tensors], padding: d.padding }));
      const header = await readSafetensorsHeader(file);
      const stored = new Map([...header.tensors].map(([key, tensor]) => [key, { ...tensor, file: 0 }]));
      const { linears, refused } = await recognise(stored, [file], configOf(name));
      expect([...refused]).toEqual([]);
      const [linear] = linears;
      expect(linear).toMatchObject({ name: `${MODULE}.weight`, shape: [d.out, d.groups * GROUP] });
      expect([...linear!.uses].sort()).toEqual(tensors.map((tensor) => tensor.name).sort());
      const parts = [{ begin: 0, elements: values.length, decoder: linear!.decoder }];
      const read = async (source: ByteSource, first: number, end: number) =>
        decodeToF32(await source.read(4 * first, 4 * end), "F32");
      const near = decodedSource(parts, [file], "near");
      requireEqual(await read(near, 0, values.length), values);
      const cuts = d.cuts.map((cut) => cut % (values.length + 1)).sort((a, b) => a - b);
      const far = decodedSource(parts, [announcedOnly(file)], "far");
      if (!("prefetch" in far)) throw new Error("not far");
      await far.prefetch([{ start: 4 * cuts[0]!, end: 4 * cuts.at(-1)! }]);
      for (let i = 1; i < cuts.length; i++) {
        const expected = values.slice(cuts[i - 1]!, cuts[i]!);
        requireEqual(await read(near, cuts[i - 1]!, cuts[i]!), expected);
        requireEqual(await read(far, cuts[i - 1]!, cuts[i]!), expected);
      }
    },
  );
});
