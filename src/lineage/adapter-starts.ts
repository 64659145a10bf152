import { isBareAdapter } from "../deep/adapter-layers.ts";
import { type StartSilence, startEvidence } from "../deep/adapter-starts.ts";
import { NOTHING_COMPARABLE } from "./caveats.ts";
import { LOG10_TRIED } from "./deep-finding.ts";
import type { Sides } from "./facts.ts";
import { labelResults } from "./label-results.ts";
import { type CompareResult, LOG10_THRESHOLD } from "./result.ts";
import { untestableReason } from "./untestable.ts";

const REASONS: Readonly<Record<StartSilence, string>> = {
  "no-common-modules": "the adapters change no module in common, of one rank and width",
  "few-ranks": "ranks below 8 leave too few rows of A to be told apart",
  "no-start-left":
    "what is left of A's start is not uniform in both, as random starts are: it may have been computed from the base",
  "copied-starts": "modules of one adapter began alike, so that they are no evidence of their own",
};

const NULL = "ranks of adapters that began with different seeds are exchangeable, whatever both learned of one base";

/** A module or layer alone decides nothing. */
const FEWEST_LAYERS = 2;

/**
 * What two LoRA adapters alone say of each other, beside equal content: whether they began with the same random A's. Adapters of
 * one base share nothing by that, and those of one seed do, whoever trained them. Null where not both are adapters alone.
 */
export async function withStarts(
  plain: CompareResult,
  { suspect, base }: Sides,
  log10Hypotheses: number,
  signal?: AbortSignal,
): Promise<CompareResult | null> {
  const [first, second] = [suspect.checkpoint, base.checkpoint];
  if (first === null || second === null) return null;
  if (!isBareAdapter(first.tensors) || !isBareAdapter(second.tensors)) return null;
  const found = await startEvidence(first, second, signal);
  if (typeof found === "string") return { ...plain, caveats: [REASONS[found], ...plain.caveats] };
  const tests = labelResults(found.tests, "ranks", "starts", NULL);
  const log10Tried = LOG10_TRIED + log10Hypotheses;
  const log10P = Math.min(0, Math.min(...tests.map((test) => test.log10P!)) + log10Tried);
  const isAlike = log10P <= LOG10_THRESHOLD && 2 * found.agreeing >= found.modules && found.layers >= FEWEST_LAYERS;
  const own = new Set([suspect, base].map(({ name, fingerprint }) => `${name}: ${untestableReason(fingerprint)}`));
  const caveats = plain.caveats.filter((caveat) => !own.has(caveat) && caveat !== NOTHING_COMPARABLE);
  const claim = isAlike
    ? `began with the same random A's as ${base.name} (one seed), or one was trained on from the other; that they share a base is not shown`
    : `shows no sign of having begun with the A's of ${base.name}`;
  return {
    ...plain,
    verdict: isAlike ? "shared-init" : "no-evidence",
    summary: isAlike
      ? `${suspect.name} ${claim}.`
      : `No evidence that ${suspect.name} and ${base.name} began with the same random A's. Whether they share a base was not tested.`,
    claim,
    log10P,
    log10Tried,
    tests: [...plain.tests, ...tests],
    deep: { basis: isAlike ? "exact" : null, moved: [], strength: null, learned: null },
    caveats: [
      `${found.agreeing} of ${found.modules} modules agree by themselves`,
      "one seed is what many tutorials have: adapters of strangers begin alike, and by that share no training",
      ...caveats,
    ],
  };
}
