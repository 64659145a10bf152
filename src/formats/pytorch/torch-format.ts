import { WeightmarkError } from "../../errors.ts";
import type { PickleFormat } from "../pickle/machine.ts";
import { PickleDict, PickleGlobal, PickleList, PickleTuple, type PickleValue } from "../pickle/values.ts";
import { MAX_RANK } from "../safetensors/limits.ts";
import { DTYPE_BITS } from "../tensor-info.ts";
import { DTYPES, OTHER_WIDTHS, STORAGES } from "./dtypes.ts";
import { Storage, StoredTensor, UnreadTensor } from "./values.ts";

/** Functions that make tensors of forms that are not read. */
const OTHER_FORMS: ReadonlyMap<string, string> = new Map([
  ["torch._utils._rebuild_sparse_tensor", "sparse"],
  ["torch._utils._rebuild_sparse_csr_tensor", "sparse"],
  ["torch._utils._rebuild_nested_tensor", "nested"],
  ["torch._utils._rebuild_meta_tensor_no_storage", "without bytes"],
]);
const STORAGE_MODULES: ReadonlySet<string> = new Set(["torch", "torch.storage", "torch.cuda"]);

/**
 * What the few calls mean that torch.save writes: they make tensors and plain dicts. All others mean nothing here.
 *
 * @param file what messages call it
 */
export function torchFormat(file: string): PickleFormat {
  const malformed = (message: string) => new WeightmarkError("PT_MALFORMED", message, { file });

  function count(value: PickleValue | undefined, what: string): number {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw malformed(`${what} is no count`);
  }

  function counts(value: PickleValue | undefined, what: string): number[] {
    if (!(value instanceof PickleTuple || value instanceof PickleList)) throw malformed(`${what} is no list of counts`);
    if (value.items.length > MAX_RANK) throw malformed(`${what} has ${value.items.length} axes, more than ${MAX_RANK}`);
    return value.items.map((item) => count(item, what));
  }

  /** torch._utils._rebuild_tensor and its later versions: where a tensor lies, and in v3 of which type it is. */
  function tensor(args: readonly PickleValue[], dtypeAt: number | null): StoredTensor | UnreadTensor {
    const [storage, offset, size, stride] = args;
    if (!(storage instanceof Storage)) throw malformed("a tensor lies in no storage");
    const [shape, strides] = [counts(size, "the shape of a tensor"), counts(stride, "the strides of a tensor")];
    if (shape.length !== strides.length) throw malformed("the strides of a tensor are not as many as its axes");
    const named = dtypeAt === null ? null : args[dtypeAt];
    const dtype = named instanceof PickleGlobal ? (DTYPES.get(named.name) ?? null) : storage.dtype;
    const flags = args[dtypeAt === null ? 6 : 7];
    if (flags instanceof PickleDict && flags.entries.some(([, value]) => value !== false)) {
      return new UnreadTensor("conjugate or negative");
    }
    if (dtype === null) return new UnreadTensor("of a type that is not read");
    return new StoredTensor({ storage, dtype, shape, strides, offset: count(offset, "the offset of a tensor") });
  }

  function call(global: PickleGlobal, args: readonly PickleValue[]): PickleValue | undefined {
    const form = OTHER_FORMS.get(global.path);
    if (form !== undefined) return new UnreadTensor(form);
    switch (global.path) {
      case "torch._utils._rebuild_tensor":
      case "torch._utils._rebuild_tensor_v2":
        return tensor(args, null);
      case "torch._utils._rebuild_tensor_v3":
        return tensor(args, 6);
      case "torch._utils._rebuild_parameter":
      case "torch._utils._rebuild_parameter_with_state":
      case "torch._utils._rebuild_device_tensor_from_cpu_tensor":
        return args[0];
      case "torch._tensor._rebuild_from_type":
      case "torch._tensor._rebuild_from_type_v2": {
        const [made, , inner] = args;
        // What makes it is one of the calls above, never this one again: a chain of them could be as deep as it likes.
        if (!(made instanceof PickleGlobal) || !(inner instanceof PickleTuple)) return undefined;
        return made.path.startsWith("torch._utils._rebuild") ? call(made, inner.items) : undefined;
      }
      case "collections.OrderedDict":
      case "collections.defaultdict":
        return dictOf(args);
      case "torch.Size":
        return args[0];
    }
    return undefined;
  }

  /** ("storage", class, key, device, elements), and in old files which part of the storage is meant. */
  function outside(id: PickleValue): PickleValue | undefined {
    if (!(id instanceof PickleTuple)) return undefined;
    const [kind, type, key, , elements, view] = id.items;
    // Old files name the source of a class beside the class.
    if (kind === "module") return type;
    if (kind !== "storage" || !(type instanceof PickleGlobal)) return undefined;
    if (typeof key !== "string") throw malformed("a storage has no key");
    const whole = count(elements, "the length of a storage");
    const { dtype, width } = elementOf(type);
    if (!(view instanceof PickleTuple))
      return new Storage({ key, dtype, width, elements: whole, first: 0, wholeElements: whole });
    const [first, length] = [
      count(view.items[1], "the offset of a storage"),
      count(view.items[2], "the length of a storage"),
    ];
    if (first + length > whole) throw malformed("a storage reaches beyond the one that it is part of");
    return new Storage({ key, dtype, width, elements: length, first, wholeElements: whole });
  }

  function elementOf({ module, name, path }: PickleGlobal): Pick<Storage, "dtype" | "width"> {
    if (STORAGE_MODULES.has(module)) {
      if (name === "UntypedStorage") return { dtype: null, width: 1 };
      const dtype = STORAGES.get(name);
      if (dtype !== undefined)
        return { dtype, width: dtype === null ? OTHER_WIDTHS.get(name)! : DTYPE_BITS[dtype] / 8 };
    }
    throw malformed(`${JSON.stringify(path)} is no type of a storage`);
  }

  return { call, outside };
}

/** A dict, empty or of the pairs that it is called with; a class that makes up missing values means nothing here. */
function dictOf(args: readonly PickleValue[]): PickleDict {
  const dict = new PickleDict();
  const pairs = args.find((value) => value instanceof PickleList);
  for (const pair of pairs?.items ?? []) {
    if (!(pair instanceof PickleList || pair instanceof PickleTuple)) continue;
    const [key, value] = pair.items;
    if (key !== undefined && value !== undefined) dict.entries.push([key, value]);
  }
  return dict;
}
