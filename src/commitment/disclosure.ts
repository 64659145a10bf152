import { z } from "zod";
import { readSmallFile } from "../bytes/small-file.ts";
import { WeightmarkError } from "../errors.ts";
import {
  type LayeredKey,
  type OpenedSlot,
  openedKey,
  opensRoot,
  PROOF_LENGTH,
  slotOf,
} from "../watermark/key/layered-key.ts";
import type { ModelKey } from "../watermark/key/model-key.ts";
import { type Payload, payloadOf } from "../watermark/message/payload.ts";
import { challengedLayers, log2Choices } from "./chosen-layers.ts";
import { type Commitment, commitmentDigest, hash, MAX_FILE_BYTES, parsedJson } from "./commitment.ts";
import { type Opening, payloadHash } from "./opening.ts";

const DISCLOSURE_FORMAT = "weightmark/disclosure@1";
const MOST_LAYERS = 1023;

export const disclosureSchema = z
  .strictObject({
    format: z.literal(DISCLOSURE_FORMAT),
    commitment: hash.describe("digest of the commitment that this opens a part of"),
    challenge: z
      .string()
      .max(1000)
      .nullable()
      .describe("what the layers follow from; null where they were chosen freely"),
    layers: z
      .array(
        z.strictObject({
          layer: z
            .int()
            .min(0)
            .max(MOST_LAYERS - 1),
          secret: hash,
          proof: z.array(hash).length(PROOF_LENGTH).describe("hashes beside the way to the root, lowest first"),
        }),
      )
      .min(1)
      .max(MOST_LAYERS),
    payload: z
      .strictObject({ salt: hash, hex: z.string().regex(/^(?:[0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{32})$/) })
      .nullable()
      .describe("what the mark says, with the salt of its digest"),
  })
  .meta({ title: "weightmark disclosure", description: "Layers of a committed key, opened to whoever has this file." });

export type Disclosure = z.infer<typeof disclosureSchema>;

export interface DiscloseOptions {
  readonly commitment: Commitment;
  readonly key: LayeredKey;
  /** Text that a quarter of the layers follows from, or the numbers of the layers themselves. */
  readonly choice: { readonly challenge: string } | { readonly layers: readonly number[] };
  /** Opens the payload as well. */
  readonly opening: Opening | null;
}

/** @throws USAGE for layers that were not committed */
export function disclose({ commitment, key, choice, opening }: DiscloseOptions): Disclosure {
  const { layers: count } = commitment.statement.model;
  const digest = commitmentDigest(commitment);
  const layers = "layers" in choice ? rising(choice.layers) : challengedLayers(digest, count, choice.challenge);
  if (layers.length === 0 || layers.some((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < count))) {
    throw new WeightmarkError("USAGE", `layers are numbers from 0 to ${count - 1}`, {
      detail: "Name layers of the model that was committed.",
    });
  }
  return {
    format: DISCLOSURE_FORMAT,
    commitment: digest,
    challenge: "challenge" in choice ? choice.challenge : null,
    layers: layers.map((layer) => {
      const { secret, proof } = key.openSlot(slotOf(layer));
      return { layer, secret: hex(secret), proof: proof.map(hex) };
    }),
    payload: opening?.payload ?? null,
  };
}

export function serializeDisclosure(disclosure: Disclosure): Uint8Array {
  return Buffer.from(`${JSON.stringify(disclosure, null, 2)}\n`, "utf8");
}

/** What a disclosure gives to whoever verifies. */
export interface OpenedMark {
  readonly key: ModelKey;
  readonly payload: Payload | null;
  readonly layers: readonly number[];
  /** Whether the layers follow from the verifier's own challenge. */
  readonly isChallenged: boolean;
  /** log2 of the ways in which the layers could have been chosen; 0 where they follow from the verifier's own challenge. */
  readonly log2Choices: number;
}

/**
 * The part of a committed key that a disclosure opens, each layer of it proven to belong to the commitment.
 *
 * @param challenge the verifier's own, made after the commitment; null corrects p for a free choice of layers
 * @throws DISCLOSURE_MALFORMED, DISCLOSURE_FORGED, DISCLOSURE_OF_OTHER_LAYERS, FILE_NOT_FOUND, FILE_UNREADABLE,
 *   NOT_A_REGULAR_FILE
 */
export async function readDisclosure(
  file: string,
  commitment: Commitment,
  challenge: string | null,
): Promise<OpenedMark> {
  const malformed = (message: string) => new WeightmarkError("DISCLOSURE_MALFORMED", message, { file });
  const bytes = await readSmallFile(file, MAX_FILE_BYTES, () => malformed("the file is too large for a disclosure"));
  const parsed = disclosureSchema.safeParse(parsedJson(bytes, malformed));
  if (!parsed.success) throw malformed("the file is no disclosure of this version");
  return openedMark(parsed.data, commitment, challenge, file);
}

function openedMark(
  disclosure: Disclosure,
  commitment: Commitment,
  challenge: string | null,
  file: string,
): OpenedMark {
  const forged = (message: string) => new WeightmarkError("DISCLOSURE_FORGED", message, { file });
  const { key, model, mark } = commitment.statement;
  const digest = commitmentDigest(commitment);
  if (disclosure.commitment !== digest) throw forged("the disclosure is of another commitment");
  const layers = disclosure.layers.map(({ layer }) => layer);
  if (layers.some((layer, i) => layer >= model.layers || (i > 0 && layer <= layers[i - 1]!))) {
    throw forged("layers are not in order, stand twice, or were not committed");
  }
  const root = Buffer.from(key.root, "hex");
  const slots = disclosure.layers.map(
    ({ layer, secret, proof }): OpenedSlot => ({
      slot: slotOf(layer),
      secret: bytesOf(secret),
      proof: proof.map(bytesOf),
    }),
  );
  const wrong = slots.findIndex((slot) => !opensRoot(slot, root));
  if (wrong >= 0) throw forged(`the secret of layer ${layers[wrong]} does not lead to the root that was committed`);
  const { payload } = disclosure;
  if (payload !== null && payloadHash(payload) !== mark.payload) throw forged("the payload is not the committed one");
  const opened = openedKey(root, key.release, slots);
  if (opened.id !== key.id) throw forged("the commitment names another key than its root");
  if (challenge !== null && !sameLayers(layers, challengedLayers(digest, model.layers, challenge))) {
    throw new WeightmarkError("DISCLOSURE_OF_OTHER_LAYERS", "the opened layers do not follow from the challenge", {
      file,
    });
  }
  return {
    key: opened,
    payload: payload === null ? null : payloadOf(bytesOf(payload.hex)),
    layers,
    isChallenged: challenge !== null,
    log2Choices: challenge === null ? log2Choices(model.layers, layers.length) : 0,
  };
}

function rising(layers: readonly number[]): number[] {
  return [...new Set(layers)].sort((a, b) => a - b);
}

function sameLayers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((layer, i) => layer === b[i]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
