import { damageOf } from "./damage.ts";
import type { ComponentFinding } from "./finding.ts";
import { imageLimits } from "./image/words.ts";
import { type Difference, type Direction, EMBEDDINGS, type Verdict } from "./result.ts";
import type { SameContent } from "./same-content.ts";
import { beyondLimits } from "./stack.ts";
import { stackedLayers } from "./stacked-layers.ts";
import type { Subject } from "./subject.ts";
import { untestableReason } from "./untestable.ts";

export const NOTHING_COMPARABLE = "the models have no comparable matrices";

/** What a reader must know before a verdict is repeated to others. */
export function caveatsOf(
  verdict: Verdict,
  direction: Direction,
  suspect: Subject,
  base: Subject,
  content: SameContent,
  findings: readonly ComponentFinding[],
  { frozenTensors, comparedTensors }: Difference,
  leftOut: number,
): string[] {
  const given = [suspect, base].flatMap(({ name, givenBase }) =>
    givenBase === undefined ? [] : [givenWith(name, givenBase)],
  );
  // Of equal models one speaks for both.
  const damage = (content === null ? [suspect, base] : [suspect]).flatMap((one) => damageOf(one.name, one.fingerprint));
  const caveats = [...given, ...damage, ...(content === null ? boundsOf([suspect, base], leftOut) : [])];
  if (content?.kind === "identical" && !content.everywhere) {
    const full = [suspect, base].every(({ fingerprint }) => fingerprint.depth === "full");
    const hint = full ? "the files lay their matrices differently" : "use `depth: full` on both";
    caveats.push(`equal at every sampled position; bytes between them were not compared (${hint})`);
  }
  if (content?.kind === "identical" && content.empty !== undefined) {
    caveats.push(`${content.empty} tensors that only one of both stores are empty`);
  }
  if (content?.kind === "identical" && content.indices !== undefined) {
    caveats.push(
      `${content.indices} tensors of whole numbers or flags are stored by only one of both, and were not compared`,
    );
  }
  if (content?.kind === "recast" && content.image !== undefined) caveats.push(...imageLimits(content.image));
  else if (content?.kind === "recast") {
    const narrower = content.narrower === "suspect" ? suspect.name : base.name;
    caveats.push(`every sampled value of ${narrower} is the other's, rounded`);
  }
  if (content === null) {
    for (const { verdict: f } of findings) if (f.reason) caveats.push(`${f.component}: ${f.reason}`);
    if (frozenTensors > 0) {
      caveats.push(`${frozenTensors} of ${comparedTensors} matrices are equal bit for bit wherever they were read`);
    }
  }
  if (verdict === "derived" && direction === "not-established") caveats.push(undirected(suspect, base));
  if (verdict === "derived" && direction !== "not-established") {
    caveats.push(
      "a late checkpoint of the root's own training looks like this as well, and so does what was trained on from an earlier one",
    );
  }
  if (verdict === "derived") {
    caveats.push(
      "what siblings of one initialisation reach is calibrated on small trained models, not derived from theory",
      "a second run of one recipe (one seed, and the same data in the same order, or a simple task) looks like this as well, without any copying",
    );
  }
  if (verdict === "no-evidence") {
    caveats.push("silent against permuted or rotated weights, width pruning, distillation and retraining from scratch");
  }
  if (verdict === "not-testable") {
    for (const { name, fingerprint } of [suspect, base]) {
      const why = untestableReason(fingerprint);
      if (why !== null) caveats.push(`${name}: ${why}`);
    }
  }
  if (verdict === "not-testable" || verdict === "no-evidence") {
    for (const { name, fingerprint } of [suspect, base]) {
      const why = stackedLayers(fingerprint);
      if (why !== null && !caveats.includes(`${name}: ${why}`)) caveats.push(`${name}: ${why}`);
    }
  }
  if (findings.every((f) => f.pairing.component === EMBEDDINGS) && content === null) {
    caveats.push(
      findings.length === 0 ? NOTHING_COMPARABLE : "beside token tables nothing of the models can be compared",
    );
  }
  for (const { name, fingerprint } of [suspect, base]) {
    const { sketched, worth, digested, tensors } = fingerprint.coverage;
    if (sketched < worth) {
      caveats.push(
        `of ${name} ${sketched} of ${worth} matrices were sampled, the largest of each stack; the rest was not tested`,
      );
    }
    const { adapter } = fingerprint;
    if (adapter !== null && adapter.tensors < adapter.ofTensors) {
      caveats.push(
        `${name} holds an adapter beside its weights (${adapter.kind}, ${adapter.tensors} of ${adapter.ofTensors} tensors): the model that it makes of them is not what was tested; merge it first`,
      );
    }
    if (fingerprint.confidence < 1) caveats.push(`tensor roles of ${name} were partly recovered from shapes`);
    if (digested < tensors && sketched < worth)
      caveats.push(`of ${name} ${digested} of ${tensors} tensors were read at all`);
  }
  return caveats;
}

/** What searches did not reach, of models larger than any: said first, since it qualifies all that follows. */
function boundsOf(subjects: readonly Subject[], leftOut: number): string[] {
  const caveats: string[] = [];
  for (const { name, fingerprint } of subjects) {
    const { stacks, layers } = beyondLimits(fingerprint);
    const beyond = [
      ...(stacks > 0 ? [`the ${stacks} smallest stacks`] : []),
      ...(layers > 0 ? [`${layers} layers`] : []),
    ];
    if (beyond.length > 0) caveats.push(`no test looked at ${beyond.join(" and ")} of ${name}`);
  }
  if (leftOut > 0) {
    caveats.push(`there are too many matrices of one shape: ${leftOut} were not matched by their content`);
  }
  return caveats;
}

function undirected(suspect: Subject, base: Subject): string {
  if (suspect.root === base.root) {
    return "neither side is registered as trained from scratch, or both are: which came first is not shown";
  }
  return "only a part of the registered root is found, and both may have it from a third: which came first is not shown";
}

/** Whoever names a base for an adapter has said what the verdict says. */
function givenWith(name: string, base: string): string {
  return `${name}: an adapter with the weights of ${base}, which were named with it: what agrees are these, and that the adapter was trained on them is not shown (compare the adapter alone)`;
}
