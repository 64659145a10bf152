import type { Decoder } from "../decoder.ts";
import type { Stored } from "./numbers.ts";
import type { Settings } from "./settings.ts";

/** What layouts are recognised in. */
export interface Packed {
  readonly tensors: ReadonlyMap<string, Stored>;
  readonly settings: Settings;
  /** Sizes that the model has beside those of packed sides: lengths of its vectors, outputs of its linears. */
  readonly sides: ReadonlySet<number>;
}

/** A linear whose values can be computed from what is stored. */
export interface Quantised {
  /** What the tensor is called where it is stored as it is. */
  readonly name: string;
  readonly shape: readonly number[];
  /** For people: "GPTQ 4 bit, groups of 128". */
  readonly scheme: string;
  readonly decoder: Decoder;
  /** Stored tensors that stand for this one. */
  readonly uses: readonly string[];
}

/** A linear that its tensors' names and shapes show, but for what a look into small ones of them must say. */
export interface Candidate {
  /** Stored tensors that are read whole to know more, of at most `MAX_LOOK` bytes each. */
  readonly looks: readonly Stored[];
  /** Whether `finish` does without the looks, as for models far away of which too many would be needed. @default false */
  readonly canWait?: boolean | undefined;
  /**
   * @param looked the bytes of the looks, or none
   * @param zerosLessOne for GPTQ: whether zero points are stored less one, null where nothing tells
   * @returns why it is not understood, a clause, where it is not
   */
  finish(looked: readonly Uint8Array[], zerosLessOne: boolean | null): Quantised | string;
  /** For GPTQ: what tells how zero points are stored. */
  readonly zeros?: ZeroSample | undefined;
}

/** Codes less stored zero points, of which the mean shows whether these are stored less one. */
export interface ZeroSample {
  readonly bits: number;
  readonly elements: number;
  /** Given the bytes of the candidate's looks. */
  differences(looked: readonly Uint8Array[]): Decoder | string;
  readonly zeros: Decoder;
  readonly zeroCount: number;
}

/**
 * Recognises one layout by a tensor that only it has.
 *
 * @returns null where the tensor is of another layout or of none, a clause where something of the layout does not fit
 */
export type Layout = (packed: Packed, tensor: Stored) => Candidate | string | null;

/** The largest tensor that is read to understand another one: indices of the inputs of a linear. */
export const MAX_LOOK = 1 << 24;
/** Longest side of a matrix: rows are what is read at least. */
const MAX_SIDE = 1 << 24;
const MAX_ELEMENTS = 2 ** 48;
/** Most inputs of a linear that lies as [in, out]: each has words of its own, that are read one by one. */
export const MAX_INPUTS = 1 << 18;

/** A candidate that needs no look. */
export function known(quantised: Quantised): Candidate {
  return { looks: [], finish: () => quantised };
}

/** Whether a shape is one that values can be handed out in: sides and products as no file of a model has them are refused. */
export function isBounded(shape: readonly number[]): boolean {
  const elements = shape.reduce((product, side) => product * side, 1);
  return shape.length > 0 && shape.every((side) => side >= 1 && side <= MAX_SIDE) && elements <= MAX_ELEMENTS;
}

/**
 * How many neighbours share one of `count` blocks along a side: powers of two before other divisors, since those are what is
 * used. What the model's config says counts where neither fits; null where nothing does.
 */
export function blockSize(side: number, count: number, said: number | null): number | null {
  if (!(count >= 1 && count <= side)) return null;
  if (count === 1) return side;
  let size: number | null = null;
  for (let power = 1; power < side && size === null; power *= 2) if (Math.ceil(side / power) === count) size = power;
  if (size === null && side % count === 0) size = side / count;
  const saidFits = said !== null && Number.isInteger(said) && said >= 1 && Math.ceil(side / said) === count;
  return size ?? (saidFits ? said : null);
}

/** Name with another ending in the place of `ending`. */
export function beside(name: string, ending: string, other: string): string {
  return name.slice(0, name.length - ending.length) + other;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, i) => side === b[i]);
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
