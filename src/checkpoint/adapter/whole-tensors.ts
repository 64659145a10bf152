import { WeightmarkError } from "../../errors.ts";
import type { Checkpoint, CheckpointTensor } from "../checkpoint.ts";
import type { BaseNames } from "./base-names.ts";
import type { AdapterContents } from "./factor-names.ts";
import { shapeText } from "./module-parts.ts";

/**
 * Tensors of an adapter that take the place of the base's, or come on top of them: trained modules, heads, tables of a vocabulary
 * that was extended, biases. By the names that they have in the merged model.
 *
 * @param saved last parts of the paths of modules that the adapter's settings say are stored whole
 * @param firstFile index of the adapter's first file in the merged model
 * @throws ADAPTER_MISFIT
 */
export function wholeTensors(
  { whole }: AdapterContents,
  names: BaseNames,
  { base, adapter }: { readonly base: Checkpoint; readonly adapter: Checkpoint },
  { saved, firstFile }: { readonly saved: ReadonlySet<string>; readonly firstFile: number },
): CheckpointTensor[] {
  return [...whole].map(([target, stored]) => {
    const tensor = adapter.tensors.get(stored)!;
    const renamed = names.rename(target);
    const name = base.tensors.has(renamed) ? renamed : target;
    const known = base.tensors.get(name);
    const isSaved =
      target.split(".").some((part) => saved.has(part)) || [...saved].some((end) => target.includes(`${end}.`));
    const refuse = (message: string) =>
      new WeightmarkError("ADAPTER_MISFIT", message, { file: adapter.location, tensor: stored });
    if (known === undefined && !isSaved && !/(?:^|\.)lm_head\.weight$/.test(target)) {
      throw refuse("is no factor, and no tensor of the base is called so");
    }
    if (known !== undefined && !isSaved && !extends_(tensor.shape, known.shape)) {
      throw refuse(
        `is ${shapeText(tensor.shape)}, and ${JSON.stringify(name)} of the base is ${shapeText(known.shape)}`,
      );
    }
    const { dtype, shape, begin, end, file } = tensor;
    return { name, dtype, shape, begin, end, file: firstFile + file };
  });
}

/** The same shape, or that of a table with other rows. */
function extends_(shape: readonly number[], known: readonly number[]): boolean {
  const isTable = shape.length === 2;
  return shape.length === known.length && shape.every((side, i) => side === known[i] || (i === 0 && isTable));
}
