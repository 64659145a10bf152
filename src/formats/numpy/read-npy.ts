import type { ByteRange, ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { plainStrides, type StoredArray } from "../stored-array.ts";
import { DTYPE_BITS, type Dtype } from "../tensor-info.ts";
import { parseHeader } from "./literal.ts";

const MAGIC = "\x93NUMPY";
/** The magic, two bytes of version, and two or four that say how long the header is. */
const PREFIX_BYTES = 12;
/** numpy itself reads no longer ones unless told to. */
const MAX_HEADER_BYTES = 10_000;

/** Types by what numpy calls them, without their byte order. */
const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["f2", "F16"],
  ["f4", "F32"],
  ["f8", "F64"],
  ["c8", "C64"],
  ["b1", "BOOL"],
  ["i1", "I8"],
  ["i2", "I16"],
  ["i4", "I32"],
  ["i8", "I64"],
  ["u1", "U8"],
  ["u2", "U16"],
  ["u4", "U32"],
  ["u8", "U64"],
]);

/**
 * Reads the header of an array in the form of numpy.save, and where its elements lie.
 *
 * @param range the array and nothing else
 * @throws NPY_MALFORMED, NPY_UNSUPPORTED
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export async function readNpy(source: ByteSource, { start, end }: ByteRange, name: string): Promise<StoredArray> {
  const where = { file: source.location, tensor: name };
  const malformed = (message: string) => new WeightmarkError("NPY_MALFORMED", message, where);
  const prefix = Buffer.from(await source.read(start, Math.min(start + PREFIX_BYTES, end)));
  if (prefix.length < PREFIX_BYTES || prefix.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw malformed("no array of numpy.save");
  const version = prefix[MAGIC.length]!;
  if (version < 1 || version > 3 || prefix[MAGIC.length + 1] !== 0)
    throw malformed(`version ${version} of the form is not known`);
  const length = version === 1 ? prefix.readUInt16LE(8) : prefix.readUInt32LE(8);
  const headerStart = start + (version === 1 ? 10 : 12);
  const begin = headerStart + length;
  if (length > MAX_HEADER_BYTES || begin > end) throw malformed(`the header claims ${length} bytes`);
  const header = parseHeader(Buffer.from(await source.read(headerStart, begin)).toString("latin1"));
  if (header === null) throw malformed("the header is not what numpy.save writes");
  const { descr, fortranOrder, shape } = header;
  const dtype = DTYPES.get(descr.slice(1));
  if (dtype === undefined || !"<>|=".includes(descr[0]!)) {
    const what = descr === "[" ? "records" : JSON.stringify(descr);
    throw new WeightmarkError("NPY_UNSUPPORTED", `elements of the type ${what} are not read`, where);
  }
  const width = DTYPE_BITS[dtype] / 8;
  const bytes = shape.reduce((product, size) => product * size, width);
  if (bytes !== end - begin) throw malformed(`its elements need ${bytes} bytes, ${end - begin} follow the header`);
  const plain = plainStrides(fortranOrder ? [...shape].reverse() : shape);
  const strides = fortranOrder ? plain.reverse() : plain;
  return { name, dtype, shape, strides, begin, bigEndian: descr[0] === ">" && width > 1 };
}
