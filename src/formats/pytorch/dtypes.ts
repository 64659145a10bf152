import type { Dtype } from "../tensor-info.ts";

/** What a storage class holds; null for types that no reader of weights has. */
export const STORAGES: ReadonlyMap<string, Dtype | null> = new Map<string, Dtype | null>([
  ["FloatStorage", "F32"],
  ["DoubleStorage", "F64"],
  ["HalfStorage", "F16"],
  ["BFloat16Storage", "BF16"],
  ["LongStorage", "I64"],
  ["IntStorage", "I32"],
  ["ShortStorage", "I16"],
  ["CharStorage", "I8"],
  ["ByteStorage", "U8"],
  ["BoolStorage", "BOOL"],
  ["ComplexFloatStorage", "C64"],
  ["ComplexDoubleStorage", null],
  ["QInt8Storage", null],
  ["QUInt8Storage", null],
  ["QInt32Storage", null],
  ["QUInt4x2Storage", null],
  ["QUInt2x4Storage", null],
]);

/** Bytes of an element of the types above that nobody else has. */
export const OTHER_WIDTHS: ReadonlyMap<string, number> = new Map([
  ["ComplexDoubleStorage", 16],
  ["QInt8Storage", 1],
  ["QUInt8Storage", 1],
  ["QInt32Storage", 4],
  ["QUInt4x2Storage", 1],
  ["QUInt2x4Storage", 1],
]);

/** Names of `torch.dtype`s, which stand where a storage has none. */
export const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["float32", "F32"],
  ["float64", "F64"],
  ["float16", "F16"],
  ["bfloat16", "BF16"],
  ["int64", "I64"],
  ["int32", "I32"],
  ["int16", "I16"],
  ["int8", "I8"],
  ["uint8", "U8"],
  ["uint16", "U16"],
  ["uint32", "U32"],
  ["uint64", "U64"],
  ["bool", "BOOL"],
  ["complex64", "C64"],
  ["float8_e4m3fn", "F8_E4M3"],
  ["float8_e5m2", "F8_E5M2"],
  ["float8_e4m3fnuz", "F8_E4M3FNUZ"],
  ["float8_e5m2fnuz", "F8_E5M2FNUZ"],
  ["float8_e8m0fnu", "F8_E8M0"],
]);
