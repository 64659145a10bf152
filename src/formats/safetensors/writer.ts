import { WeightmarkError } from "../../errors.ts";
import { DTYPE_BITS, type Dtype } from "../tensor-info.ts";
import { MAX_HEADER_BYTES, MAX_NAME_BYTES, MAX_STRING_BYTES } from "./limits.ts";
import { tensorByteLength } from "./tiling.ts";

/** A tensor with its bytes, little-endian and row-major. */
export interface TensorData {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

interface Layout {
  /** The length prefix and the padded header. */
  readonly head: Uint8Array;
  /** In the order of their bytes. */
  readonly entries: readonly { readonly tensor: TensorData; readonly byteLength: number }[];
  readonly byteLength: number;
}

const METADATA = "__metadata__";
const HEADER_ALIGNMENT = 8;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** The reference declares its types from the least to the most aligned and sorts by that declaration. */
const DTYPE_ORDER: ReadonlyMap<Dtype, number> = new Map((Object.keys(DTYPE_BITS) as Dtype[]).map((d, i) => [d, i]));

function invalid(message: string, tensor?: string): WeightmarkError {
  return new WeightmarkError("ST_WRITE_INVALID", message, { tensor });
}

/** JSON of a string; JSON.stringify and serde_json escape alike, except that only we would write half a character. */
function json(text: string): string {
  if (LONE_SURROGATE.test(text)) throw invalid("half of a surrogate pair cannot be written as UTF-8");
  return JSON.stringify(text);
}

/** Order of UTF-8 bytes, which is not the order of JavaScript strings (UTF-16) beyond the basic plane. */
function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}

function checkedByteLength({ name, dtype, shape }: TensorData): number {
  if (name === METADATA) throw invalid(`a tensor cannot be called ${METADATA}`, name);
  if (Buffer.byteLength(name, "utf8") > MAX_NAME_BYTES) throw invalid(`a name of more than ${MAX_NAME_BYTES} bytes`);
  if (!DTYPE_ORDER.has(dtype)) throw invalid(`unknown dtype ${String(dtype)}`, name);
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 0)) throw invalid("a dimension is no size", name);
  const length = tensorByteLength(dtype, shape);
  if (typeof length === "string") throw invalid(`the size of ${dtype} [${shape.join(", ")}] is ${length}`, name);
  return length;
}

function layOut(tensors: Iterable<TensorData>, metadata?: ReadonlyMap<string, string>): Layout {
  const entries = [...tensors].map((tensor) => ({ tensor, byteLength: checkedByteLength(tensor) }));
  const order = (dtype: Dtype) => DTYPE_ORDER.get(dtype)!;
  entries.sort(({ tensor: a }, { tensor: b }) => order(b.dtype) - order(a.dtype) || compareUtf8(a.name, b.name));

  const fields: string[] = [];
  if (metadata !== undefined) {
    for (const value of metadata.values()) {
      // What would not be read again.
      if (Buffer.byteLength(value) > MAX_STRING_BYTES) throw invalid(`metadata of more than ${MAX_STRING_BYTES} bytes`);
    }
    // The reference writes metadata in the order of a randomised hash map; sorted keys make our bytes repeatable.
    const pairs = [...metadata].sort(([a], [b]) => compareUtf8(a, b));
    fields.push(`"${METADATA}":{${pairs.map(([key, value]) => `${json(key)}:${json(value)}`).join(",")}}`);
  }
  const names = new Set<string>();
  let end = 0;
  for (const { tensor, byteLength } of entries) {
    if (names.has(tensor.name)) throw invalid("two tensors have the same name", tensor.name);
    names.add(tensor.name);
    const offsets = `[${end},${end + byteLength}]`;
    end += byteLength;
    fields.push(
      `${json(tensor.name)}:{"dtype":"${tensor.dtype}","shape":[${tensor.shape.join(",")}],"data_offsets":${offsets}}`,
    );
  }
  const text = Buffer.from(`{${fields.join(",")}}`, "utf8");
  const headerBytes = Math.ceil(text.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  if (headerBytes > MAX_HEADER_BYTES) throw invalid(`a header of ${headerBytes} bytes, more than ${MAX_HEADER_BYTES}`);
  const head = new Uint8Array(8 + headerBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(text, 8);
  return { head, entries, byteLength: head.length + end };
}

/**
 * A whole safetensors file in memory, the bytes that the reference writer gives for the same tensors: by descending
 * alignment of the type, then by name; the header padded with spaces to 8 bytes. Metadata keys are sorted.
 *
 * @throws ST_WRITE_INVALID for data that do not fit their shape, names that repeat or cannot be written
 */
export function serializeSafetensors(
  tensors: Iterable<TensorData>,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array {
  const { head, entries, byteLength } = layOut(tensors, metadata);
  const file = new Uint8Array(byteLength);
  file.set(head);
  let at = head.length;
  for (const { tensor, byteLength: expected } of entries) {
    if (tensor.data.length !== expected) throw wrongLength(tensor.data.length, expected, tensor.name);
    file.set(tensor.data, at);
    at += expected;
  }
  return file;
}

function wrongLength(got: number, expected: number, name: string): WeightmarkError {
  return invalid(`${got} bytes of data where the shape needs ${expected}`, name);
}
