import { WeightmarkError } from "../../errors.ts";
import type { ByteRange, PrefetchingSource } from "../byte-source.ts";
import { memorySource } from "../memory-source.ts";
import { requireRange } from "../range.ts";
import { coalesce } from "./coalesce.ts";
import type { HttpClient } from "./http-client.ts";
import { linkedSignal } from "./linked-signal.ts";
import { type Chunk, openRemoteFile, type RemoteFileOptions } from "./remote-file.ts";

export type HttpSourceOptions = RemoteFileOptions;

/** The first request asks for this much: nearly every header fits, and all of it where it does is one request. */
const PREFIX = 256 * 1024;

/** Files known to be no longer are read as a whole at once: a second request would cost more than the bytes. */
const SMALL_FILE = 1024 * 1024;

function firstRead(expected: number | null): number {
  return expected !== null && expected <= SMALL_FILE ? expected : PREFIX;
}

function holds(chunk: Chunk, { start, end }: ByteRange): boolean {
  return chunk.start <= start && end <= chunk.start + chunk.bytes.length;
}

/** A copy: anyone who writes to what was read does not change what others read. */
function cut(chunk: Chunk, { start, end }: ByteRange): Uint8Array {
  return chunk.bytes.slice(start - chunk.start, end - chunk.start);
}

/**
 * A file read by ranges over HTTP. Opening makes the first request; what it brought is kept until the first `prefetch` that
 * does not need it. Every reply is checked: the range asked for and no other, the same size and validator (ETag, else
 * Last-Modified) each time, no compression, a body exactly as long as it must be. A body that breaks off is gone on with
 * where it stopped.
 *
 * Memory: what the last `prefetch` asked for, gaps included, and reads under way.
 *
 * `verifyUnchanged` costs one conditional request, and none where the address is pinned to a commit.
 *
 * @param address read by `parseAddress`
 * @throws HTTP_*, CHANGED_DURING_READ; later reads throw READ_OUT_OF_RANGE as well
 */
export async function openHttpSource(
  client: HttpClient,
  address: URL,
  options: HttpSourceOptions,
): Promise<PrefetchingSource> {
  const { location } = options;
  const first = firstRead(options.expected?.size ?? null);
  // Listed as empty: no range of it could be asked for.
  if (first === 0) return { ...memorySource(new Uint8Array(), location), prefetch: async () => undefined };
  const closing = new AbortController();
  const { file, prefix } = await openRemoteFile(client, address, first, options);
  let chunks: readonly Chunk[] = [prefix];

  function requireOpen(): void {
    if (closing.signal.aborted) throw closing.signal.reason;
  }

  return {
    location,
    size: file.size,
    async read(start, end) {
      requireOpen();
      requireRange(start, end, file.size, location);
      if (start === end) return new Uint8Array();
      const range = { start, end };
      const chunk = chunks.find((each) => holds(each, range)) ?? (await file.range(range, closing.signal));
      return cut(chunk, range);
    },
    async prefetch(ranges, signal) {
      requireOpen();
      for (const { start, end } of ranges) requireRange(start, end, file.size, location);
      const kept = chunks.filter((chunk) => ranges.some((range) => holds(chunk, range)));
      const missing = ranges.filter((range) => !kept.some((chunk) => holds(chunk, range)));
      // Before the new ones arrive, so that both are never held at once.
      chunks = kept;
      const fetched = await fetchAll(coalesce(missing), signal);
      chunks = [...kept, ...fetched];
    },
    verifyUnchanged: () => file.verifyUnchanged(),
    async close() {
      chunks = [];
      closing.abort(new WeightmarkError("INTERNAL", "the source was closed", { file: location }));
    },
  };

  /** All of them, several at a time; the first failure ends the others. */
  async function fetchAll(ranges: readonly ByteRange[], signal?: AbortSignal): Promise<Chunk[]> {
    const link = linkedSignal(closing.signal, signal);
    const fetched: Chunk[] = [];
    let next = 0;
    async function work(): Promise<void> {
      while (next < ranges.length) {
        link.signal.throwIfAborted();
        const range = ranges[next++]!;
        fetched.push(await file.range(range, link.signal));
      }
    }
    const lanes = Math.min(ranges.length, client.connections);
    const working = Array.from({ length: lanes }, work);
    try {
      await Promise.all(working);
    } catch (error) {
      link.abort(error);
      await Promise.allSettled(working);
      throw error;
    } finally {
      link.release();
    }
    return fetched;
  }
}
