import { type Kernels, loadKernels } from "./load-kernels.ts";

const CHUNK = 1024;
const CV = 32;
/** Largest subtree hashed in one call: 1024 chunks. */
const SUBTREE = 1 << 20;
/** Bytes copied into WebAssembly memory at a time: they stay in the L2 cache until hashed. */
const STAGING = 1 << 18;

const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

/**
 * BLAKE3, plain hash mode, 32 bytes out (the BLAKE3 paper, sections 2 and 5.1). Chaining values wait on a stack until
 * it is known whether more input follows, because the last compression carries the ROOT flag.
 */
export class Blake3 {
  readonly #kernels: Kernels;
  readonly #stack: Uint8Array[] = [];
  /** Bytes of the chunk that is not yet known to be followed by more. */
  readonly #chunk = new Uint8Array(CHUNK);
  #pending = 0;
  /** Whole chunks whose chaining values were pushed. */
  #chunks = 0;

  constructor(kernels: Kernels = loadKernels()) {
    this.#kernels = kernels;
  }

  /** Hashes bytes that lie outside WebAssembly memory. */
  update(bytes: Uint8Array): this {
    const { arena } = this.#kernels;
    arena.scope(() => {
      const staging = arena.alloc(Math.min(bytes.length, STAGING));
      for (let at = 0; at < bytes.length; at += STAGING) {
        const piece = bytes.subarray(at, at + STAGING);
        arena.u8(staging, piece.length).set(piece);
        this.updateAt(staging, piece.length);
      }
    });
    return this;
  }

  /** Hashes `length` bytes at `pointer` in the memory of the kernels, without a copy. */
  updateAt(pointer: number, length: number): this {
    this.#kernels.arena.scope(() => {
      let at = pointer;
      let left = length;
      if (this.#pending > 0 && left > 0) {
        const taken = this.#fillChunk(at, left);
        at += taken;
        left -= taken;
        if (left > 0) this.#pushPending();
      }
      while (left > CHUNK) {
        const size = this.#subtreeSize(left);
        this.#pushSubtree(at, size);
        at += size;
        left -= size;
      }
      if (left > 0) this.#fillChunk(at, left);
    });
    return this;
  }

  /** The digest of everything so far; updating may go on afterwards. */
  digest(): Uint8Array {
    return this.#kernels.arena.scope(() => {
      if (this.#pending > 0) this.#mergeComplete();
      const stack = [...this.#stack];
      if (stack.length === 0) return this.#hashPending(ROOT);
      let right = this.#pending > 0 ? this.#hashPending(0) : stack.pop()!;
      while (stack.length > 0) right = this.#parent(stack.pop()!, right, stack.length === 0 ? ROOT : 0);
      return right;
    });
  }

  #fillChunk(pointer: number, available: number): number {
    const taken = Math.min(CHUNK - this.#pending, available);
    this.#chunk.set(this.#kernels.arena.u8(pointer, taken), this.#pending);
    this.#pending += taken;
    return taken;
  }

  #pushPending(): void {
    this.#push(this.#hashPending(0));
    this.#chunks += 1;
    this.#pending = 0;
  }

  /** The largest power of two that fits and starts on a multiple of itself: only such a subtree is complete. */
  #subtreeSize(left: number): number {
    let size = CHUNK;
    while (size * 2 <= left && size < SUBTREE && this.#chunks % ((size * 2) / CHUNK) === 0) size *= 2;
    return size;
  }

  /** Reduces a subtree to the two chaining values below its root, since that root may prove to be the last one. */
  #pushSubtree(pointer: number, size: number): void {
    const { arena, exports } = this.#kernels;
    let count = size / CHUNK;
    const values = arena.alloc(Math.max(count, 4) * CV * 2);
    if (count >= 4) exports.blake3Chunks(pointer, count, BigInt(this.#chunks), values);
    else
      for (let i = 0; i < count; i++) this.#hashChunk(pointer + i * CHUNK, CHUNK, this.#chunks + i, 0, values + i * CV);
    for (; count > 2; count /= 2) exports.blake3Parents(values, count / 2, values);
    for (let i = 0; i < count; i++) {
      this.#push(arena.u8(values + i * CV, CV).slice());
      this.#chunks += size / CHUNK / count;
    }
  }

  #push(value: Uint8Array): void {
    this.#mergeComplete();
    this.#stack.push(value);
  }

  /** Once more input follows, as many subtrees are complete as there are ones in the number of chunks before it. */
  #mergeComplete(): void {
    let complete = 0;
    for (let n = this.#chunks; n > 0; n = Math.floor(n / 2)) complete += n % 2;
    while (this.#stack.length > complete) {
      const right = this.#stack.pop()!;
      this.#stack.push(this.#parent(this.#stack.pop()!, right, 0));
    }
  }

  #parent(left: Uint8Array, right: Uint8Array, root: number): Uint8Array {
    const { arena, exports } = this.#kernels;
    return arena.scope(() => {
      const pair = arena.alloc(CV * 2);
      const out = arena.alloc(CV * 4);
      arena.u8(pair, CV).set(left);
      arena.u8(pair + CV, CV).set(right);
      exports.blake3Four(pair, 0, 64, 0n, 0n, PARENT | root, 0, 0, out);
      return arena.u8(out, CV).slice();
    });
  }

  #hashPending(root: number): Uint8Array {
    const { arena } = this.#kernels;
    return arena.scope(() => {
      const chunk = arena.alloc(CHUNK);
      const out = arena.alloc(CV * 4);
      arena.u8(chunk, CHUNK).fill(0).set(this.#chunk.subarray(0, this.#pending));
      this.#hashChunk(chunk, this.#pending, this.#chunks, root, out);
      return arena.u8(out, CV).slice();
    });
  }

  /** One chunk alone: the other three lanes repeat it, and 4 x 32 bytes are written. */
  #hashChunk(pointer: number, length: number, index: number, root: number, out: number): void {
    const flags = CHUNK_END | root;
    this.#kernels.exports.blake3Four(pointer, 0, length, BigInt(index), 0n, 0, CHUNK_START, flags, out);
  }
}

/** The 32-byte BLAKE3 digest of `bytes`. */
export function blake3(bytes: Uint8Array): Uint8Array {
  return new Blake3().update(bytes).digest();
}
