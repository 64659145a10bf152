import { openCheckpoint } from "../checkpoint/open-checkpoint.ts";
import { storedBytes } from "../checkpoint/stored-bytes.ts";
import { verifyCommitted } from "../commitment/verify-committed.ts";
import { takeFingerprint } from "../deep/deep-fingerprint.ts";
import { serializeFingerprint } from "../fingerprint/file.ts";
import { compareSubjects } from "../lineage/compare.ts";
import { identifySubject } from "../lineage/identify.ts";
import type { OpenedSubject } from "../lineage/open-subject.ts";
import { digestOf } from "../registry/digest.ts";
import { openAnyCandidates } from "../registry/open-registry.ts";
import {
  commitmentPart,
  compareReport,
  fingerprintReport,
  identifyReport,
  inputReport,
  markedModel,
  type RunInfo,
  verifyReport,
} from "../report/build.ts";
import type { WatermarkVerifyReport } from "../report/schemas/index.ts";
import type { Certificate } from "../timestamps/certificate.ts";
import type { ModelKey } from "../watermark/key/model-key.ts";
import { payloadOf } from "../watermark/message/payload.ts";
import { verifyWatermark } from "../watermark/verify.ts";
import type { CaseResult, TakenResult } from "./case-document.ts";
import { digestsOfGiven, openGiven, type ReadingInput } from "./given-input.ts";

/** What computing results again needs beside the inputs. */
export interface RunAgainOptions extends ReadingInput {
  /** The watermark key, for results of verifying its mark. @default none: they are not computed again */
  readonly key?: ModelKey | undefined;
  /** Certificates that the verifier trusts to say when. @default none */
  readonly roots?: readonly Certificate[] | null | undefined;
  readonly toolVersion: string;
}

/** Where each input of a result lies, by its role. */
export type Places = ReadonlyMap<string, string>;

type Of<Schema> = Extract<TakenResult, { schema: Schema }>;

/** Why a result is not computed again, whatever is given; null where it is. */
export function whyNot({ result }: CaseResult, { key, roots }: RunAgainOptions): string | null {
  switch (result.schema) {
    case "weightmark/compare@1":
    case "weightmark/identify@1":
    case "weightmark/fingerprint@1":
      return null;
    case "weightmark/watermark-verify@1":
      if (result.commitment?.opened != null) return "it rests on layers that a disclosure opened, which no case names";
      if (result.parameters?.without) return "layers that were opened to others were left out, which no case names";
      if (key === undefined) return "the watermark key was not given";
      if ((roots ?? null) === null && result.commitment?.time.timestamps.some(({ trusted }) => trusted)) {
        return "the root certificates were not given that its time stamps were verified by";
      }
      return key.id === result.keyId ? null : `key ${key.id} was given, and the result is of key ${result.keyId}`;
    case "weightmark/verify@1":
      return "signatures of models are verified by themselves, with the public key of the publisher";
    case "weightmark/commit@1":
      return "commitments are verified by themselves";
    case "weightmark/scan-item@1":
    case "weightmark/scan-summary@1":
      return "scans are not run again";
  }
}

/**
 * Computes a result again, of the inputs that were given and with what was asked for then.
 *
 * @param record one that `whyNot` has nothing against, with all its inputs
 * @throws what the command that made it throws
 */
export async function runAgain(record: CaseResult, places: Places, options: RunAgainOptions): Promise<TakenResult> {
  const run: RunInfo = { version: options.toolVersion, startedAt: null, finishedAt: null };
  const { result } = record;
  const called = new Map(record.inputs.map((input) => [input.role, input.called]));
  const open = (role: string, about: Parameters<typeof openGiven>[2]) =>
    openGiven(places.get(role)!, options, { name: called.get(role)!, ...about });
  switch (result.schema) {
    case "weightmark/compare@1":
      return compareAgain(result, open, run);
    case "weightmark/identify@1": {
      const { parameters = {} } = result;
      await using registry = await openAnyCandidates(places.get("registry")!);
      await using suspect = await open("suspect", readingOf(parameters));
      const { limit } = parameters;
      const found = await identifySubject(suspect, registry, limit === undefined ? {} : { limit });
      const input = inputReport(suspect, suspect.fingerprint);
      return identifyReport(run, input, registry.location, found, parameters);
    }
    case "weightmark/fingerprint@1": {
      const { parameters = {} } = result;
      await using model = await open("model", readingOf(parameters));
      const bytes = serializeFingerprint(model.fingerprint);
      const written = { location: result.output.location, bytes: bytes.length, digest: digestOf(bytes) };
      const input = inputReport(model, model.fingerprint);
      return fingerprintReport(run, input, written, model.fingerprint, parameters);
    }
    case "weightmark/watermark-verify@1":
      return verifyAgain(result, places, options, run);
    default:
      throw new TypeError(`${result.schema} is not computed again`);
  }
}

function readingOf({ depth, deep }: NonNullable<Of<"weightmark/identify@1">["parameters"]>) {
  return { ...(depth === undefined ? {} : { depth }), ...(deep === undefined ? {} : { deep }) };
}

async function compareAgain(
  { parameters = {} }: Of<"weightmark/compare@1">,
  open: (role: string, about: Parameters<typeof openGiven>[2]) => Promise<OpenedSubject>,
  run: RunInfo,
): Promise<TakenResult> {
  const { depth, root } = parameters;
  const reading = { ...(depth === undefined ? {} : { depth }), deep: false };
  await using suspect = await open("suspect", reading);
  await using base = await open("base", { ...reading, root });
  const found = await compareSubjects(suspect, base, { deep: depth === "deep" });
  const inputs = {
    suspect: inputReport(suspect, suspect.fingerprint),
    base: inputReport(base, base.fingerprint),
  };
  return compareReport(run, inputs, found, parameters);
}

async function verifyAgain(
  result: Of<"weightmark/watermark-verify@1">,
  places: Places,
  { key, roots = null, remoteOf, allowLinks, threads, signal }: RunAgainOptions,
  run: RunInfo,
): Promise<TakenResult> {
  const { parameters = {}, commitment } = result;
  const reading = async (place: string) => ({ allowLinks, readAhead: true, signal, remote: await remoteOf?.(place) });
  const at = (role: string) => places.get(role);
  await using checkpoint = await openCheckpoint(at("model")!, await reading(at("model")!));
  const basePlace = at("base");
  await using base = basePlace === undefined ? null : await openCheckpoint(basePlace, await reading(basePlace));
  const claimed = parameters.payload;
  const verifying = {
    payload: claimed === undefined ? null : payloadOf(Buffer.from(claimed, "hex")),
    ...(threads === undefined ? {} : { threads }),
    ...(signal === undefined ? {} : { signal }),
    ...(at("reference") === undefined ? {} : { reference: at("reference")! }),
    ...(at("tokenizer") === undefined ? {} : { tokenizer: at("tokenizer")! }),
    ...(base === null ? {} : { base }),
  };
  const place = at("commitment");
  const firstSeen = commitment?.time.firstSeen ?? null;
  const committed =
    place === undefined
      ? null
      : await verifyCommitted(checkpoint, {
          ...verifying,
          commitment: place,
          holder: { key: key! },
          roots,
          firstSeen: firstSeen === null ? null : Date.parse(firstSeen),
        });
  const found = committed?.result ?? (await verifyWatermark(checkpoint, { ...verifying, key: key! }));
  const digestOfFile = async (role: string): Promise<WatermarkVerifyReport["inputs"]["reference"]> => {
    const location = at(role);
    if (location === undefined) return null;
    const { file } = await digestsOfGiven("sketch", location, { file: "" }, {});
    return { location, digest: file! };
  };
  const inputs = {
    model: markedModel(checkpoint.location, storedBytes(checkpoint)),
    base: base === null ? null : { location: base.location, digest: (await takeFingerprint(base, {})).roots.sampled },
    reference: await digestOfFile("reference"),
    tokenizer: await digestOfFile("tokenizer"),
  };
  const shown = committed === null ? undefined : commitmentPart(place!, committed);
  return verifyReport(run, inputs, found, { commitment: shown, parameters });
}
