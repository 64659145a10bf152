import type { Payload } from "../payload.ts";
import { crc16 } from "./crc16.ts";
import { INFORMATION_SETS } from "./information-sets.ts";
import { decodeList, logAdd, softplus } from "./list-decoder.ts";
import { type PolarCode, polarEncode } from "./polar-code.ts";

const CRC_BITS = 16;
const LIST_SIZE = 8;

/** Payloads that could have been sent, and how likely each is under the channel's LLRs. */
export interface PayloadList {
  readonly llr: Float64Array;
  /** Words of the list whose CRC holds, likeliest first. logMass = ln P(word | channel) over all 2^N words. */
  readonly candidates: readonly { readonly payload: Payload; readonly logMass: number }[];
  /**
   * ln of the estimated probability of all words of the code that the list does not hold, and of the word of zeros, which
   * is none of them: what a mark of another class looks like.
   */
  readonly restLogMass: number;
}

/** The bits sent for a payload: payload and CRC-16, most significant bit first, in the polar code of its class. */
export function encodePayload({ bytes, bits }: Payload): Uint8Array {
  const crc = crc16(bytes);
  const information = new Uint8Array(bits + CRC_BITS);
  for (let i = 0; i < bits; i++) information[i] = (bytes[i >> 3]! >> (7 - (i & 7))) & 1;
  for (let i = 0; i < CRC_BITS; i++) information[bits + i] = (crc >> (CRC_BITS - 1 - i)) & 1;
  return polarEncode(codeOf(bits), information);
}

/** `llr[i]` = ln P(y | bit i is 0) / P(y | bit i is 1), in the order of the code word. */
export function listPayloads(llr: Float64Array, bits: Payload["bits"]): PayloadList {
  const { paths, prunedLogMass } = decodeList(codeOf(bits), llr, LIST_SIZE);
  const candidates = paths.flatMap(({ information, logMass }) => {
    const payload = checkedPayload(information, bits);
    return payload === null ? [] : [{ payload, logMass }];
  });
  const zeros = wordLogMass(llr, new Uint8Array(llr.length));
  return { llr, candidates, restLogMass: logAdd(prunedLogMass - CRC_BITS * Math.LN2, zeros) };
}

/**
 * log2 of the odds that `payload` was sent rather than any other, all payloads being equally likely beforehand: its own
 * probability over that of the other candidates and of the rest. To answer only above a bound of these odds is Forney's
 * (1968) rule for decoding with erasures: no other rule is silent less often at the same rate of wrong answers.
 */
export function log2Odds({ llr, candidates, restLogMass }: PayloadList, payload: Payload): number {
  let others = restLogMass;
  for (const candidate of candidates) {
    if (candidate.payload.bytes.some((byte, i) => byte !== payload.bytes[i]))
      others = logAdd(others, candidate.logMass);
  }
  return (wordLogMass(llr, encodePayload(payload)) - others) / Math.LN2;
}

/** ln P(word | channel) over all words of that length. */
function wordLogMass(llr: Float64Array, word: Uint8Array): number {
  return word.reduce((sum, bit, i) => sum - softplus(bit === 0 ? -llr[i]! : llr[i]!), 0);
}

function codeOf(bits: Payload["bits"]): PolarCode {
  return INFORMATION_SETS.get(bits) as PolarCode;
}

function checkedPayload(information: Uint8Array, bits: Payload["bits"]): Payload | null {
  const bytes = new Uint8Array(bits / 8);
  for (let i = 0; i < bits; i++) bytes[i >> 3]! |= information[i]! << (7 - (i & 7));
  let crc = 0;
  for (let i = 0; i < CRC_BITS; i++) crc = 2 * crc + information[bits + i]!;
  return crc === crc16(bytes) ? { bytes, bits } : null;
}
