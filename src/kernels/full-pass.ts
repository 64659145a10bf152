import type { ByteSource, SyncByteSource } from "../bytes/byte-source.ts";
import { DTYPE_BITS, type Dtype } from "../formats/tensor-info.ts";
import { Blake3 } from "./blake3.ts";
import { DECODERS } from "./decode.ts";
import { decodeRare } from "./decode-rare.ts";
import { isDecodable } from "./decode-target.ts";
import { type Kernels, loadKernels } from "./load-kernels.ts";
import { emptyMoments, type Moments, type MomentsDtype, mergeMoments, momentsAt, prescaleFor } from "./moments.ts";

/** Bytes read at a time: half a core's L2 cache, so that the second look at them does not go to memory. */
const PIECE = 1 << 19;
/** Bytes asked of a source that answers later: a whole number of pieces. */
const READ = 8 * PIECE;
/** Elements decoded at a time when a type is not read as it is. */
const DECODED = 1 << 16;
/** Elements looked at to choose the first prescale. */
const PROBE = 4096;
/** The prescale is chosen anew when the largest scaled value leaves this range. */
const SCALED_MIN = 2 ** -20;
const SCALED_MAX = 2 ** 16;

export interface FullPass {
  /** BLAKE3 of the bytes, 32 bytes. */
  readonly digest: Uint8Array;
  /** Null for the types `decodeToF32` does not know. F64 beyond f32's range counts as infinite. */
  readonly moments: Moments | null;
}

/**
 * Hashes bytes [begin, end) and takes their moments in one pass: 512 KiB are read straight into the kernels' memory and
 * used up while they are in the cache. Pieces start at `begin`, so the result depends on the bytes and the type alone,
 * not on threads; bytes that are no whole element at the end are hashed only.
 */
export function fullPass(
  source: Pick<SyncByteSource, "readIntoSync">,
  begin: number,
  end: number,
  dtype: Dtype,
): FullPass {
  const kernels = loadKernels();
  const { arena } = kernels;
  return arena.scope(() => {
    const pointer = arena.alloc(Math.min(PIECE, end - begin));
    const pass = new Pass(kernels, dtype);
    for (let at = begin; at < end; at += PIECE) {
      const length = Math.min(PIECE, end - at);
      source.readIntoSync(arena.u8(pointer, length), at);
      pass.add(pointer, length);
    }
    return pass.finish();
  });
}

/**
 * The same of a source that answers later: equal to the bit. 4 MiB are read at a time, the next ones while these are used.
 *
 * @throws what the source throws, and the reason of the signal between two reads
 */
export async function fullPassLater(
  source: Pick<ByteSource, "read">,
  begin: number,
  end: number,
  dtype: Dtype,
  signal?: AbortSignal,
): Promise<FullPass> {
  const kernels = loadKernels();
  const { arena } = kernels;
  const pass = new Pass(kernels, dtype);
  const readAt = (at: number) => {
    const bytes = source.read(at, Math.min(at + READ, end));
    // Told where it is awaited; until then nobody listens.
    bytes.catch(() => {});
    return bytes;
  };
  let next = begin < end ? readAt(begin) : null;
  for (let at = begin; next !== null; at += READ) {
    signal?.throwIfAborted();
    const bytes: Uint8Array = await next;
    next = at + READ < end ? readAt(at + READ) : null;
    for (let from = 0; from < bytes.length; from += PIECE) {
      const piece = bytes.subarray(from, from + PIECE);
      arena.scope(() => {
        const pointer = arena.alloc(piece.length);
        arena.u8(pointer, piece.length).set(piece);
        pass.add(pointer, piece.length);
      });
    }
  }
  return pass.finish();
}

/** What is known of the bytes so far. Holds no memory of the kernels between two pieces. */
class Pass {
  readonly #hash: Blake3;
  readonly #tally: Tally | null;
  readonly #width: number;

  constructor(kernels: Kernels, dtype: Dtype) {
    this.#hash = new Blake3(kernels);
    this.#tally = isDecodable(dtype) ? new Tally(kernels, dtype) : null;
    this.#width = DTYPE_BITS[dtype] / 8;
  }

  /** The next `length` bytes, PIECE of them unless they are the last. */
  add(pointer: number, length: number): void {
    this.#hash.updateAt(pointer, length);
    this.#tally?.add(pointer, Math.floor(length / this.#width));
  }

  finish(): FullPass {
    return { digest: this.#hash.digest(), moments: this.#tally?.total ?? null };
  }
}

/** Moments of successive pieces, with a prescale that follows the data. */
class Tally {
  readonly #kernels: Kernels;
  readonly #dtype: Dtype;
  #prescale = 0;
  total: Moments = emptyMoments();

  constructor(kernels: Kernels, dtype: Dtype) {
    this.#kernels = kernels;
    this.#dtype = dtype;
  }

  /** `n` elements of the tally's type at `pointer`. */
  add(pointer: number, n: number): void {
    const dtype = this.#dtype;
    if (isDirect(dtype)) {
      this.#addValues(pointer, n, dtype);
      return;
    }
    const width = DTYPE_BITS[dtype] / 8;
    const { arena } = this.#kernels;
    arena.scope(() => {
      const decoded = arena.alloc(DECODED * 4);
      for (let at = 0; at < n; at += DECODED) {
        const count = Math.min(DECODED, n - at);
        this.#decode(pointer + at * width, decoded, count, count * width);
        this.#addValues(decoded, count, "F32");
      }
    });
  }

  #addValues(pointer: number, n: number, dtype: MomentsDtype): void {
    const moments = (count: number, prescale: number): Moments =>
      momentsAt(this.#kernels, pointer, count, dtype, prescale);
    if (this.#prescale === 0) this.#prescale = prescaleFor(moments(Math.min(n, PROBE), 1).absMax);
    let found = moments(n, this.#prescale);
    const scaled = found.absMax * this.#prescale;
    if (found.absMax > 0 && (scaled < SCALED_MIN || scaled > SCALED_MAX)) {
      this.#prescale = prescaleFor(found.absMax);
      found = moments(n, this.#prescale);
    }
    this.total = mergeMoments(this.total, found);
  }

  #decode(pointer: number, decoded: number, count: number, bytes: number): void {
    const { arena, exports } = this.#kernels;
    const decoder = DECODERS.get(this.#dtype);
    if (decoder !== undefined) exports[decoder](pointer, decoded, count);
    else decodeRare(arena.u8(pointer, bytes), this.#dtype, arena.f32(decoded, count));
  }
}

function isDirect(dtype: Dtype): dtype is MomentsDtype {
  return dtype === "BF16" || dtype === "F16" || dtype === "F32";
}
