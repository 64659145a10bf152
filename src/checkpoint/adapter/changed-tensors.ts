import type { RowChange, StoredMatrix } from "../../decoding/adapted/row-change.ts";
import { MAX_UNIT } from "../../decoding/decoder.ts";
import { WeightmarkError } from "../../errors.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint.ts";
import { planChange } from "./change-plan.ts";
import type { AdaptedModule } from "./factor-names.ts";
import { type AdapterTensors, kindOf, type PlannedChange, shapeText, type Target } from "./module-parts.ts";
import { scaleOf } from "./module-scales.ts";
import type { AdapterSettings } from "./settings.ts";

/** A tensor of a base that an adapter changes. */
export interface ChangedTensor {
  readonly tensor: CheckpointTensor;
  readonly matrix: StoredMatrix;
  readonly change: RowChange;
  /** DoRA over columns, see `PlannedChange`. */
  readonly columns: PlannedChange["columns"];
  readonly what: string;
}

/** Types of weights that are stored as they are; what is packed stands as F32 in a virtual file. */
const PLAIN: ReadonlySet<string> = new Set(["F64", "F32", "F16", "BF16"]);

/**
 * What an adapter changes of its base, module by module.
 *
 * @param paths of the modules in the base
 * @param tensors of the base, with those that the adapter holds whole in their places
 * @param settingsOf by the model of a pipeline
 * @param alphas what is stored beside the factors
 * @throws ADAPTER_MALFORMED, ADAPTER_MISFIT, ADAPTER_UNSUPPORTED, ADAPTER_CONFIG_INVALID
 */
export function changedTensors(
  paths: ReadonlyMap<AdaptedModule, string>,
  tensors: Checkpoint["tensors"],
  adapter: AdapterTensors,
  settingsOf: (component: string) => AdapterSettings | null,
  alphas: ReadonlyMap<AdaptedModule, number>,
): ChangedTensor[] {
  const changed = new Map<string, ChangedTensor>();
  for (const [module, path] of paths) {
    const [stored] = module.parts.values();
    const refuse = (code: "ADAPTER_MALFORMED" | "ADAPTER_MISFIT" | "ADAPTER_UNSUPPORTED", message: string) =>
      new WeightmarkError(code, message, { file: adapter.file, tensor: stored });
    const settings = settingsOf(module.component);
    const kind = kindOf(module);
    if (settings !== null && settings.kind !== kind) {
      throw refuse("ADAPTER_MALFORMED", `is a tensor of ${kind}, and adapter_config.json says ${settings.kind}`);
    }
    const weight = tensors.get(`${path}.weight`)!;
    const bias = tensors.get(`${path}.bias`);
    const target = targetOf(weight, bias);
    if (target === null) {
      const { dtype, shape } = weight;
      const message = `${JSON.stringify(weight.name)} of the base is ${dtype} of ${shapeText(shape)}, to which nothing can be added`;
      throw refuse("ADAPTER_UNSUPPORTED", message);
    }
    const scaled = scaleOf(module, settings, {
      alpha: alphas.get(module),
      rank: shownRank(module, adapter),
      file: adapter.file,
    });
    const { isDora = false, isTransposed = false } = settings ?? {};
    const planned = planChange(module, target, { kind, ...scaled, isDora, isTransposed }, adapter);
    const { file, begin, dtype } = weight;
    const matrix = { file, begin, dtype, rows: target.rows, cols: target.cols };
    const all: ChangedTensor[] = [
      { tensor: weight, matrix, change: planned.weight, columns: planned.columns, what: planned.what },
    ];
    if (planned.bias !== null) all.push(changedBias(bias!, planned));
    for (const one of all) {
      if (changed.has(one.tensor.name)) {
        throw refuse(
          "ADAPTER_MALFORMED",
          `changes ${JSON.stringify(one.tensor.name)}, which another module changes as well`,
        );
      }
      changed.set(one.tensor.name, one);
    }
  }
  return [...changed.values()];
}

function changedBias(tensor: CheckpointTensor, { bias, what }: PlannedChange): ChangedTensor {
  const { file, begin, dtype, shape } = tensor;
  return { tensor, matrix: { file, begin, dtype, rows: shape[0]!, cols: 1 }, change: bias!, columns: null, what };
}

/** A weight as a matrix; null for what is none, or is stored in a form that nothing can be added to. */
function targetOf(weight: CheckpointTensor, bias: CheckpointTensor | undefined): Target | null {
  const { name, shape, dtype, inOut = false } = weight;
  const [rows, ...rest] = shape;
  const cols = rest.reduce((product, side) => product * side, 1);
  if (rows === undefined || rest.length === 0 || rows < 1 || cols < 1 || cols > MAX_UNIT || !PLAIN.has(dtype))
    return null;
  const outputs = bias?.shape.length === 1 && PLAIN.has(bias.dtype) ? bias.shape[0]! : null;
  return { name, shape, rows, cols, inOut, outputs };
}

/** The rank of a module's factors, null where they are no products. */
function shownRank({ parts }: AdaptedModule, { tensors }: AdapterTensors): number | null {
  for (const part of ["lora_A", "lora_embedding_A", "hada_w1_b", "lokr_w1_b", "lokr_w2_b"]) {
    const name = parts.get(part);
    if (name !== undefined) return tensors.get(name)!.shape[0] ?? null;
  }
  return null;
}
