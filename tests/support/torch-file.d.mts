export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | Made;
/** What one of the functions below makes. */
export interface Made {
  readonly [key: string]: unknown;
}

export function raw(...parts: readonly (number | string)[]): Made;
export function tuple(...items: readonly Value[]): Made;
export function global(module: string, name: string): Made;
export function call(made: Value, args: Value, state?: Value): Made;
export function outside(id: Value): Made;
export function encoded(value: Value): Buffer;
export function pickled(value: Value, protocol?: number): Buffer;
export function storage(key: string, elements: number, type?: string, view?: Value): Made;
export function stridesOf(shape: readonly number[]): number[];
export function tensor(
  of: Value,
  shape: readonly Value[],
  options?: { offset?: Value; strides?: readonly Value[]; tail?: readonly Value[] },
): Made;
export function floats(values: readonly number[], bigEndian?: boolean): Buffer;

export interface Member {
  readonly name: string | Uint8Array;
  readonly data?: Uint8Array;
  readonly method?: number;
  readonly localMethod?: number;
  readonly flags?: number;
  /** Bytes of the record of sizes behind the data; the header has none then. */
  readonly descriptor?: number;
  readonly extra?: Uint8Array;
  readonly listedExtra?: Uint8Array;
  readonly localName?: string;
  readonly localSize?: number;
  /** @default localSize */
  readonly localPacked?: number;
  readonly crc?: number;
  readonly localCrc?: number;
  readonly packed?: number;
  readonly size?: number;
  readonly disk?: number;
  readonly large?: boolean;
  /** Where the list says that it lies. */
  readonly at?: number;
  /** Bytes behind it that are no one's. */
  readonly gap?: Uint8Array;
}
export interface ZipOptions {
  readonly before?: Uint8Array;
  readonly after?: Uint8Array;
  readonly large?: boolean;
  readonly count?: number;
}
export function zipOf(members: readonly Member[], options?: ZipOptions): Buffer;
export function torchZip(
  value: Value,
  storages?: Readonly<Record<string, Uint8Array>>,
  options?: ZipOptions & {
    readonly order?: string | null;
    readonly root?: string;
    readonly members?: readonly Member[];
    readonly pickle?: Uint8Array;
  },
): Buffer;
export const MAGIC: bigint;
export function torchLegacy(
  value: Value,
  storages?: Readonly<Record<string, Uint8Array>>,
  options?: {
    readonly magic?: Value;
    readonly version?: Value;
    readonly width?: number;
    readonly keys?: Value;
    readonly protocol?: number;
    readonly tail?: string;
  },
): Buffer;
export function npy(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  options?: { readonly fortran?: boolean; readonly version?: number; readonly header?: string },
): Buffer;
