import type { Checkpoint } from "./checkpoint.ts";

/** Elements of all tensors; of packed weights that are not decoded it counts what they are packed into. */
export function parameterCount({ tensors }: Pick<Checkpoint, "tensors">): number {
  let count = 0;
  for (const { shape } of tensors.values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}
