import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { reachesFar } from "../checkpoint/location.ts";
import { type DeepEvidence, deepEvidence, isAlike } from "../deep/deep-evidence.ts";
import { deepModel } from "../deep/deep-model.ts";
import { WHOLE_WIDTH } from "../deep/frames.ts";
import { partEvidence } from "../deep/part-evidence.ts";
import { frameImage } from "../deep/stream-image.ts";
import { counterpart, takeDeepPart, tokenCodes } from "../deep/take-part.ts";
import { sharedFrame } from "../deep/token-list.ts";
import { MAX_SOUGHT_WIDTH } from "../deep/unknown-tokens.ts";
import type { DeepPart } from "../fingerprint/deep-part.ts";
import type { LayerCode } from "../fingerprint/fingerprint.ts";
import { deepCodes } from "../fingerprint/layer-codes.ts";
import type { Subject } from "./subject.ts";

/**
 * What two subjects say of each other when labels may have been moved: from the weights of both, else from the deep part of a
 * fingerprint and what the weights of the other show from its tokens, else from two deep parts. Null where there is neither.
 */
export async function evidenceOf(first: Subject, second: Subject, signal?: AbortSignal): Promise<DeepEvidence | null> {
  const [a, b] = [first.fingerprint.deep, second.fingerprint.deep];
  if (first.checkpoint !== null && second.checkpoint !== null) {
    const ofParts = await wideEvidence(first.checkpoint, second.checkpoint, signal);
    return ofParts ?? deepEvidence(first.checkpoint, second.checkpoint, signal);
  }
  if (second.checkpoint !== null && a !== undefined) {
    const [own, theirs] = (await answer(second.checkpoint, a, signal)) ?? [];
    return own === undefined || theirs === undefined ? null : partEvidence(theirs, own);
  }
  if (first.checkpoint !== null && b !== undefined) {
    const [own, theirs] = (await answer(first.checkpoint, b, signal)) ?? [];
    return own === undefined || theirs === undefined ? null : partEvidence(own, theirs);
  }
  return a === undefined || b === undefined ? null : partEvidence(a, b);
}

/** Of wide models what fingerprints would show: all neurons in all directions would take many minutes. */
async function wideEvidence(
  first: Checkpoint,
  second: Checkpoint,
  signal: AbortSignal | undefined,
): Promise<DeepEvidence | null> {
  const [a, b] = [await deepModel(first, signal), await deepModel(second, signal)];
  if (a === null || b === null || Math.max(a.width, b.width) <= WHOLE_WIDTH) return null;
  const ids = sharedFrame(a, b);
  const [isFar, isOtherFar] = [reachesFar(first.location), reachesFar(second.location)];
  const part = ids === null ? null : await takeDeepPart(a, isFar, ids, true);
  if (part === null || part.networks.length === 0) return null;
  // Rows of all tokens are many requests of a source far away.
  const image = isFar || isOtherFar ? null : await frameImage(part, a, b);
  const [own, theirs] = (await counterpart(b, part, isOtherFar, true, image)) ?? [];
  if (own === undefined || theirs === undefined || own.networks.length === 0) return null;
  const evidence = partEvidence(theirs, own);
  // Tokens that were renumbered can still be looked for in streams that are not too wide.
  return evidence !== null && (isAlike(evidence) || Math.max(a.width, b.width) > MAX_SOUGHT_WIDTH) ? evidence : null;
}

/** Codes by which a registry finds models that have the tokens of a suspect, however its stream was turned. */
export async function tokenCodesOf(
  { fingerprint, checkpoint }: Subject,
  signal?: AbortSignal,
): Promise<readonly LayerCode[]> {
  if (fingerprint.deep !== undefined) return deepCodes(fingerprint.deep);
  const model = checkpoint === null ? null : await deepModel(checkpoint, signal);
  return model === null ? [] : tokenCodes(model);
}

async function answer(
  checkpoint: Checkpoint,
  like: DeepPart,
  signal: AbortSignal | undefined,
): Promise<readonly [DeepPart, DeepPart] | null> {
  const model = await deepModel(checkpoint, signal);
  return model === null ? null : counterpart(model, like, reachesFar(checkpoint.location));
}
