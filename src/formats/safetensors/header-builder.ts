import { type ErrorCode, WeightmarkError } from "../../errors.ts";
import { DTYPE_BITS, type Dtype, type TensorInfo } from "../tensor-info.ts";
import type { JsonHandler } from "./json-lexer.ts";
import { MAX_METADATA_ENTRIES, MAX_RANK, MAX_TENSORS, MAX_UNKNOWN_FIELDS } from "./limits.ts";

const DTYPES: ReadonlySet<string> = new Set(Object.keys(DTYPE_BITS));
const INTEGER = /^(?:0|[1-9][0-9]*)$/;
const METADATA = "__metadata__";
/** The reference keeps unknown numbers as doubles and rejects what overflows; well below that we cannot differ. */
const MAX_UNKNOWN_NUMBER = 1e300;

/** What the next event of the header's JSON belongs to. */
type Place =
  | "start"
  | "root"
  | "metadata-value"
  | "metadata"
  | "entry-value"
  | "entry"
  | "shape"
  | "data_offsets"
  | "skip"
  | "end";
type Token = "object" | "array" | "string" | "number" | "literal";

/**
 * Builds tensors and metadata from the events of a header's JSON: the grammar of safetensors, entry by entry.
 * Whether the ranges fit together is for `tileTensors` to say.
 */
export class HeaderBuilder implements JsonHandler {
  /** In header order. */
  readonly tensors = new Map<string, TensorInfo>();
  readonly metadata = new Map<string, string>();
  /** Entries with fields that safetensors does not know. */
  entriesWithUnknownFields = 0;

  readonly #location: string;
  readonly #dataStart: number;
  #place: Place = "start";
  #metadataSeen = false;
  #metadataKey = "";
  #name = "";
  /** Field whose value comes next; "" between fields. */
  #field = "";
  #dtype: Dtype | null = null;
  #shape: readonly number[] | null = null;
  #offsets: readonly number[] | null = null;
  /** Numbers of the array being read; copied out when it ends, because pushed-to arrays keep spare room. */
  readonly #numbers: number[] = [];
  #unknownFields = new Set<string>();
  /** Open containers inside the value of an unknown field. */
  #skipDepth = 0;

  constructor(location: string, dataStart: number) {
    this.#location = location;
    this.#dataStart = dataStart;
  }

  /** Whether the header's object has been opened: before that, the file may be anything. */
  get begun(): boolean {
    return this.#place !== "start";
  }

  key(text: string): void {
    if (this.#place === "root") this.#rootKey(text);
    else if (this.#place === "metadata") this.#startMetadata(text);
    else if (this.#place === "entry") this.#entryKey(text);
  }

  beginObject(): void {
    if (this.#place === "start") this.#place = "root";
    else if (this.#place === "metadata-value") this.#place = "metadata";
    else if (this.#place === "entry-value") this.#place = "entry";
    else this.#other("object");
  }

  endObject(): void {
    if (this.#place === "root") this.#place = "end";
    else if (this.#place === "metadata") this.#place = "root";
    else if (this.#place === "entry") this.#endEntry();
    else this.#closeSkipped();
  }

  beginArray(): void {
    if (this.#place === "entry" && this.#field === "shape") {
      this.#place = "shape";
    } else if (this.#place === "entry" && this.#field === "data_offsets") {
      this.#place = "data_offsets";
    } else {
      this.#other("array");
    }
  }

  endArray(): void {
    if (this.#place === "skip") {
      this.#closeSkipped();
      return;
    }
    if (this.#place === "shape") this.#shape = this.#numbers.slice();
    else this.#offsets = this.#numbers.slice();
    this.#numbers.length = 0;
    this.#place = "entry";
  }

  string(text: string): void {
    if (this.#place === "metadata") this.metadata.set(this.#metadataKey, text);
    else if (this.#place === "entry" && this.#field === "dtype") this.#setDtype(text);
    else this.#other("string");
  }

  number(text: string): void {
    if (this.#place === "shape") this.#addDimension(this.#integer(text));
    else if (this.#place === "data_offsets") this.#addOffset(this.#integer(text));
    else this.#other("number", text);
  }

  literal(value: boolean | null): void {
    // The reference reads a null here as no metadata.
    if (this.#place === "metadata-value" && value === null) this.#place = "root";
    else this.#other("literal");
  }

  /** A value at a place that has no use for its type: inside an unknown field it is skipped, elsewhere refused. */
  #other(token: Token, text = "0"): void {
    switch (this.#place) {
      case "start":
        throw this.#refuse("ST_ROOT_NOT_OBJECT", `the header is a JSON ${token}, not an object`);
      case "metadata-value":
      case "metadata":
        throw this.#refuse("ST_METADATA_INVALID", `${METADATA} must map strings to strings, here is a ${token}`);
      case "entry-value":
        throw this.#refuse("ST_ENTRY_INVALID", `the tensor's entry is a JSON ${token}, not an object`);
      case "shape":
      case "data_offsets":
        throw this.#refuse("ST_INTEGER_INVALID", `${this.#place} holds a ${token} where an integer is needed`);
      case "entry":
        if (this.#field === "dtype" || this.#field === "shape" || this.#field === "data_offsets") {
          throw this.#refuse("ST_ENTRY_INVALID", `${this.#field} is a ${token}`);
        }
    }
    if (Math.abs(Number(text)) > MAX_UNKNOWN_NUMBER)
      throw this.#refuse("ST_INTEGER_TOO_LARGE", `${text} is out of range`);
    if (token !== "object" && token !== "array") return;
    this.#place = "skip";
    this.#skipDepth++;
  }

  #closeSkipped(): void {
    if (--this.#skipDepth === 0) this.#place = "entry";
  }

  #rootKey(name: string): void {
    if (name === METADATA) {
      if (this.#metadataSeen) throw this.#refuse("ST_DUPLICATE_KEY", `${METADATA} stands twice in the header`);
      this.#metadataSeen = true;
      this.#place = "metadata-value";
      return;
    }
    this.#name = name;
    if (this.tensors.has(name)) throw this.#refuse("ST_DUPLICATE_KEY", "the tensor stands twice in the header");
    if (this.tensors.size === MAX_TENSORS) throw this.#refuse("ST_TENSOR_LIMIT", `more than ${MAX_TENSORS} tensors`);
    this.#field = "";
    this.#dtype = null;
    this.#shape = null;
    this.#offsets = null;
    if (this.#unknownFields.size > 0) this.#unknownFields.clear();
    this.#place = "entry-value";
  }

  #startMetadata(key: string): void {
    if (this.metadata.has(key)) throw this.#refuse("ST_DUPLICATE_KEY", `a key stands twice in ${METADATA}`);
    if (this.metadata.size === MAX_METADATA_ENTRIES) {
      throw this.#refuse("ST_METADATA_INVALID", `more than ${MAX_METADATA_ENTRIES} metadata entries`);
    }
    this.#metadataKey = key;
    // Reserved at once: a value of the wrong type refuses the file anyway.
    this.metadata.set(key, "");
  }

  #entryKey(field: string): void {
    const known = field === "dtype" || field === "shape" || field === "data_offsets";
    const seen = known
      ? (field === "dtype" ? this.#dtype : field === "shape" ? this.#shape : this.#offsets) !== null
      : this.#unknownFields.has(field);
    if (seen) throw this.#refuse("ST_DUPLICATE_KEY", "a field stands twice in the tensor's entry");
    this.#field = field;
    if (known) return;
    if (this.#unknownFields.size === MAX_UNKNOWN_FIELDS) {
      throw this.#refuse("ST_ENTRY_INVALID", `more than ${MAX_UNKNOWN_FIELDS} unknown fields in one entry`);
    }
    if (this.#unknownFields.size === 0) this.entriesWithUnknownFields++;
    this.#unknownFields.add(field);
  }

  #setDtype(text: string): void {
    if (!DTYPES.has(text)) throw this.#refuse("ST_UNKNOWN_DTYPE", `unknown dtype ${JSON.stringify(text.slice(0, 40))}`);
    this.#dtype = text as Dtype;
  }

  #integer(text: string): number {
    if (!INTEGER.test(text)) {
      throw this.#refuse("ST_INTEGER_INVALID", `${text} in ${this.#place} is no plain non-negative integer`);
    }
    const value = Number(text);
    if (!Number.isSafeInteger(value)) {
      throw this.#refuse("ST_INTEGER_TOO_LARGE", `${text} in ${this.#place} is above 2^53 - 1`);
    }
    return value;
  }

  #addDimension(size: number): void {
    if (this.#numbers.length === MAX_RANK) throw this.#refuse("ST_RANK_LIMIT", `more than ${MAX_RANK} dimensions`);
    this.#numbers.push(size);
  }

  #addOffset(offset: number): void {
    if (this.#numbers.length === 2) throw this.#refuse("ST_ENTRY_INVALID", "data_offsets has more than two numbers");
    this.#numbers.push(offset);
  }

  #endEntry(): void {
    const dtype = this.#dtype;
    const shape = this.#shape;
    const offsets = this.#offsets;
    if (dtype === null || shape === null || offsets === null) {
      const missing = dtype === null ? "dtype" : shape === null ? "shape" : "data_offsets";
      throw this.#refuse("ST_ENTRY_INVALID", `the tensor's entry has no ${missing}`);
    }
    if (offsets.length !== 2) throw this.#refuse("ST_ENTRY_INVALID", "data_offsets needs two numbers");
    const begin = this.#dataStart + offsets[0]!;
    const end = this.#dataStart + offsets[1]!;
    if (!Number.isSafeInteger(begin) || !Number.isSafeInteger(end)) {
      throw this.#refuse("ST_INTEGER_TOO_LARGE", "data_offsets lie above 2^53 - 1");
    }
    this.tensors.set(this.#name, { name: this.#name, dtype, shape, begin, end });
    this.#place = "root";
  }

  #refuse(code: ErrorCode, message: string): WeightmarkError {
    const inTensor = !this.#place.startsWith("metadata");
    return new WeightmarkError(code, message, {
      file: this.#location,
      tensor: inTensor && this.#name !== "" ? this.#name : undefined,
    });
  }
}
