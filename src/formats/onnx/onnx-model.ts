import type { ElementType } from "./element-type.ts";

/** Bytes of the file of the model itself. */
export interface InFile {
  readonly start: number;
  readonly end: number;
}

/** Bytes of a file beside the model, as the model names it: hostile, and not checked yet. */
export interface InOther {
  readonly location: string;
  readonly offset: number;
}

/** Where the little-endian elements of a tensor lie, the last axis fastest, those of less than a byte from the lowest bits on. */
export type Place = InFile | InOther | { readonly bytes: Uint8Array };

/** An initialiser, or what a node of type Constant gives out. */
export interface OnnxTensor {
  /** Opaque and hostile: never a path, escaped on output. */
  readonly name: string;
  /** Null for text and other types that hold no weights; such a tensor has no place that means anything. */
  readonly type: ElementType | null;
  readonly shape: readonly number[];
  readonly elements: number;
  /** Bytes that the elements take. */
  readonly size: number;
  readonly place: Place;
}

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  /** "" for the operators of ONNX itself. */
  readonly domain: string;
  /** Names of values; "" for an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly numbers: ReadonlyMap<string, readonly number[]>;
  /** The scopes that torch's exporter says a node is from, "['', 'model', 'model.layers.0', ...]", or null. */
  readonly scopes: string | null;
}

/** What of an ONNX model tells of weights. */
export interface OnnxModel {
  readonly initialisers: ReadonlyMap<string, OnnxTensor>;
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Of all graphs, in their order. */
  readonly nodes: readonly OnnxNode[];
  /** Initialisers of the graphs of loops and branches, and sparse ones, which are not read. */
  readonly inner: number;
  readonly sparse: number;
}
