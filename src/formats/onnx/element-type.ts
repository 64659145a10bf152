import type { Dtype } from "../tensor-info.ts";

/** Lists of numbers that a tensor may be written in, by the number of their field. */
export type NumberField = 4 | 5 | 7 | 10 | 11;

/** An element type of ONNX (onnx.proto, TensorProto.DataType). */
export interface ElementType {
  readonly name: string;
  readonly bits: number;
  /** The same type elsewhere, or null for one that has less than a byte. */
  readonly dtype: Dtype | null;
  /** Which list its values are in where they are not bytes. */
  readonly field: NumberField;
  /** Of whole numbers: whether they may be negative. */
  readonly signed?: boolean;
}

/** By their codes; text and doubly long complex numbers hold no weights. */
export const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [1, { name: "FLOAT", bits: 32, dtype: "F32", field: 4 }],
  [2, { name: "UINT8", bits: 8, dtype: "U8", field: 5, signed: false }],
  [3, { name: "INT8", bits: 8, dtype: "I8", field: 5, signed: true }],
  [4, { name: "UINT16", bits: 16, dtype: "U16", field: 5, signed: false }],
  [5, { name: "INT16", bits: 16, dtype: "I16", field: 5, signed: true }],
  [6, { name: "INT32", bits: 32, dtype: "I32", field: 5, signed: true }],
  [7, { name: "INT64", bits: 64, dtype: "I64", field: 7 }],
  [9, { name: "BOOL", bits: 8, dtype: "BOOL", field: 5 }],
  [10, { name: "FLOAT16", bits: 16, dtype: "F16", field: 5 }],
  [11, { name: "DOUBLE", bits: 64, dtype: "F64", field: 10 }],
  [12, { name: "UINT32", bits: 32, dtype: "U32", field: 11, signed: false }],
  [13, { name: "UINT64", bits: 64, dtype: "U64", field: 11 }],
  [14, { name: "COMPLEX64", bits: 64, dtype: "C64", field: 4 }],
  [16, { name: "BFLOAT16", bits: 16, dtype: "BF16", field: 5 }],
  [17, { name: "FLOAT8E4M3FN", bits: 8, dtype: "F8_E4M3", field: 5 }],
  [18, { name: "FLOAT8E4M3FNUZ", bits: 8, dtype: "F8_E4M3FNUZ", field: 5 }],
  [19, { name: "FLOAT8E5M2", bits: 8, dtype: "F8_E5M2", field: 5 }],
  [20, { name: "FLOAT8E5M2FNUZ", bits: 8, dtype: "F8_E5M2FNUZ", field: 5 }],
  [21, { name: "UINT4", bits: 4, dtype: null, field: 5, signed: false }],
  [22, { name: "INT4", bits: 4, dtype: null, field: 5, signed: true }],
  [23, { name: "FLOAT4E2M1", bits: 4, dtype: null, field: 5 }],
  [24, { name: "FLOAT8E8M0", bits: 8, dtype: "F8_E8M0", field: 5 }],
  [25, { name: "UINT2", bits: 2, dtype: null, field: 5, signed: false }],
  [26, { name: "INT2", bits: 2, dtype: null, field: 5, signed: true }],
]);
