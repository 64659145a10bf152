import type { ByteSource } from "./byte-source.ts";

/** A request costs as much as sending about this much. */
const BLOCK_BYTES = 4 << 20;
/** Blocks kept, of all files of a model together: 32 MiB. */
const MAX_BLOCKS = 8;

/** The blocks that several sources keep between them, the one used last at the end. */
export class BlockMemory {
  readonly #blocks = new Map<string, Promise<Uint8Array>>();
  #sources = 0;

  /** A number for a source that joins. */
  join(): number {
    return this.#sources++;
  }

  /** The block of this key, fetched unless it is kept. A failure is not kept. */
  get(key: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const kept = this.#blocks.get(key);
    const block = kept ?? fetch();
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    if (kept === undefined) {
      block.catch(() => this.#blocks.delete(key));
      for (const oldest of this.#blocks.keys()) {
        if (this.#blocks.size <= MAX_BLOCKS) break;
        this.#blocks.delete(oldest);
      }
    }
    return block;
  }
}

/**
 * The same source for anyone who reads nearly everything, mostly in order and in small pieces: it comes in blocks of 4 MiB,
 * the next one under way while one is used. What it is made of may prefetch; this does not, for a block is there before.
 *
 * @param memory shared with the other files of the model
 */
export function withReadAhead(source: ByteSource, memory: BlockMemory): ByteSource {
  const { location, size } = source;
  const number = memory.join();
  let last = -1;

  function block(index: number): Promise<Uint8Array> {
    const start = index * BLOCK_BYTES;
    return memory.get(`${number}:${index}`, () => source.read(start, Math.min(start + BLOCK_BYTES, size)));
  }

  async function readBlocks(start: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start);
    for (let at = start; at < end; ) {
      const index = Math.floor(at / BLOCK_BYTES);
      const wanted = block(index);
      // The one who has come from the block before goes on to the next. Its failure is told when it is read.
      if (last === index - 1 && (index + 1) * BLOCK_BYTES < size) block(index + 1).catch(() => {});
      last = index;
      const offset = at - index * BLOCK_BYTES;
      const piece = (await wanted).subarray(offset, offset + end - at);
      bytes.set(piece, at - start);
      at += piece.length;
    }
    return bytes;
  }

  return {
    location,
    size,
    async read(start, end) {
      const isInside = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end <= size;
      // Out of range, empty or large: the source says what it has to say.
      if (!isInside || start >= end || end - start > BLOCK_BYTES) return source.read(start, end);
      return readBlocks(start, end);
    },
    verifyUnchanged: () => source.verifyUnchanged(),
    close: () => source.close(),
  };
}
