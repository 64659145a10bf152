import { readFileSync } from "node:fs";
import { WeightmarkError } from "../errors.ts";
import { machineLimit } from "../machine-limit.ts";
import { Arena, type LinearMemory } from "./arena.ts";

export type CorrelateKernel = (
  from: number,
  rows: number,
  stride: number,
  cols: number,
  factor: number,
  coins: number,
  coinStride: number,
  out: number,
) => void;
export type DitherKernel = (p: number, delta: number, n: number, seed: number, counter: number) => void;
export type SpreadKernel = (
  p: number,
  cols: number,
  scales: number,
  coins: number,
  amplitudes: number,
  seed: number,
  counter: number,
) => void;

/** Decodes `n` blocks at `from` to f32 at `to`. */
export type BlockKernel = (from: number, to: number, n: number) => void;

/** Decodes `n` blocks of `size` codes with a scale each. */
export type ScaledKernel = (from: number, to: number, n: number, size: number, scales: number) => void;

/** What kernels.wasm exports; assembly/index.ts is the source. Pointers are byte addresses in its memory. */
export interface KernelExports {
  readonly memory: LinearMemory;
  heapBase(): number;
  blake3Chunks(input: number, chunks: number, counter: bigint, out: number): void;
  blake3Parents(pairs: number, parents: number, out: number): void;
  blake3Four(
    input: number,
    stride: number,
    bytes: number,
    counter: bigint,
    step: bigint,
    flags: number,
    first: number,
    last: number,
    out: number,
  ): void;
  transposeBits(from: number, rows: number, bytes: number, fromStride: number, to: number, toStride: number): void;
  decodeBf16(from: number, to: number, n: number): void;
  decodeF16(from: number, to: number, n: number): void;
  decodeF64(from: number, to: number, n: number): void;
  decodeE4M3(from: number, to: number, n: number): void;
  decodeE5M2(from: number, to: number, n: number): void;
  decodeQ2_K: BlockKernel;
  decodeQ3_K: BlockKernel;
  decodeQ4_K: BlockKernel;
  decodeQ5_K: BlockKernel;
  decodeQ6_K: BlockKernel;
  decodeQ4_0: BlockKernel;
  decodeQ4_1: BlockKernel;
  decodeQ5_0: BlockKernel;
  decodeQ5_1: BlockKernel;
  decodeQ8_0: BlockKernel;
  decodeIQ4_NL: BlockKernel;
  decodeIQ4_XS: BlockKernel;
  scaledNibbles(
    from: number,
    to: number,
    n: number,
    size: number,
    highFirst: number,
    table: number,
    scales: number,
  ): void;
  affineNibbles(
    from: number,
    to: number,
    n: number,
    size: number,
    highFirst: number,
    table: number,
    scales: number,
    zeros: number,
    biases: number,
  ): void;
  scaledE4M3: ScaledKernel;
  scaledE5M2: ScaledKernel;
  readyUpright(scales: number, zeros: number, n: number): number;
  gptqFours(
    from: number,
    stride: number,
    to: number,
    out: number,
    n: number,
    scales: number,
    zeros: number,
    groupStride: number,
    at: number,
    perGroup: number,
    lowered: number,
  ): void;
  awqEights(
    from: number,
    to: number,
    out: number,
    n: number,
    scales: number,
    zeros: number,
    groupStride: number,
    at: number,
    perGroup: number,
    lowered: number,
  ): void;
  multiplyTile(a: number, b: number, c: number, rows: number, columns: number, depth: number): void;
  momentsBf16(from: number, n: number, scale: number, out: number): void;
  momentsF16(from: number, n: number, scale: number, out: number): void;
  momentsF32(from: number, n: number, scale: number, out: number): void;
  rowSquares(from: number, rows: number, stride: number, out: number): void;
  columnSquares(from: number, rows: number, stride: number, out: number): void;
  rotateRows(rows: number, stride: number, count: number, turns: number): void;
  weightedRows(
    rows: number,
    stride: number,
    count: number,
    weights: number,
    factor: number,
    first: number,
    out: number,
  ): void;
  reflectRows(
    rows: number,
    stride: number,
    count: number,
    v: number,
    p: number,
    at: number,
    first: number,
    both: boolean,
  ): void;
  hammingRows(a: number, rowsA: number, b: number, rowsB: number, bytes: number, out: number): void;
  meetNearest(
    distances: number,
    rows: number,
    columns: number,
    first: number,
    allRows: number,
    fold: number,
    ofRows: number,
    ofColumns: number,
  ): void;
  tallyFours(values: number, n: number, tables: number, size: number): void;
  nearestFolded(
    query: number,
    codes: number,
    laneWords: number,
    laneBits: number,
    ends: number,
    owners: number,
    scratch: number,
    nearest: number,
  ): void;
  relabel(products: number, k: number, order: number, state: number, rounds: number, sums: number): void;
  packNegative(from: number, words: number, to: number): void;
  packZero(from: number, words: number, to: number): void;
  correlateBf16: CorrelateKernel;
  correlateF16: CorrelateKernel;
  correlateF32: CorrelateKernel;
  ditherAddBf16: DitherKernel;
  ditherAddF16: DitherKernel;
  ditherAddF32: DitherKernel;
  spreadBf16: SpreadKernel;
  spreadF16: SpreadKernel;
  spreadF32: SpreadKernel;
  movableBf16(from: number, cols: number, out: number): void;
  movableF16(from: number, cols: number, out: number): void;
  movableF32(from: number, cols: number, out: number): void;
  scaledSquares(from: number, n: number, scale: number, to: number): void;
  balance(squares: number, rows: number, stride: number, weights: number, sums: number): number;
}

/** One instance of the kernels with a memory of its own. Not shared between threads: sharing bought nothing. */
export interface Kernels {
  readonly arena: Arena;
  /** Where `ROOM_BYTES` for decoding lie below the arena: there from the start, so that no view is left behind by growth. */
  readonly room: number;
  readonly memory: LinearMemory;
  readonly exports: KernelExports;
}

/** The two constructors used here; @types/node does not describe WebAssembly. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** Room of a tile (stored bytes, values, numbers of its blocks), of what whoever reads has borrowed, and of what is kept. */
export const ROOM_BYTES = 1728 << 10;
const PAGE = 65_536;

let loaded: Kernels | undefined;

/**
 * The kernels of this thread: compiled at the first call (about 2 ms), the same instance ever after.
 *
 * @throws ENGINE_UNAVAILABLE where Node or the processor runs no such code, KERNEL_MEMORY where there is no room
 */
export function loadKernels(): Kernels {
  loaded ??= instantiate(readFileSync(new URL("./kernels.wasm", import.meta.url)));
  return loaded;
}

function instantiate(wasm: Uint8Array): Kernels {
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly?: WebAssemblyApi };
  if (api === undefined) throw unavailable("this Node runs no WebAssembly", "Start Node without --jitless.");
  try {
    const exports = new api.Instance(new api.Module(wasm)).exports as KernelExports;
    const { memory } = exports;
    const room = Math.ceil(exports.heapBase() / 64) * 64;
    const missing = room + ROOM_BYTES - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    return { arena: new Arena(memory, room + ROOM_BYTES), room, memory, exports };
  } catch (cause) {
    const { message } = cause as Error;
    const detail = "The processor or this Node has no WebAssembly SIMD, or the installation is damaged.";
    throw machineLimit(cause) ?? unavailable(`the kernels cannot be compiled here (${message})`, detail, cause);
  }
}

function unavailable(message: string, detail: string, cause?: unknown): WeightmarkError {
  return new WeightmarkError("ENGINE_UNAVAILABLE", message, { detail, cause });
}
