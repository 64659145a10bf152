import type { AdapterSilence } from "../deep/adapter-evidence.ts";
import type { AdapterFinding } from "./adapter-finding.ts";
import { NOTHING_COMPARABLE } from "./caveats.ts";
import type { Sides } from "./facts.ts";
import type { CompareResult, Direction } from "./result.ts";
import { untestableReason } from "./untestable.ts";

const REASONS: Readonly<Record<AdapterSilence, string>> = {
  "no-attention":
    "changes nothing that can be tested: neither A of q, k or v nor B of values lies where the model has them",
  shapes: "has modules of other shapes or layers than the model: it was not trained on this model as it is",
  untrained: "was never trained: B is zero in every layer that was looked at",
  "not-kept":
    "changes nothing that the model's fingerprint keeps: fingerprints taken with a deep part keep some layers of the deepest stack",
  "no-labels": "has too few labels in common with the model, or labels of both are sorted",
};

const STAYS_SILENT =
  "silent against adapters that were hardly trained, and where dimensions and channels of values of the adapter's own base were renumbered or mixed, or layers moved";

/** What a comparison says of an adapter alone; the plain tests cannot say anything of it. */
export function withAdapter(plain: CompareResult, finding: AdapterFinding, { suspect, base }: Sides): CompareResult {
  const { adapter, verdict, silence, log10P, strength } = finding;
  if (silence !== null) return { ...plain, caveats: [...plain.caveats, `${adapter.name}: ${REASONS[silence]}`] };
  const isSuspect = adapter === suspect;
  const result: CompareResult = {
    ...plain,
    verdict,
    log10P,
    log10Tried: finding.log10Tried,
    tests: [...plain.tests, ...finding.tests],
    deep: { basis: verdict === "no-evidence" ? null : "exact", moved: [], strength: null, learned: null },
  };
  const why = `${adapter.name}: ${untestableReason(adapter.fingerprint)}`;
  const others = plain.caveats.filter((caveat) => caveat !== why && caveat !== NOTHING_COMPARABLE);
  if (verdict === "no-evidence") {
    return {
      ...result,
      summary: `No evidence that ${suspect.name} and ${base.name} share weights. This does not prove that they are unrelated.`,
      claim: `shows no evidence of shared weights with ${base.name}`,
      caveats: [...others, STAYS_SILENT],
    };
  }
  const model = isSuspect ? base : suspect;
  const direction = verdict === "derived" && model.root && !adapter.root ? directionFrom(isSuspect) : "not-established";
  const claim = isSuspect ? claimOfAdapter(verdict, base.name) : claimOfModel(verdict, base.name);
  const agreement = strength === null ? [] : [`channels of values agree at ${strength.toFixed(2)}`];
  return {
    ...result,
    summary: `${suspect.name} ${claim}.`,
    claim,
    direction,
    relations: verdict === "derived" && isSuspect ? ["lora"] : [],
    parents: direction === "not-established" ? [] : [{ name: model.name, log10P }],
    caveats: [
      ...agreement,
      "which model of a family an adapter was trained on is not shown: fine-tunes of one base have its labels",
      ...others,
    ],
  };
}

function directionFrom(isSuspect: boolean): Direction {
  return isSuspect ? "suspect-from-base" : "base-from-suspect";
}

/** What A alone shows may be a token table that was given to models of different origin. */
const NOT_SHOWN = "that trained weights are shared is not shown";

function claimOfAdapter(verdict: AdapterFinding["verdict"], model: string): string {
  return verdict === "derived"
    ? `was trained on top of ${model} or of a model that shares its labels (a relative of it)`
    : `was trained on top of a model that shares at least initial weights or a token table with ${model}; ${NOT_SHOWN}`;
}

function claimOfModel(verdict: AdapterFinding["verdict"], adapter: string): string {
  return verdict === "derived"
    ? `is what ${adapter} was trained on top of, or shares its labels (a relative of it)`
    : `shares at least initial weights or a token table with what ${adapter} was trained on top of; ${NOT_SHOWN}`;
}
