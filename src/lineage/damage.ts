import { isUnfinishedNote } from "../checkpoint/unfinished.ts";
import type { Fingerprint, MatrixSketch } from "../fingerprint/fingerprint.ts";

/** Share of a matrix's sampled rows that must be zero before it is said to be so in part: tables have rows that nobody uses. */
const IN_PART = 0.1;

/** Whether all that was read of a matrix is zero. */
export function isZero({ moments }: MatrixSketch): boolean {
  return moments.zeroFraction === 1;
}

/** Whether nothing that was read of a matrix is a number: a figure of no values is written as 0. */
function isNotFinite({ valid, moments }: MatrixSketch): boolean {
  return !valid.some(Boolean) && moments.rms === 0 && moments.zeroFraction === 0;
}

/** Whether rows of a matrix are zero as wholes. */
function isZeroInPart({ valid, tokens, moments }: MatrixSketch): boolean {
  const dead = valid.filter((usable) => !usable).length / valid.length;
  return !tokens && dead >= IN_PART && dead < 1 && moments.zeroFraction >= IN_PART;
}

/**
 * What of a model may have been lost on its way: a download that was broken off leaves zeros where room was made for it
 * beforehand, and what is left of the model says nothing of the rest. Caveats; none where nothing is amiss.
 */
export function damageOf(name: string, { sketches, notes }: Pick<Fingerprint, "sketches" | "notes">): string[] {
  const matrices = sketches.filter(({ twin }) => !twin);
  const count = (test: (sketch: MatrixSketch) => boolean) => matrices.filter(test).length;
  const [zero, broken, partly] = [count(isZero), count(isNotFinite), count(isZeroInPart)];
  const kinds = [
    ...(zero > 0 ? [`${zero} ${zero === 1 ? "is" : "are"} all zero`] : []),
    ...(partly > 0 ? [`${partly} ${partly === 1 ? "is" : "are"} zero in part`] : []),
    ...(broken > 0 ? [`${broken} ${broken === 1 ? "holds" : "hold"} no number`] : []),
  ];
  const caveats = notes.filter(isUnfinishedNote).map((note) => `${name}: ${note}`);
  if (kinds.length > 0) {
    const of = `of the ${matrices.length} matrices of ${name} that were sampled ${kinds.join(" and ")}`;
    const why = zero + partly > 0 ? "a download that is not complete" : "damaged, or saved after training had failed";
    caveats.unshift(`${of}: perhaps ${why}`);
  }
  return caveats;
}
