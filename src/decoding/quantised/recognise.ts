import { type ByteSource, canPrefetch, isSync } from "../../bytes/byte-source.ts";
import type { Dtype } from "../../formats/tensor-info.ts";
import type { StoredRange } from "../decoder.ts";
import { bitsandbytes4, bitsandbytes8 } from "./bitsandbytes.ts";
import { packQuantised } from "./compressed-tensors.ts";
import { gptqOrAwq } from "./gptq.ts";
import { hqq } from "./hqq.ts";
import { type Candidate, type Layout, MAX_LOOK, type Packed, type Quantised } from "./layout.ts";
import { fp4Packed, gptOss, modelOptFp4 } from "./microscaling.ts";
import { mlx } from "./mlx.ts";
import { numbersOf, type Stored } from "./numbers.ts";
import { scaledTensor } from "./scaled-layout.ts";
import { settingsOf } from "./settings.ts";
import { tensorSubclass } from "./tensor-subclasses.ts";
import { type Wanted, zerosLessOne } from "./zeros-less-one.ts";

/** In this order: what only one of them has comes before what several have. */
const LAYOUTS: readonly Layout[] = [
  gptqOrAwq,
  bitsandbytes4,
  bitsandbytes8,
  fp4Packed,
  packQuantised,
  gptOss,
  modelOptFp4,
  mlx,
  hqq,
  tensorSubclass,
  scaledTensor,
];

/** Types that layouts keep codes in. I8 alone is read as weights, of which its scales are unknown. */
const CODES = new Set<Dtype>(["U8", "I16", "U16", "I32", "U32", "F4", "F6_E2M3", "F6_E3M2"]);
/** Endings of what stands beside codes, and of masks. */
const SIDECAR = /(?:scales?|scale_inv|zeros|zero_point|absmax|bias|mask)$/;
/** Thinner than any linear of a model, packed or not. */
const SMALLEST_SIDE = 16;

/** Linears whose small tensors are read together. */
const BATCH = 256;
/** Candidates of a model far away that are looked into where they can wait: the others' looks may be a request each. */
const FAR_LOOKS = 256;
/** All that is read of small tensors: of the largest models some ten megabytes of indices. */
const MAX_LOOKS = 256 << 20;

/** What was found of packed weights. */
export interface Recognised {
  readonly linears: readonly Quantised[];
  /** Codes that are not understood, in types that would pass for weights. */
  readonly disguised: ReadonlySet<string>;
  /** Why linears were left out, by the name of the tensor that shows the layout. */
  readonly refused: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/**
 * Finds the linears whose weights are packed, by the names, types and shapes of tensors that must fit one another; of some a
 * small tensor is read as well. What does not fit is refused with a reason, and never read as weights.
 *
 * @param config settles what the tensors leave open
 */
export async function recognise(
  tensors: ReadonlyMap<string, Stored>,
  sources: readonly ByteSource[],
  config: Readonly<Record<string, unknown>> | null,
  signal?: AbortSignal,
): Promise<Recognised> {
  const packed: Packed = { tensors, settings: settingsOf(config), sides: sidesOf(tensors) };
  const refused = new Map<string, string>();
  const shown = new Map<Candidate, string>();
  for (const tensor of tensors.values()) {
    for (const layout of LAYOUTS) {
      const found = layout(packed, tensor);
      if (found === null) continue;
      if (typeof found === "string") refused.set(tensor.name, found);
      else shown.set(found, tensor.name);
      break;
    }
  }
  const looks = await lookInto([...shown.keys()], sources, signal);
  const { lessOne, notes } = await zeroConvention(looks, sources, packed);
  const linears = new Map<string, Quantised | null>();
  for (const [candidate, looked] of looks) {
    const name = shown.get(candidate)!;
    const done = looked === null ? "what it needs is too long" : candidate.finish(looked, lessOne);
    if (typeof done === "string") {
      refused.set(name, done);
      continue;
    }
    // One that is plain, or packed in another way: of two that claim one name neither is believed.
    const isTaken = linears.has(done.name) || (tensors.has(done.name) && !done.uses.includes(done.name));
    if (isTaken) refused.set(name, "a tensor of its name stands there as well");
    linears.set(done.name, isTaken ? null : done);
  }
  const found = [...linears.values()].filter((linear) => linear !== null);
  const used = new Set(found.flatMap(({ uses }) => uses));
  for (const name of unknownCodes(tensors, used, refused)) refused.set(name, "its layout is not known");
  const disguised = [...tensors.values()].filter((tensor) => !used.has(tensor.name) && isDisguised(tensors, tensor));
  return { linears: found, refused, disguised: new Set(disguised.map(({ name }) => name)), notes };
}

/**
 * Whether a tensor of floats is there to carry codes: one column, as bitsandbytes and HQQ store them for some ways of
 * training.
 */
function isDisguised(tensors: ReadonlyMap<string, Stored>, { name, shape, dtype }: Stored): boolean {
  const isColumn = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!/^B?F(?:16|32|64)$/.test(dtype)) return false;
  return name.endsWith(".W_q") || (isColumn && tensors.has(`${name}.absmax`));
}

/** Integers of which no side is small: no indices, no masks, and of no linear of which something was said already. */
function unknownCodes(
  tensors: ReadonlyMap<string, Stored>,
  used: ReadonlySet<string>,
  refused: ReadonlyMap<string, string>,
): string[] {
  const stemOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf(".")));
  const known = new Set([...refused.keys()].flatMap((name) => [name, stemOf(name)]));
  const isCode = ({ name, dtype, shape }: Stored): boolean => {
    if (!CODES.has(dtype) || used.has(name) || known.has(name) || known.has(stemOf(name))) return false;
    const isMatrix = shape.length === 2 || shape.length === 3;
    return isMatrix && shape.slice(-2).every((side) => side >= SMALLEST_SIDE) && !SIDECAR.test(name);
  };
  return [...tensors.values()].filter(isCode).map(({ name }) => name);
}

function sidesOf(tensors: ReadonlyMap<string, Stored>): ReadonlySet<number> {
  const sides = new Set<number>();
  for (const { shape, dtype } of tensors.values()) {
    if (shape.length === 1) sides.add(shape[0]!);
    else if (shape.length > 1 && dtype === "U32") sides.add(shape.at(-2)!);
  }
  return sides;
}

/** Reads the small tensors of the candidates; null where they are not small. */
async function lookInto(
  candidates: readonly Candidate[],
  sources: readonly ByteSource[],
  signal: AbortSignal | undefined,
): Promise<Map<Candidate, readonly Uint8Array[] | null>> {
  const looks = new Map<Candidate, readonly Uint8Array[] | null>();
  let total = 0;
  const isFar = !sources.every(isSync);
  for (let at = 0; at < candidates.length; at += BATCH) {
    signal?.throwIfAborted();
    const batch = candidates.slice(at, at + BATCH);
    const wanted = new Map<Candidate, readonly Stored[]>();
    for (const candidate of batch) {
      if (isFar && at >= FAR_LOOKS && candidate.canWait === true) {
        looks.set(candidate, []);
        continue;
      }
      const sizes = candidate.looks.map(({ begin, end }) => end - begin);
      total += sizes.reduce((sum, size) => sum + size, 0);
      if (total <= MAX_LOOKS && sizes.every((size) => size <= MAX_LOOK)) wanted.set(candidate, candidate.looks);
      else looks.set(candidate, null);
    }
    const ranges = [...wanted.values()].flat().map(({ file, begin, end }) => ({ file, start: begin, end }));
    await announce(ranges, sources, signal);
    for (const [candidate, stored] of wanted) {
      const read: Uint8Array[] = [];
      for (const { file, begin, end } of stored) read.push(await sources[file]!.read(begin, end));
      looks.set(candidate, read);
    }
  }
  return looks;
}

async function announce(
  ranges: readonly StoredRange[],
  sources: readonly ByteSource[],
  signal?: AbortSignal,
): Promise<void> {
  for (const [file, source] of sources.entries()) {
    const own = ranges.filter((range) => range.file === file);
    if (own.length > 0 && canPrefetch(source)) await source.prefetch(own, signal);
  }
}

/** How zero points of GPTQ are stored: weights say so, and where they do not, the config. */
async function zeroConvention(
  looks: ReadonlyMap<Candidate, readonly Uint8Array[] | null>,
  sources: readonly ByteSource[],
  { settings }: Packed,
): Promise<{ readonly lessOne: boolean | null; readonly notes: readonly string[] }> {
  const samples = [...looks].flatMap(([candidate, looked]) =>
    candidate.zeros === undefined || looked?.length !== candidate.looks.length ? [] : [{ candidate, looked }],
  );
  if (samples.length === 0) return { lessOne: null, notes: [] };
  const said = settings.zerosLessOne;
  const shown = await zerosLessOne(samples, (wanted) => readNumbers(wanted, sources));
  if (shown === null || said === null || said === shown) return { lessOne: shown ?? said, notes: [] };
  const how = (lessOne: boolean): string => (lessOne ? "less one" : "as they are");
  const note = `config.json says that zero points are stored ${how(said)}, the weights show that they are stored ${how(shown)}`;
  return { lessOne: shown, notes: [`${note}: they were read as the weights show`] };
}

async function readNumbers(wanted: readonly Wanted[], sources: readonly ByteSource[]): Promise<Float32Array[]> {
  const ranges = wanted.map(({ decoder, count }) => decoder.ranges(0, count));
  await announce(ranges.flat(), sources);
  const numbers: Float32Array[] = [];
  for (const [i, { decoder, count }] of wanted.entries()) {
    const stored: Uint8Array[] = [];
    for (const { file, start, end } of ranges[i]!) stored.push(await sources[file]!.read(start, end));
    numbers.push(numbersOf(decoder, stored, 0, count));
  }
  return numbers;
}
