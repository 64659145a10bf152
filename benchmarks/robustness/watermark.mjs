/** The library as the suite uses it: paths in, plain figures out. */
import { openCheckpoint } from "../../dist/src/index.js";
import { watermarkCapacity } from "../../dist/src/watermark/capacity.js";
import { embedWatermark } from "../../dist/src/watermark/embed.js";
import { modelKey } from "../../dist/src/watermark/key/model-key.js";
import { parsePayload, showPayload } from "../../dist/src/watermark/message/payload.js";
import { verifyWatermark } from "../../dist/src/watermark/verify.js";

const PAYLOAD = "c0ffee00112233445566778899aabbcc";

/** As many bits as one of the model's carriers holds, in hex; null where only the zero-bit mark fits. */
export async function longestPayload(model, rho) {
  const checkpoint = await openCheckpoint(model);
  try {
    const { payloadBits } = await watermarkCapacity(checkpoint, rho === null ? {} : { rho });
    return payloadBits ? PAYLOAD.slice(0, payloadBits / 4) : null;
  } finally {
    await checkpoint.close();
  }
}

/** Marks `model` into the new directory `copy`. */
export async function mark(model, copy, { master, release }, { payload, rho, threads }) {
  const checkpoint = await openCheckpoint(model);
  try {
    const options = { key: modelKey(master, release), directory: copy, threads, publicBases: null };
    if (payload !== null) options.payload = parsePayload(payload);
    if (rho !== null) options.rho = rho;
    const { carriers, sketch, rho: used } = await embedWatermark(checkpoint, options);
    const summary = carriers.map(({ name, payloadBits, achieved, rms }) => ({ name, payloadBits, achieved, rms }));
    return { sketch: sketch?.path ?? null, summary: { rho: used, carriers: summary } };
  } finally {
    await checkpoint.close();
  }
}

/** What the key finds in a checkpoint, with the sketch at `reference` and the payload that is claimed unless null. */
export async function verify(directory, { master, release }, { threads }, reference, claimed = null) {
  const checkpoint = await openCheckpoint(directory);
  try {
    const options = { key: modelKey(master, release), threads };
    if (reference !== null) options.reference = reference;
    if (claimed !== null) options.payload = parsePayload(claimed);
    const { present, log2P, payload, carriers, alignment } = await verifyWatermark(checkpoint, options);
    const statistics = new Map(carriers.map(({ name, statistic }) => [name, statistic]));
    return { present, log2P, payload: payload?.hex ?? null, statistics, alignment };
  } finally {
    await checkpoint.close();
  }
}

/** The payload as results show it: all bytes of its class in hex. */
export function shownPayload(input) {
  return input === null ? null : showPayload(parsePayload(input)).hex;
}
