import type { CommittedResult } from "../commitment/verify-committed.ts";
import { ERRORS, type ErrorCode } from "../errors.ts";
import type { Fingerprint, ReadingDepth } from "../fingerprint/fingerprint.ts";
import type { CompareResult, IdentifyResult } from "../lineage/result.ts";
import type { QualityResult } from "../quality/result.ts";
import type { Registry, RegistryEntry } from "../registry/registry.ts";
import type { SignResult } from "../signing/sign-model.ts";
import type { VerifyModelResult } from "../signing/verify-model.ts";
import type { CapacityResult, EmbedResult, VerifyResult } from "../watermark/result.ts";
import { type Body, type RunInfo, wrap } from "./envelope.ts";
import { manifestRoot } from "./manifest-root.ts";
import type {
  CommitReport,
  CompareReport,
  DoctorReport,
  FingerprintReport,
  IdentifyReport,
  InspectReport,
  KeyReport,
  QualityReport,
  RegistryReport,
  SignReport,
  VerifyReport,
  WatermarkCapacityReport,
  WatermarkEmbedReport,
  WatermarkVerifyReport,
} from "./schemas/index.ts";

export type { RunInfo } from "./envelope.ts";

export type InputReport = CompareReport["inputs"]["suspect"];

/** How one side of a comparison was found. */
export interface InputFacts {
  readonly location: string;
  readonly kind: "model" | "fingerprint";
  /** Commit of a Hub repository, else null. */
  readonly revision: string | null;
  readonly bytesRead: number;
  readonly bytesTotal: number;
}

export function inputReport(facts: InputFacts, fingerprint: Fingerprint): InputReport {
  return {
    location: facts.location,
    kind: facts.kind,
    revision: facts.revision,
    manifestRoot: manifestRoot(fingerprint.tensors),
    sampledRoot: fingerprint.roots.sampled,
    contentRoot: fingerprint.roots.content,
    depth: fingerprint.depth,
    family: fingerprint.family,
    parameters: String(fingerprint.parameters),
    bytesRead: String(facts.bytesRead),
    bytesTotal: String(facts.bytesTotal),
  };
}

/** What a command was asked for, without what stood at its default; null where all did. */
export function askedFor<T extends object>(parameters: T): { readonly parameters?: T } {
  const asked = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined)) as T;
  return Object.keys(asked).length === 0 ? {} : { parameters: asked };
}

/** Of reading, without the defaults. */
export function readingAsked({ depth, deep }: { readonly depth?: ReadingDepth; readonly deep?: boolean }) {
  return { depth: depth === "sampled" ? undefined : depth, deep: deep === true ? (true as const) : undefined };
}

export function compareReport(
  run: RunInfo,
  inputs: CompareReport["inputs"],
  result: CompareResult,
  parameters: NonNullable<CompareReport["parameters"]> = {},
): CompareReport {
  // A result's read-only arrays become the report's: nothing writes to either.
  const comparison = result as unknown as Omit<Body<CompareReport>, "inputs">;
  return wrap<CompareReport>("weightmark/compare@1", run, { inputs, ...askedFor(parameters), ...comparison });
}

export function identifyReport(
  run: RunInfo,
  suspect: InputReport,
  location: string,
  result: IdentifyResult,
  parameters: NonNullable<IdentifyReport["parameters"]> = {},
): IdentifyReport {
  const { candidates, registry, ...rest } = result;
  const body = {
    inputs: { suspect },
    ...askedFor(parameters),
    verdict: rest.verdict,
    summary: rest.summary,
    candidates: candidates.map(({ comparison: { claim, deep }, ...candidate }) => {
      const basis = deep?.basis ?? null;
      return { ...candidate, claim, ...(basis === null ? {} : { basis }) };
    }),
    comparison: candidates[0]?.comparison ?? null,
    registry: { location, ...registry },
    caveats: rest.caveats,
  };
  return wrap<IdentifyReport>("weightmark/identify@1", run, body as unknown as Body<IdentifyReport>);
}

export function fingerprintReport(
  run: RunInfo,
  model: InputReport,
  output: FingerprintReport["output"],
  fingerprint: Fingerprint,
  parameters: NonNullable<FingerprintReport["parameters"]> = {},
): FingerprintReport {
  const { version, confidence, dtypes, tensors, sketches, slices, notes } = fingerprint;
  const layers = new Set(
    sketches.filter(({ layer }) => layer >= 0).map(({ component, layer }) => `${component}/${layer}`),
  );
  return wrap<FingerprintReport>("weightmark/fingerprint@1", run, {
    inputs: { model },
    ...askedFor(parameters),
    output,
    fingerprint: {
      version,
      confidence,
      dtypes,
      tensors: tensors.length,
      sketches: sketches.length,
      slices: slices.length,
      layers: layers.size,
      notes: [...notes],
    },
  });
}

export function inspectReport(run: RunInfo, body: Body<InspectReport>): InspectReport {
  return wrap<InspectReport>("weightmark/inspect@1", run, body);
}

export function keyReport(run: RunInfo, body: Body<KeyReport>): KeyReport {
  return wrap<KeyReport>("weightmark/key@1", run, body);
}

export function commitReport(run: RunInfo, body: Body<CommitReport>): CommitReport {
  return wrap<CommitReport>("weightmark/commit@1", run, body);
}

export function doctorReport(run: RunInfo, body: Body<DoctorReport>): DoctorReport {
  return wrap<DoctorReport>("weightmark/doctor@1", run, body);
}

/** One side of `quality`, before it was run. */
export type RunInputs = Pick<QualityReport["inputs"], "tokens"> & {
  readonly [side in "a" | "b"]: Omit<QualityReport["inputs"]["a"], "modelType" | "bytesRead">;
};

export function qualityReport(run: RunInfo, inputs: RunInputs, result: QualityResult): QualityReport {
  const { models, logits, caveats, ...rest } = result;
  const side = (name: "a" | "b") => {
    const { modelType, bytesRead } = models[name];
    return { ...inputs[name], modelType, bytesRead: String(bytesRead) };
  };
  return wrap<QualityReport>("weightmark/quality@1", run, {
    inputs: { a: side("a"), b: side("b"), tokens: inputs.tokens },
    ...rest,
    logits: { ...logits, compared: String(logits.compared) },
    caveats: [...caveats],
  });
}

type EntryReport = NonNullable<RegistryReport["entries"]>[number];

/** `nameOf` gives the name of the entry with a digest. */
export function entryReport(entry: RegistryEntry, nameOf: (digest: string) => string | null): EntryReport {
  const { digest, name, root, addedAt, bytes, version, family, depth, parameters } = entry;
  const parts = entry.parts.map(({ component, of }) => ({ component, of, name: nameOf(of) }));
  return { digest, name, root, parts, addedAt, bytes, version, family, depth, parameters: String(parameters) };
}

/** `registry` after the action. */
export function registryReport(
  run: RunInfo,
  registry: Registry,
  action: RegistryReport["action"],
  outcome: Pick<RegistryReport, "entries" | "changes" | "output" | "problems">,
): RegistryReport {
  const { location, entries, digest, generation, updatedAt } = registry;
  const about = { location, entries, digest, generation, updatedAt };
  return wrap<RegistryReport>("weightmark/registry@1", run, { action, registry: about, ...outcome });
}

export function signReport(run: RunInfo, model: string, result: SignResult): SignReport {
  const { signature, bytes, ...signed } = result;
  const body = {
    inputs: { model: { location: model } },
    output: { location: signature },
    signed: { ...signed, bytes: String(bytes) },
  };
  return wrap<SignReport>("weightmark/sign@1", run, body as never);
}

/** Of `verifyModel`; that of `verifyWatermark` is `verifyReport`. */
export function signatureReport(run: RunInfo, model: string, result: VerifyModelResult): VerifyReport {
  const { signature, holds, code, reason, signedBy, signed, files } = result;
  const body = {
    inputs: { model: { location: model }, signature: { location: signature } },
    holds,
    code,
    reason,
    detail: code === null ? null : signatureAdvice(code, files),
    signedBy,
    signed,
    files: files === null ? null : { ...files, bytes: String(files.bytes) },
  };
  return wrap<VerifyReport>("weightmark/verify@1", run, body as never);
}

/** To fetch files again helps against those that changed, not against those that somebody put beside them. */
function signatureAdvice(code: ErrorCode, files: VerifyModelResult["files"]): string {
  const isMore = files !== null && files.changed.length + files.missing.length === 0;
  return isMore
    ? "Do not use the files that were never signed: find out who put them there and remove them, or let them be (`ignoreUnsigned`)."
    : ERRORS[code].advice;
}

/** The model of a watermark command: where it lies and how large its weight files are. */
export function markedModel(location: string, bytesTotal: number): WatermarkVerifyReport["inputs"]["model"] {
  return { location, bytesTotal: String(bytesTotal) };
}

type MarkedModel = ReturnType<typeof markedModel>;

export function capacityReport(run: RunInfo, model: MarkedModel, result: CapacityResult): WatermarkCapacityReport {
  const body = { inputs: { model }, ...result, parameters: String(result.parameters) };
  return wrap<WatermarkCapacityReport>("weightmark/watermark-capacity@1", run, body as never);
}

export function embedReport(run: RunInfo, model: MarkedModel, result: EmbedResult): WatermarkEmbedReport {
  const { output, sketch } = result;
  const body = {
    inputs: { model },
    ...result,
    output: { ...output, bytes: String(output.bytes) },
    sketch: sketch === null ? null : { ...sketch, bytes: String(sketch.bytes) },
  };
  return wrap<WatermarkEmbedReport>("weightmark/watermark-embed@1", run, body as never);
}

/** What a verification with a commitment says of it. */
export function commitmentPart(
  location: string,
  { digest, time, opened }: CommittedResult,
): NonNullable<WatermarkVerifyReport["commitment"]> {
  return {
    location,
    digest,
    time: { ...time, timestamps: [...time.timestamps] },
    opened: opened === null ? null : { ...opened, layers: [...opened.layers] },
  };
}

export function verifyReport(
  run: RunInfo,
  inputs: WatermarkVerifyReport["inputs"],
  result: VerifyResult,
  { commitment, parameters = {} }: Pick<WatermarkVerifyReport, "commitment" | "parameters"> = {},
): WatermarkVerifyReport {
  const committed = commitment === undefined ? {} : { commitment };
  return wrap<WatermarkVerifyReport>("weightmark/watermark-verify@1", run, {
    inputs,
    ...askedFor(parameters),
    ...result,
    ...committed,
  } as never);
}
