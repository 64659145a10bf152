import type { ByteSource } from "../bytes/byte-source.ts";
import { type ErrorCode, WeightmarkError } from "../errors.ts";
import { type JsonHandler, JsonLexer } from "../formats/safetensors/json-lexer.ts";
import { MAX_DEPTH, MAX_NAME_BYTES, MAX_TENSORS } from "../formats/safetensors/limits.ts";
import { MAX_INDEX_BYTES, MAX_SHARDS } from "./limits.ts";
import { checkShardName } from "./shard-name.ts";

/** A parsed `*.safetensors.index.json`. */
export interface ShardIndex {
  /** Checked relative paths, in order of first mention. */
  readonly shards: readonly string[];
  /** Tensor name to position in `shards`. */
  readonly shardOf: ReadonlyMap<string, number>;
  /** What metadata.total_size claims, in bytes; null when absent or no exact integer. */
  readonly totalSize: number | null;
}

const PIECE_BYTES = 1 << 20;
const MAX_STRING_BYTES = 1 << 20;

type Place = "start" | "root" | "map-value" | "map" | "metadata-value" | "metadata" | "skip";

/** Keeps weight_map and metadata.total_size of an index; other values, whatever they are, are passed over. */
class IndexBuilder implements JsonHandler {
  readonly shards: string[] = [];
  readonly shardOf = new Map<string, number>();
  totalSize: number | null = null;
  mapSeen = false;
  readonly #refuse: (code: ErrorCode, message: string) => Error;
  readonly #file: string;
  readonly #shardNumbers = new Map<string, number>();
  readonly #rootKeys = new Set<string>();
  readonly #metadataKeys = new Set<string>();
  #place: Place = "start";
  /** Where a skipped container was met. */
  #skippedIn: Place = "root";
  #skipDepth = 0;
  #key = "";

  constructor(file: string, refuse: (code: ErrorCode, message: string) => Error) {
    this.#file = file;
    this.#refuse = refuse;
  }

  #unique(keys: Set<string>, key: string): void {
    if (keys.has(key)) throw this.#refuse("INDEX_DUPLICATE_KEY", `${JSON.stringify(key.slice(0, 80))} stands twice`);
    if (keys.size === MAX_SHARDS) throw this.#refuse("INDEX_TOO_LARGE", `more than ${MAX_SHARDS} keys`);
    keys.add(key);
  }

  key(text: string): void {
    this.#key = text;
    if (this.#place === "map" && this.shardOf.has(text)) {
      throw this.#refuse(
        "INDEX_DUPLICATE_KEY",
        `tensor ${JSON.stringify(text.slice(0, 80))} stands twice in weight_map`,
      );
    }
    if (this.#place === "metadata") this.#unique(this.#metadataKeys, text);
    if (this.#place !== "root") return;
    this.#unique(this.#rootKeys, text);
    if (text === "weight_map") this.#place = "map-value";
    if (text === "metadata") this.#place = "metadata-value";
  }

  beginObject(): void {
    if (this.#place === "start") this.#place = "root";
    else if (this.#place === "map-value") this.#place = "map";
    else if (this.#place === "metadata-value") this.#place = "metadata";
    else this.#skip();
    if (this.#place === "map") this.mapSeen = true;
  }

  endObject(): void {
    if (this.#place === "map" || this.#place === "metadata") this.#place = "root";
    else this.endArray();
  }

  beginArray(): void {
    this.#skip();
  }

  endArray(): void {
    if (this.#place === "skip" && --this.#skipDepth === 0) this.#place = this.#skippedIn;
  }

  string(text: string): void {
    if (this.#place !== "map") this.#scalar();
    else this.#assign(text);
  }

  number(text: string): void {
    const value = Number(text);
    if (this.#place === "metadata" && this.#key === "total_size" && Number.isSafeInteger(value)) this.totalSize = value;
    this.#scalar();
  }

  literal(): void {
    this.#scalar();
  }

  #assign(shard: string): void {
    if (this.shardOf.size === MAX_TENSORS) throw this.#refuse("INDEX_TOO_LARGE", `more than ${MAX_TENSORS} tensors`);
    let number = this.#shardNumbers.get(shard);
    if (number === undefined) {
      checkShardName(shard, this.#file);
      if (this.shards.length === MAX_SHARDS) throw this.#refuse("INDEX_TOO_LARGE", `more than ${MAX_SHARDS} shards`);
      number = this.shards.length;
      this.#shardNumbers.set(shard, number);
      this.shards.push(shard);
    }
    this.shardOf.set(this.#key, number);
  }

  /** Refuses a value where only an object, or in weight_map only a string, may stand. */
  #scalar(): void {
    if (this.#place === "start") throw this.#refuse("INDEX_INVALID", "the index is no JSON object");
    if (this.#place === "map")
      throw this.#refuse("INDEX_INVALID", "weight_map maps a tensor to something else than a name");
    if (this.#place === "map-value") throw this.#refuse("INDEX_INVALID", "weight_map is no object");
    // Metadata only comments; whatever it is, the tensors are found without it.
    if (this.#place === "metadata-value") this.#place = "root";
  }

  #skip(): void {
    this.#scalar();
    if (this.#place !== "skip") this.#skippedIn = this.#place;
    this.#place = "skip";
    this.#skipDepth++;
  }
}

/**
 * Reads a shard index in bounded pieces: 60 MB and half a million tensors cost the map and nothing more.
 *
 * @throws INDEX_INVALID, INDEX_DUPLICATE_KEY, INDEX_TOO_LARGE, SHARD_PATH_REFUSED, UNSUPPORTED_CONTAINER
 */
export async function readShardIndex(source: ByteSource): Promise<ShardIndex> {
  const file = source.location;
  const refuse = (code: ErrorCode, message: string) => new WeightmarkError(code, message, { file });
  if (source.size > MAX_INDEX_BYTES)
    throw refuse("INDEX_TOO_LARGE", `${source.size} bytes, more than ${MAX_INDEX_BYTES}`);
  const builder = new IndexBuilder(file, refuse);
  const limits = { maxDepth: MAX_DEPTH, maxKeyBytes: MAX_NAME_BYTES, maxStringBytes: MAX_STRING_BYTES };
  const lexer = new JsonLexer(builder, limits, (_, message) => refuse("INDEX_INVALID", message));
  for (let at = 0; at < source.size; at += PIECE_BYTES) {
    lexer.push(await source.read(at, Math.min(at + PIECE_BYTES, source.size)));
  }
  lexer.finish();
  if (!builder.mapSeen) throw refuse("INDEX_INVALID", "there is no weight_map");
  if (builder.shards.length === 0) throw refuse("INDEX_INVALID", "weight_map names no tensor");
  const { shards, shardOf, totalSize } = builder;
  return { shards, shardOf, totalSize };
}
