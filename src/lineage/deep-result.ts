import { type DeepFinding, OF_MODEL } from "./deep-finding.ts";
import type { CompareResult, Moved } from "./result.ts";

const WORDS: Readonly<Record<Moved, string>> = {
  "residual-rotated": "the residual stream was rotated",
  "residual-permuted": "the dimensions of the residual stream were renumbered",
  width: "the residual stream has another width",
  neurons: "neurons were renumbered",
  heads: "attention heads were renumbered",
  channels: "value channels were renumbered",
  vocabulary: "tokens were renumbered",
};

const STAYS_SILENT =
  "silent against weights of which every label was moved, token rows that were never trained included, and against weak merges, distillation and retraining from scratch";

/** What a comparison says once the deep tests have spoken; of a pair on which the plain tests are silent. */
export function withDeep(
  plain: CompareResult,
  deep: DeepFinding,
  names: { readonly suspect: string; readonly base: string },
  exchanged: boolean,
): CompareResult {
  const { verdict, basis, log10P, moved, strength, retention } = deep;
  const [one, other] =
    retention === null
      ? []
      : exchanged
        ? [retention.backward, retention.forward]
        : [retention.forward, retention.backward];
  const result: CompareResult = {
    ...plain,
    log10Tried: deep.log10Tried,
    tests: [...plain.tests, ...deep.tests],
    deep: {
      basis,
      moved,
      strength,
      learned: one === undefined || other === undefined ? null : { baseInSuspect: other, suspectInBase: one },
    },
  };
  // The silence of tables is no test of the model.
  if (verdict === "no-evidence" && !deep.tests.some(({ axis }) => OF_MODEL.includes(axis))) {
    return { ...result, log10Tried: plain.log10Tried };
  }
  if (verdict === "no-evidence") {
    const summary = `No evidence that ${names.suspect} and ${names.base} share weights. This does not prove that they are unrelated.`;
    const claim = `shows no evidence of shared weights with ${names.base}`;
    const caveats = plain.caveats.filter((caveat) => !caveat.startsWith("silent against"));
    return { ...result, verdict, summary, claim, log10P, caveats: [...caveats, STAYS_SILENT] };
  }
  const how = moved.length === 0 ? "" : `; ${moved.map((one) => WORDS[one]).join(", ")}`;
  const claim = `${claimOf(deep, names.base)}${how}`;
  return {
    ...result,
    verdict,
    summary: `${names.suspect} ${claim}.`,
    claim,
    relations: verdict === "derived" && moved.length > 0 ? ["obfuscated"] : [],
    log10P,
    caveats: [...caveatsOf(deep), ...plain.caveats.filter((caveat) => !isAnswered(caveat))],
  };
}

/** What the plain tests alone could not say. */
function isAnswered(caveat: string): boolean {
  return caveat.startsWith("silent against") || caveat.includes("a common initialisation is not ruled out");
}

function claimOf({ verdict, basis }: DeepFinding, base: string): string {
  if (verdict === "shared-init") {
    return `goes back at least to the same initial weights as ${base}; that trained weights are shared is not shown`;
  }
  return basis === "exact"
    ? `shares trained weights with ${base}, direction not established`
    : `is as much like ${base} as only models that share trained weights were found to be, and no label that could be tested shows it`;
}

function caveatsOf({ basis, strength, verdict }: DeepFinding): readonly string[] {
  const alike = strength === null ? [] : [`after alignment, matched neurons correlate at ${strength.gate.toFixed(2)}`];
  const notExact =
    "no label that could be tested shows anything, so that no exact p-value exists: the verdict is calibrated on the strength that unrelated models were measured to have, and is no proof";
  return [
    ...(basis === "calibrated" ? [notExact] : []),
    ...alike,
    ...(verdict === "derived" ? ["which of the two came first is not shown"] : []),
    "a model that somebody permuted to match another one has its labels without being made of it",
  ];
}
