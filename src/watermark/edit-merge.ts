import type { CanonicalTensor } from "../anatomy/anatomy.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { addressOf } from "../rows/addressed-matrix.ts";
import { orientationEdits } from "./carriers/orientation/edits.ts";
import type { SignFlips } from "./carriers/orientation/flips.ts";
import { addressedViews } from "./host/host-checkpoint.ts";
import type { SpreadEdit, TensorEdit, ViewEdit } from "./host/tensor-edit.ts";
import { viewEdit } from "./host/view-edit.ts";

/** What the carriers of a release do, each in its own terms. */
export interface CarrierEdits {
  readonly flips: SignFlips;
  /** By address. */
  readonly spread: ReadonlyMap<string, SpreadEdit>;
  /** Of token matrices, by tensor; no other carrier touches these. */
  readonly tokens: ReadonlyMap<string, TensorEdit>;
}

/** One edit per stored tensor: the signs of a view and its spread mark belong together. */
export function mergeEdits(checkpoint: Checkpoint, { flips, spread, tokens }: CarrierEdits): Map<string, TensorEdit> {
  const edits = orientationEdits(checkpoint, flips);
  for (const view of addressedViews(checkpoint)) {
    const mark = spread.get(addressOf(view));
    if (mark === undefined) continue;
    const known = edits.get(view.tensor) ?? { tensor: view.tensor, views: [], vectorSigns: null };
    edits.set(view.tensor, { ...known, views: withSpread(known.views, view, mark) });
  }
  for (const [tensor, edit] of tokens) edits.set(tensor, edit);
  return edits;
}

function withSpread(views: readonly ViewEdit[], view: CanonicalTensor, spread: SpreadEdit): ViewEdit[] {
  const address = addressOf(view);
  const signed = views.find((one) => one.address === address) ?? viewEdit(view);
  return [...views.filter((one) => one !== signed), { ...signed, spread }];
}
