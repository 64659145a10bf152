import { PickleExternal } from "../pickle/values.ts";
import type { Dtype } from "../tensor-info.ts";

/** Bytes that tensors lie in, as a pickle refers to them. */
export class Storage extends PickleExternal {
  readonly kind = "storage";
  /** Under which the file keeps them. */
  readonly key: string;
  /** Null where the elements are of a type that is not read, or where the tensor says which it is. */
  readonly dtype: Dtype | null;
  /** Bytes of an element. */
  readonly width: number;
  readonly elements: number;
  /** Elements of the bytes under `key` before the first of this storage: old files have storages that are part of others. */
  readonly first: number;
  /** Bytes that the file keeps under `key`. */
  readonly bytes: number;

  constructor(of: Omit<Storage, "kind" | "bytes"> & { readonly wholeElements: number }) {
    super();
    this.key = of.key;
    this.dtype = of.dtype;
    this.width = of.width;
    this.elements = of.elements;
    this.first = of.first;
    this.bytes = of.wholeElements * of.width;
  }
}

/** A tensor: how elements of a storage are laid out. */
export class StoredTensor extends PickleExternal {
  readonly kind = "tensor";
  readonly storage: Storage;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Elements of the storage before its first. */
  readonly offset: number;

  constructor(of: Omit<StoredTensor, "kind">) {
    super();
    this.storage = of.storage;
    this.dtype = of.dtype;
    this.shape = of.shape;
    this.strides = of.strides;
    this.offset = of.offset;
  }
}

/** A tensor that is not read, and what it is: of a form or a type that no weights are compared in. */
export class UnreadTensor extends PickleExternal {
  readonly kind = "unread";
  readonly what: string;

  constructor(what: string) {
    super();
    this.what = what;
  }
}
