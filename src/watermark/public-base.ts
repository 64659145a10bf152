import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { fingerprintCheckpoint } from "../fingerprint/extract.ts";
import type { CandidateSource } from "../lineage/candidate-source.ts";
import { identifySubject } from "../lineage/identify.ts";

/** Verdicts under which a base, once subtracted, leaves little but the mark; and how messages call them. */
const RELATION: ReadonlyMap<string, string> = new Map([
  ["identical", "equal to"],
  ["recast", "a rounded copy of"],
  ["derived", "related to"],
]);

/**
 * Refuses what one of `bases` shows to be public in the main: such a mark is found by subtracting the base.
 *
 * @throws PUBLIC_BASE, USAGE; what `fingerprint` and `identify` throw; the signal's reason
 */
export async function requireNoPublicBase(
  checkpoint: Checkpoint,
  bases: CandidateSource,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (bases === undefined) {
    // Types forbid it; not everybody has them, and nothing said is not that nothing was public.
    throw new WeightmarkError("USAGE", "nothing says which bases are public", {
      detail: "Give `publicBases`, or null if nothing that this model was made from was ever public.",
    });
  }
  if (bases.entries === 0) return;
  const fingerprint = await fingerprintCheckpoint(checkpoint, signal === undefined ? {} : { signal });
  const suspect = { name: checkpoint.location, fingerprint, checkpoint, root: false };
  const { verdict, candidates } = await identifySubject(suspect, bases, { signal });
  const [best] = candidates;
  const relation = RELATION.get(verdict);
  if (best === undefined || relation === undefined) return;
  throw new WeightmarkError("PUBLIC_BASE", `the model is ${relation} the registered base ${best.name}`, {
    file: checkpoint.location,
    detail: "Mark the difference with `base`; or say `publicBases: null` if the base's weights were never public.",
  });
}
