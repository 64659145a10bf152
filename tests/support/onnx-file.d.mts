export function varint(value: number | bigint, bytes?: number): Buffer;
export function int(number: number, value: number | bigint): Buffer;
export function bytes(number: number, content: Uint8Array | string, length?: number): Buffer;
export function fixed(number: number, raw: Buffer): Buffer;
export function floats(...values: number[]): Buffer;
export const TYPE: Readonly<
  Record<
    | "FLOAT"
    | "UINT8"
    | "INT8"
    | "INT16"
    | "INT32"
    | "INT64"
    | "STRING"
    | "FLOAT16"
    | "DOUBLE"
    | "UINT64"
    | "COMPLEX64"
    | "UINT4"
    | "INT4"
    | "FLOAT4E2M1"
    | "UINT2",
    number
  >
>;
export function external(pairs: Readonly<Record<string, string>>): Buffer;
export function tensor(
  name: string | null,
  shape: readonly (number | bigint)[],
  values?: Buffer,
  type?: number,
): Buffer;
export function plain(name: string, shape: readonly number[], values: readonly number[]): Buffer;
export function codes(name: string, shape: readonly number[], values: readonly number[], type?: number): Buffer;
export function attribute(name: string, value: number | readonly number[] | Buffer): Buffer;
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  options?: {
    readonly name?: string;
    readonly domain?: string;
    readonly attributes?: Readonly<Record<string, number | readonly number[] | Buffer>>;
    readonly scopes?: string;
  },
): Buffer;
export function graph(nodes: readonly Buffer[], tensors: readonly Buffer[], rest?: readonly Buffer[]): Buffer;
export function model(content: Buffer, rest?: readonly Buffer[]): Buffer;
export function modelOf(...tensors: Buffer[]): Buffer;
