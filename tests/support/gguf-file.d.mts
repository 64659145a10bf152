/** See gguf-file.mjs. */
export const VALUE_TYPES: Readonly<Record<string, number>>;
/** Types of tensors by name: number, elements and bytes of a block. */
export const TENSOR_TYPES: Readonly<Record<string, readonly [id: number, elements: number, bytes: number]>>;

export interface GgufTensorParts {
  readonly name: string | Uint8Array;
  readonly type: string | number;
  readonly shape: readonly (number | bigint)[];
  readonly data?: Uint8Array;
  readonly offset?: number | bigint;
}

export type MetadataParts = readonly [key: string | Uint8Array, type: string | number, value: unknown];

export interface GgufParts {
  readonly version?: number;
  readonly littleEndian?: boolean;
  readonly alignment?: number;
  readonly metadata?: readonly MetadataParts[];
  readonly tensors?: readonly GgufTensorParts[];
  readonly entries?: number | bigint;
  readonly count?: number | bigint;
  readonly end?: Uint8Array;
}

export function ggufFile(parts: GgufParts): Uint8Array;
export function quantised(values: Float32Array, type: string): Uint8Array;
export function interleaved(values: Float32Array, rows: number, heads: number): Float32Array;
export interface LlamaAbout {
  readonly heads: number;
  readonly kvHeads: number;
  readonly typeOf: (name: string) => string;
  readonly tokens?: readonly string[];
  readonly extra?: readonly MetadataParts[];
}
type Values = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;
export function llamaGguf(model: Values, about: LlamaAbout): Uint8Array;
export function llamaParts(
  model: Values,
  about: LlamaAbout,
): { readonly metadata: readonly MetadataParts[]; readonly tensors: readonly GgufTensorParts[] };
