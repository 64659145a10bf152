import type { Factor, FactorMemory } from "../../decoding/adapted/factor.ts";
import type { RowChange } from "../../decoding/adapted/row-change.ts";
import { WeightmarkError } from "../../errors.ts";
import { holdsValues } from "../../formats/dtype-kind.ts";
import type { CheckpointTensor } from "../checkpoint.ts";
import type { AdaptedModule } from "./factor-names.ts";
import type { ChangeKind } from "./settings.ts";

/** What an adapter makes of one module. */
export interface PlannedChange {
  readonly weight: RowChange;
  /** Of the bias, where the module has one. */
  readonly bias: RowChange | null;
  /** DoRA over columns: the lengths that they are to have, which takes their lengths before. */
  readonly columns: Factor | null;
  /** For people: "LoRA of rank 8". */
  readonly what: string;
}

/** How a module's tensors are to be read. */
export interface ChangeSettings {
  readonly kind: ChangeKind;
  /** Null where only the factors tell. */
  readonly rank: number | null;
  readonly scale: number;
  readonly isDora: boolean;
  /** Whether a square matrix is stored as [in, out]. */
  readonly isTransposed: boolean;
}

/** A tensor of the base as a matrix: convolutions with all axes but the first as one. */
export interface Target {
  readonly name: string;
  readonly shape: readonly number[];
  readonly rows: number;
  readonly cols: number;
  /** Given where the container tells that it is stored as [in, out]. */
  readonly inOut: boolean;
  /** Elements of its bias, null where it has none that can be changed. */
  readonly outputs: number | null;
}

/** A tensor of the adapter, by the name of its file. */
export interface AdapterTensors {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Index in the files of the merged model of the adapter's first. */
  readonly firstFile: number;
  readonly file: string;
  readonly memory: FactorMemory;
}

/** Values of a factor that is kept in memory while rows are made: 128 MB. */
const MAX_WHOLE = 1 << 25;
/** Columns of a factor that are read one by one. */
const MAX_RANK = 1 << 13;

/** The tensors of one module by what they are: "lora_A". */
export type Parts = ReadonlyMap<string, CheckpointTensor>;

const OWN: Readonly<Record<ChangeKind, RegExp>> = {
  lora: /^(?:lora_(?:embedding_)?[AB](?:\.bias)?|lora_magnitude_vector|alpha)$/,
  loha: /^(?:hada_w[12]_[ab]|alpha)$/,
  lokr: /^(?:lokr_w[12](?:_[ab])?|alpha)$/,
  ia3: /^ia3_l$/,
};

export function partsOf(module: AdaptedModule, { tensors, file }: AdapterTensors): Parts {
  const kind = kindOf(module);
  const parts = new Map<string, CheckpointTensor>();
  for (const [part, name] of module.parts) {
    if (!OWN[kind].test(part)) {
      const message = `${part} beside ${kind === "ia3" ? "(IA)^3" : kind} is not merged while reading`;
      throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: name });
    }
    const tensor = tensors.get(name)!;
    if (!holdsValues(tensor.dtype)) {
      const message = `factors of type ${tensor.dtype} are not merged while reading`;
      throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: name });
    }
    parts.set(part, tensor);
  }
  return parts;
}

/** What a module's tensors are of. */
export function kindOf({ parts }: AdaptedModule): ChangeKind {
  for (const part of parts.keys()) {
    if (part.startsWith("hada_")) return "loha";
    if (part.startsWith("lokr_")) return "lokr";
    if (part === "ia3_l") return "ia3";
  }
  return "lora";
}

export function needed(parts: Parts, part: string, target: Target, { file }: AdapterTensors): CheckpointTensor {
  const tensor = parts.get(part);
  if (tensor !== undefined) return tensor;
  const [beside] = [...parts.values()];
  const message = `${part} of the module ${JSON.stringify(target.name)} is missing`;
  throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: beside?.name });
}

/** A tensor as a matrix, the axes behind the second as parts of the second. */
export function factorOf(tensor: CheckpointTensor, { firstFile, file }: AdapterTensors, transposed = false): Factor {
  const { shape, dtype, begin, name } = tensor;
  const [first, ...rest] = shape;
  const others = rest.reduce((product, side) => product * side, 1);
  if (first === undefined || first < 1 || others < 1) {
    const message = `a factor cannot have the shape ${shapeText(shape)}`;
    throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: name });
  }
  const [rows, cols] = transposed ? [others, first] : [first, others];
  return { file: firstFile + tensor.file, begin, dtype, rows, cols, transposed };
}

export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "of no axes" : shape.join(" x ");
}

/** One that is needed whole for every row. */
export function bounded(factor: Factor, tensor: CheckpointTensor, { file }: AdapterTensors): Factor {
  if (factor.rows * factor.cols <= MAX_WHOLE) return factor;
  const message = `a factor of ${shapeText(tensor.shape)} is larger than those that are merged while reading`;
  throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: tensor.name });
}

export function misfit(
  target: Target,
  shape: readonly number[],
  tensor: CheckpointTensor,
  file: string,
): WeightmarkError {
  const base = `${JSON.stringify(target.name)} of the base is ${shapeText(target.shape)}`;
  const message = `changes a matrix of ${shapeText(shape)}, and ${base}`;
  return new WeightmarkError("ADAPTER_MISFIT", message, { file, tensor: tensor.name });
}

export function requireRank(
  rank: number,
  { rank: said }: ChangeSettings,
  tensor: CheckpointTensor,
  file: string,
): void {
  if (rank > MAX_RANK) {
    const message = `a rank of ${rank} is more than is merged while reading`;
    throw new WeightmarkError("ADAPTER_UNSUPPORTED", message, { file, tensor: tensor.name });
  }
  if (said === null || said === rank) return;
  const message = `has rank ${rank}, and adapter_config.json says ${said}`;
  throw new WeightmarkError("ADAPTER_MALFORMED", message, { file, tensor: tensor.name });
}

export function productOf(a: CheckpointTensor, b: CheckpointTensor, settings: ChangeSettings, adapter: AdapterTensors) {
  const [left, right] = [factorOf(a, adapter), factorOf(b, adapter)];
  if (left.cols !== right.rows) {
    const message = `${shapeText(a.shape)} and ${shapeText(b.shape)} have no common rank`;
    throw new WeightmarkError("ADAPTER_MALFORMED", message, { file: adapter.file, tensor: a.name });
  }
  requireRank(left.cols, settings, a, adapter.file);
  return { left, right: bounded(right, b, adapter) };
}
