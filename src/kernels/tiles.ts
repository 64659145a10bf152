import { WeightmarkError } from "../errors.ts";
import { type Kernels, loadKernels, ROOM_BYTES } from "./load-kernels.ts";

/** Bytes of what is stored, and of values, that a kernel takes at a time where they lie outside of its memory. */
const TILE_BYTES = 1 << 17;
/** Numbers that belong to the blocks of a tile. */
const NUMBER_BYTES = 1 << 16;
/** For anyone who reads bytes that a kernel will take next. */
const BORROWED_AT = 2 * TILE_BYTES + NUMBER_BYTES;
const BORROWED_BYTES = 384 << 10;
/** What is left of the room: for what kernels take again and again. */
const KEPT_AT = BORROWED_AT + BORROWED_BYTES;
export const KEPT_BYTES = ROOM_BYTES - KEPT_AT;

let isBorrowed = false;
let keeper: object | null = null;

/** The address of `KEPT_BYTES` bytes, and whether what `of` left there is there still: others may have been given them since. */
export function keptRoom(of: object): { readonly address: number; readonly isKept: boolean } {
  const isKept = keeper === of;
  keeper = of;
  return { address: loadKernels().room + KEPT_AT, isKept };
}

/**
 * Memory that grows leaves its views empty, and what is written into them is lost without a word: the values of a model would be
 * those of whatever lay there.
 *
 * @throws INTERNAL
 */
export function requireHeld(view: Uint8Array, bytes: number): void {
  if (view.length !== bytes) throw new WeightmarkError("INTERNAL", "the kernels' memory grew while it was written to");
}

/** Runs `work` with memory for `bytes` that kernels read without a copy, or with other memory where there is no such room. */
export function withStoredRoom<T>(bytes: number, work: (memory: Uint8Array) => T): T {
  // One reads from another who decodes as well: the second one finds the room taken.
  if (isBorrowed || bytes > BORROWED_BYTES) return work(new Uint8Array(bytes));
  isBorrowed = true;
  try {
    const { memory, room } = loadKernels();
    const lent = new Uint8Array(memory.buffer, room + BORROWED_AT, bytes);
    const value = work(lent);
    requireHeld(lent, bytes);
    return value;
  } finally {
    isBorrowed = false;
  }
}

/** Blocks of `bytes` bytes that stand for `elements` values each. */
export interface BlockSize {
  readonly bytes: number;
  readonly elements: number;
  /** Most blocks at a time. @default as many as fit */
  readonly most?: number;
}

/** The parts of a tile: addresses in the kernels' memory, and how much there is room for. */
export interface Tile {
  readonly kernels: Kernels;
  readonly stored: number;
  readonly storedBytes: number;
  readonly values: number;
  readonly valueCount: number;
  readonly numbers: number;
  readonly numberCount: number;
}

export function tile(): Tile {
  const kernels = loadKernels();
  const { room } = kernels;
  return {
    kernels,
    stored: room,
    storedBytes: TILE_BYTES,
    values: room + TILE_BYTES,
    valueCount: TILE_BYTES / 4,
    numbers: room + 2 * TILE_BYTES,
    numberCount: NUMBER_BYTES / 4,
  };
}

/**
 * Runs `kernel` over all blocks of `stored`, in pieces that fit into its memory; where either side lies there already, nothing
 * is copied. Nothing is allocated, so views of that memory stay good.
 *
 * @param stored whole blocks
 * @param out as many values as they stand for
 */
export function inTiles(
  stored: Uint8Array,
  out: Float32Array,
  { bytes, elements, most: limit = Number.POSITIVE_INFINITY }: BlockSize,
  kernel: (kernels: Kernels, from: number, to: number, blocks: number, first: number) => void,
): void {
  const kernels = loadKernels();
  const { memory, room, arena } = kernels;
  const [isInside, isOutside] = [stored.buffer === memory.buffer, out.buffer !== memory.buffer];
  const total = out.length / elements;
  const most = Math.floor(
    Math.min(isInside ? total : TILE_BYTES / bytes, isOutside ? TILE_BYTES / (elements * 4) : total, limit),
  );
  const values = room + TILE_BYTES;
  for (let at = 0; at < total; at += most) {
    const blocks = Math.min(most, total - at);
    const from = isInside ? stored.byteOffset + at * bytes : room;
    const to = isOutside ? values : out.byteOffset + at * elements * 4;
    if (!isInside) arena.u8(room, blocks * bytes).set(stored.subarray(at * bytes, (at + blocks) * bytes));
    kernel(kernels, from, to, blocks, at);
    if (isOutside) out.set(arena.f32(values, blocks * elements), at * elements);
  }
}
