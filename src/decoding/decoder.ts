import type { ByteRange } from "../bytes/byte-source.ts";

/** Stored bytes [start, end) of one of the files that a decoded source is made of. */
export interface StoredRange extends ByteRange {
  /** Index into the files of the decoded source. */
  readonly file: number;
}

/**
 * How the values of one tensor are got from what is stored of it: quantised blocks, values in another order or with something
 * added to them. Knows nothing of where files lie.
 */
export interface Decoder {
  /** Elements are decoded in whole units, but for the end of the tensor: of a block, or of a row. At most `MAX_UNIT`. */
  readonly unit: number;
  /** @default what is asked for is all that is read */
  readonly together?: Together | undefined;
  /** A multiple of elements that are not decoded in one go with those behind it. @default none */
  readonly seam?: number | undefined;
  /**
   * What has to be read for elements [first, first + count), `first` and `count` in whole units. What part of the elements needs
   * lies inside of what all of them need.
   */
  ranges(first: number, count: number): StoredRange[];
  /**
   * Fills `out` with the `count` values from `first` on.
   *
   * @param stored the bytes of `ranges(first, count)`, one for each in the same order; not to be written to
   */
  decode(stored: readonly Uint8Array[], first: number, count: number, out: Float32Array): void;
  /** What the values were rounded to, where they were and it is known. */
  readonly levels?: Levels | undefined;
}

/**
 * Elements from 0 on, in whole units, that are read together where some of them need nearly as much of what is stored as all of
 * them: codes of rows that stand side by side. What they need is held until others are read, so it has to be bounded by
 * `WINDOW_BYTES` or a small multiple.
 */
export interface Together {
  readonly elements: number;
  /** Makes the bytes of `ranges(first, count)` ready, once for all that is decoded out of them. */
  open(stored: readonly Uint8Array[], first: number, count: number): Opened;
}

/** What is stored of some elements, made ready. */
export interface Opened {
  /** As that of the decoder, for elements that lie within. */
  decode(first: number, count: number, out: Float32Array): void;
}

/** The levels that values could have been rounded to, for each element of a tensor. */
export interface Levels {
  /** Distance of two levels, or what the numbers of a table are multiplied with. */
  readonly step: Decoder;
  /** The lowest level, where they are evenly spaced. */
  readonly low: Decoder | null;
  /** How many there are, or a table of numbers in ascending order. */
  readonly of: number | Float32Array;
  /** Neighbours that were rounded together, whole blocks of them in a row. Left out where rows or more were. */
  readonly block?: number | undefined;
}

/** A tensor of a virtual file whose values are decoded, as little-endian F32. */
export interface DecodedPart {
  /** Virtual offset of its first byte, a multiple of 4. */
  readonly begin: number;
  readonly elements: number;
  readonly decoder: Decoder;
}

/** A tensor of a virtual file whose bytes are those that are stored. */
export interface PlainPart {
  /** Virtual offset of its first byte. */
  readonly begin: number;
  readonly stored: StoredRange;
}

/** One tensor of a virtual file. */
export type Part = DecodedPart | PlainPart;

/** Elements that are decoded in one go, a mebibyte of them. */
export const PIECE_ELEMENTS = 1 << 18;
/** Largest unit of a decoder: what is decoded at once must fit into memory whatever a file says. */
export const MAX_UNIT = 1 << 22;
/** Stored bytes of codes that are read together: one packed linear of the largest models. */
export const WINDOW_BYTES = 1 << 27;
