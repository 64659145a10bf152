/**
 * What the payload codes do: frame error rates against gain over noise, and wrong answers where there is nothing to read.
 * Chips are symbol * ratio + N(0, 1). "decoder" knows the channel and takes the likeliest candidate whose CRC holds;
 * "decision" is the whole of `decide`: channel from the pilots, odds, exact p. JSON on stdout, one line per row.
 * "wrong" weighs what would happen if the CRC of a wrong word held: each word of a list without the sent one is judged as
 * the decision would, and the rate is what passes times 2^-15, twice the chance of a CRC whose polynomial has the factor
 * x + 1. It sees rates of one in a million in some thousand frames.
 * Usage: node benchmarks/run.mjs codes [--frames N] [--noise N] [--wrong N] [--seed N] [--bits 32,64,128] [--ratios .6,.7]
 */
import { parseArgs } from "node:util";
import { prng } from "../src/numerics/prng.ts";
import { decide } from "../src/watermark/evidence/decide.ts";
import { modelKey } from "../src/watermark/key/model-key.ts";
import type { CarrierReading } from "../src/watermark/message/carrier-reading.ts";
import { chipPlan, symbols } from "../src/watermark/message/chip-plan.ts";
import { INFORMATION_SETS } from "../src/watermark/message/ecc/information-sets.ts";
import { decodeList, logAdd, softplus } from "../src/watermark/message/ecc/list-decoder.ts";
import { encodePayload, listPayloads } from "../src/watermark/message/ecc/payload-code.ts";
import { polarEncode } from "../src/watermark/message/ecc/polar-code.ts";
import { type Payload, samePayload } from "../src/watermark/message/payload.ts";
import { chipCount, PAYLOAD_CLASSES, type PayloadClass } from "../src/watermark/message/payload-class.ts";
import { softBits } from "../src/watermark/message/soft-bits.ts";

const { values } = parseArgs({
  options: {
    frames: { type: "string", default: "10000" },
    noise: { type: "string", default: "100000" },
    wrong: { type: "string", default: "3000" },
    seed: { type: "string", default: "1" },
    bits: { type: "string", default: "32,64,128" },
    ratios: { type: "string", default: ".6,.7,.8,.9,1,1.1,1.2,1.3" },
  },
});

const random = prng(`codes/${values.seed}`);
/** The decoder is asked without the decision in one of so many frames of noise: it takes most of the time. */
const DECODER_EVERY = 5;
const KEY = modelKey(new Uint8Array(32), "codes");

function randomPayload(bits: Payload["bits"]): Payload {
  return { bits, bytes: Uint8Array.from({ length: bits / 8 }, () => random.below(256)) };
}

function reading(payloadClass: PayloadClass, sent: Int8Array, ratio: number): CarrierReading {
  return {
    carrier: "spread",
    payloadClass,
    values: Float64Array.from(sent, (symbol) => ratio * symbol + random.normal()),
    energies: new Float64Array(sent.length).fill(1),
  };
}

/** Wilson's 95 % interval of a rate. */
function interval(hits: number, n: number): [number, number] {
  const z = 1.96;
  const centre = (hits + z ** 2 / 2) / (n + z ** 2);
  const half = (z / (n + z ** 2)) * Math.sqrt((hits * (n - hits)) / n + z ** 2 / 4);
  return [Math.max(0, centre - half), centre + half].map((x) => Number(x.toPrecision(3))) as [number, number];
}

function errorRates(payloadClass: PayloadClass, ratio: number, frames: number): void {
  const bits = payloadClass.payloadBits as Payload["bits"];
  const plan = chipPlan(payloadClass, KEY, "spread");
  const seen = { decoderFailures: 0, decoderWrong: 0, decisionSilent: 0, decisionWrong: 0, present: 0 };
  for (let frame = 0; frame < frames; frame++) {
    const payload = randomPayload(bits);
    const word = encodePayload(payload);
    const llr = Float64Array.from(word, (bit) => 2 * ratio * ((1 - 2 * bit) * ratio + random.normal()));
    const first = listPayloads(llr, bits).candidates[0]?.payload;
    if (first === undefined || !samePayload(first, payload)) seen.decoderFailures += 1;
    if (first !== undefined && !samePayload(first, payload)) seen.decoderWrong += 1;

    const decision = decide([reading(payloadClass, symbols(plan, payload), ratio)], KEY);
    if (decision.present) seen.present += 1;
    if (decision.payload === null) seen.decisionSilent += 1;
    else if (!samePayload(decision.payload, payload)) seen.decisionWrong += 1;
  }
  const rate = (seen.decisionSilent + seen.decisionWrong) / frames;
  const print = { bits, ratio, frames, ...seen, decisionFER: rate, interval: interval(rate * frames, frames) };
  console.log(JSON.stringify(print));
}

/** Where half of the frames fail, and a little above: the places where a wrong answer is likeliest. */
const EDGE = new Map([
  [32, [0.8, 0.9]],
  [64, [0.75, 0.8]],
  [128, [0.7, 0.75]],
]);
const ODDS = [12, 16, 20, 24];

function wrongAnswers(payloadClass: PayloadClass, ratio: number, frames: number): void {
  const bits = payloadClass.payloadBits as Payload["bits"];
  const code = INFORMATION_SETS.get(bits)!;
  const plan = chipPlan(payloadClass, KEY, "spread");
  const right = ODDS.map(() => 0);
  const wrong = ODDS.map(() => 0);
  for (let frame = 0; frame < frames; frame++) {
    const sent = Uint8Array.from({ length: bits + 16 }, () => random.below(2));
    const word = polarEncode(code, sent);
    const signs = Int8Array.from(plan.places, (place) => (place < 0 ? 1 : 1 - 2 * word[place]!));
    const llr = new Float64Array(word.length);
    softBits(llr, [reading(payloadClass, signs, ratio)], [plan]);
    const { paths, prunedLogMass } = decodeList(code, llr, 8);
    const zeros = llr.reduce((sum, x) => sum - softplus(-x), 0);
    const rest = logAdd(prunedLogMass - 16 * Math.LN2, zeros);
    const hit = paths.find(({ information }) => information.every((bit, i) => bit === sent[i]));
    for (const { logMass } of hit === undefined ? paths : [hit]) {
      const counts = hit === undefined ? wrong : right;
      for (const [i, odds] of ODDS.entries()) if (logMass - rest >= odds * Math.LN2) counts[i]! += 1;
    }
  }
  const rates = ODDS.map((odds, i) => ({
    log2Odds: odds,
    named: Number((right[i]! / frames).toPrecision(3)),
    wrong: Number((wrong[i]! / frames / 2 ** 15).toPrecision(2)),
  }));
  console.log(JSON.stringify({ bits, ratio, frames, rates }));
}

function noiseOnly(payloadClass: PayloadClass, frames: number): void {
  const bits = payloadClass.payloadBits as Payload["bits"];
  const silence = new Int8Array(chipCount(payloadClass));
  const seen = { decoderFrames: 0, decoderAnswers: 0, decisionAnswers: 0, present: 0, smallestLog2P: 0 };
  for (let frame = 0; frame < frames; frame++) {
    const one = reading(payloadClass, silence, 0);
    // A decoder that believes in a mark at the edge of its reach answers oftener than one that sees there is none.
    if (frame % DECODER_EVERY === 0) {
      const llr = one.values.subarray(0, payloadClass.coded).map((y) => 2 * y);
      seen.decoderFrames += 1;
      if (listPayloads(llr, bits).candidates.length > 0) seen.decoderAnswers += 1;
    }
    const decision = decide([one], KEY);
    if (decision.payload !== null) seen.decisionAnswers += 1;
    if (decision.present) seen.present += 1;
    seen.smallestLog2P = Math.min(seen.smallestLog2P, decision.log2P);
  }
  const expected = (8 * seen.decoderFrames) / 2 ** 16;
  console.log(
    JSON.stringify({ bits, ratio: 0, frames, ...seen, decoderAnswersExpected: Number(expected.toPrecision(3)) }),
  );
}

const wanted = values.bits.split(",").map(Number);
for (const payloadClass of PAYLOAD_CLASSES.filter(({ payloadBits }) => wanted.includes(payloadBits))) {
  const frames = Number(values.frames);
  if (frames > 0) for (const ratio of values.ratios.split(",")) errorRates(payloadClass, Number(ratio), frames);
  if (Number(values.wrong) > 0) {
    for (const ratio of EDGE.get(payloadClass.payloadBits)!) wrongAnswers(payloadClass, ratio, Number(values.wrong));
  }
  if (Number(values.noise) > 0) noiseOnly(payloadClass, Number(values.noise));
}
