import { WeightmarkError } from "../errors.ts";

/** The part of a WebAssembly memory an arena needs; named here because @types/node does not describe WebAssembly. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const PAGE = 65_536;
/** What 32 bits can address: no machine gives more. */
const MAX_BYTES = 2 ** 32;
const ALIGNMENT = 64;
/** Bytes behind every allocation that a kernel may touch when it rounds a length up to whole vectors. */
const SLACK = 256;

/**
 * Stack allocator over the memory of one kernel instance. Growing detaches every view, so views are taken by function
 * just before use and never kept. A WebAssembly memory never shrinks: callers work in tiles.
 */
export class Arena {
  readonly #memory: LinearMemory;
  readonly #base: number;
  #top: number;

  constructor(memory: LinearMemory, base: number) {
    this.#memory = memory;
    this.#base = Math.ceil(base / ALIGNMENT) * ALIGNMENT;
    this.#top = this.#base;
  }

  /** Address of `bytes` bytes, aligned to 64; contents are whatever lay there. Throws KERNEL_MEMORY, INTERNAL beyond 4 GiB. */
  alloc(bytes: number): number {
    const pointer = this.#top;
    const top = Math.ceil((pointer + bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    const missing = top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#grow(Math.ceil(missing / PAGE));
    this.#top = top;
    return pointer;
  }

  /** Position to give to `release`. */
  mark(): number {
    return this.#top;
  }

  /** Frees everything allocated since `mark`. */
  release(mark: number): void {
    this.#top = mark;
  }

  reset(): void {
    this.#top = this.#base;
  }

  /** Runs `work` and frees what it allocated, also when it throws. */
  scope<T>(work: () => T): T {
    const mark = this.#top;
    try {
      return work();
    } finally {
      this.#top = mark;
    }
  }

  u8(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, pointer, length);
  }

  u32(pointer: number, length: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, pointer, length);
  }

  f32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, pointer, length);
  }

  f64(pointer: number, length: number): Float64Array {
    return new Float64Array(this.#memory.buffer, pointer, length);
  }

  #grow(pages: number): void {
    try {
      this.#memory.grow(pages);
    } catch (cause) {
      const message = `WebAssembly memory cannot grow by ${pages * PAGE} bytes`;
      // Anyone who asks for that much has forgotten to work in tiles.
      if (this.#memory.buffer.byteLength + pages * PAGE > MAX_BYTES)
        throw new WeightmarkError("INTERNAL", message, { cause });
      throw new WeightmarkError("KERNEL_MEMORY", message, { cause });
    }
  }
}
