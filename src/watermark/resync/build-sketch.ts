import { describeComponent } from "../../alignment/describe-component.ts";
import type { Flips } from "../../alignment/feature-reader.ts";
import { partsOf } from "../../alignment/parts.ts";
import type { ReferenceComponent } from "../../alignment/reference.ts";
import { tokenHashes } from "../../alignment/token-hashes.ts";
import type { CanonicalTensor } from "../../anatomy/anatomy.ts";
import { describeAnatomy } from "../../anatomy/describe.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { addressOf } from "../../rows/addressed-matrix.ts";
import { RowReader } from "../../rows/row-reader.ts";
import { headShape } from "../host/head-shape.ts";
import { addressedViews } from "../host/host-checkpoint.ts";
import { signSymmetries } from "../host/sign-symmetries.ts";
import type { ModelKey } from "../key/model-key.ts";
import type { Sketch } from "./sketch.ts";

export interface SketchOptions {
  readonly key: Pick<ModelKey, "id" | "release">;
  /** Signs that orientation will flip, by address: the sketch is of the flipped weights. */
  readonly flips?: ReadonlyMap<string, Flips> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sketch of a model as it lies, before the marks that move weights. Reads every matrix but o and down once. */
export async function buildSketch(checkpoint: Checkpoint, { key, flips, signal }: SketchOptions): Promise<Sketch> {
  const { config, configProblem, tensors } = checkpoint;
  const anatomy = describeAnatomy(tensors, config);
  const heads = headShape(config, anatomy, tensors);
  const reader = new RowReader(checkpoint);
  const hashes = await tokenHashes(checkpoint);
  const flipsOf = (matrix: CanonicalTensor) => flips?.get(addressOf(matrix));
  const components: ReferenceComponent[] = [];
  for (const parts of partsOf(addressedViews(checkpoint, anatomy))) {
    if (parts.layers.length === 0) continue;
    const headSize = parts.component === "language" ? (heads?.headSize ?? 0) : 0;
    components.push(await describeComponent(reader, parts, hashes, { headSize, flipsOf, signal }));
  }
  const symmetries = signSymmetries(config, anatomy, tensors, heads, configProblem ?? null);
  return { keyId: key.id, release: key.release, heads, symmetries, components };
}
