import { type ByteSource, canPrefetch } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { MAX_PICKLE_BYTES } from "../pickle/limits.ts";
import { type PickleFormat, type Unpickled, unpickle } from "../pickle/machine.ts";
import { PickleList, type PickleValue } from "../pickle/values.ts";
import { torchFormat } from "./torch-format.ts";
import { Storage } from "./values.ts";
import type { TorchContents } from "./zip-form.ts";

/** What the first pickle holds, and the second one. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** First read; pickles beyond it are read again in twice as much, until they fit. */
const FIRST_BYTES = 1 << 20;
const COUNT_BYTES = 8;
/** Counts that are announced at a time to a source far away. */
const AHEAD = 4096;

/**
 * Reads a file as torch.save wrote before PyTorch 1.6: five pickles, the fourth of which holds the tensors, then the storages in
 * the order of the fifth, each behind the count of its elements. They are little-endian on every machine.
 *
 * @throws the codes of `unpickle`; PT_MALFORMED, PT_STORAGE_WRONG
 */
export async function readLegacyForm(source: ByteSource): Promise<TorchContents> {
  const { location: file, size } = source;
  for (let window = FIRST_BYTES; ; window *= 2) {
    const bytes = await source.read(0, Math.min(window, size, MAX_PICKLE_BYTES));
    try {
      return await contentsOf(source, bytes);
    } catch (error) {
      const isCut = error instanceof WeightmarkError && error.code === "PICKLE_TRUNCATED" && window < size;
      if (!isCut) throw error;
    }
    if (window >= MAX_PICKLE_BYTES) {
      throw new WeightmarkError("PICKLE_LIMIT", `pickles of more than ${MAX_PICKLE_BYTES} bytes`, { file });
    }
  }
}

async function contentsOf(source: ByteSource, bytes: Uint8Array): Promise<TorchContents> {
  const { location: file } = source;
  const storages = new Map<string, Storage>();
  const format = torchFormat(file);
  const noting: PickleFormat = {
    ...format,
    outside(id) {
      const found = format.outside(id);
      if (found instanceof Storage) note(storages, found, file);
      return found;
    },
  };
  let at = 0;
  const next = (): Unpickled => {
    const pickle = unpickle(bytes.subarray(at), noting, file);
    at += pickle.length;
    return pickle;
  };
  const [magic, protocol] = [next(), next()];
  if (magic.value !== MAGIC || protocol.value !== PROTOCOL) {
    throw new WeightmarkError("PT_MALFORMED", "the pickles before the tensors are not those of a PyTorch file", {
      file,
    });
  }
  next();
  const pickle = next();
  const begins = await placesOf(source, next().value, storages, at);
  const begin = (key: string, _bytes: number, tensor: string): number => {
    const place = begins.get(key);
    if (place !== undefined) return place;
    throw new WeightmarkError("PT_STORAGE_WRONG", "its bytes are not in the file", { file, tensor });
  };
  return { pickle, places: { begin, bigEndian: false }, notes: [] };
}

/** One key is one run of bytes, whoever refers to it. */
function note(storages: Map<string, Storage>, storage: Storage, file: string): void {
  const known = storages.get(storage.key);
  if (known === undefined) storages.set(storage.key, storage);
  else if (known.bytes !== storage.bytes) {
    throw new WeightmarkError("PT_MALFORMED", "two storages under one key differ in length", { file });
  }
}

/** Where the storages begin that a list of keys names, from `at` on to the end of the file. */
async function placesOf(
  source: ByteSource,
  keys: PickleValue,
  storages: ReadonlyMap<string, Storage>,
  at: number,
): Promise<Map<string, number>> {
  const { location: file, size } = source;
  const wrong = (message: string) => new WeightmarkError("PT_STORAGE_WRONG", message, { file });
  const begins = new Map<string, number>();
  const counts: { readonly start: number; readonly elements: number }[] = [];
  let end = at;
  for (const key of keys instanceof PickleList ? keys.items : []) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (storage === undefined || begins.has(storage.key))
      throw wrong("the list of storages is not that of the tensors");
    counts.push({ start: end, elements: storage.bytes / storage.width });
    begins.set(storage.key, end + COUNT_BYTES);
    end += COUNT_BYTES + storage.bytes;
  }
  if (end !== size) throw wrong(`the storages end at byte ${end}, the file at ${size}`);
  for (const [i, { start, elements }] of counts.entries()) {
    if (i % AHEAD === 0) await announce(source, counts.slice(i, i + AHEAD));
    const count = Buffer.from(await source.read(start, start + COUNT_BYTES)).readBigInt64LE();
    if (count !== BigInt(elements))
      throw wrong(`a storage of ${count} elements lies at byte ${start}, not of ${elements}`);
  }
  return begins;
}

async function announce(source: ByteSource, counts: readonly { readonly start: number }[]): Promise<void> {
  if (canPrefetch(source)) await source.prefetch(counts.map(({ start }) => ({ start, end: start + COUNT_BYTES })));
}
