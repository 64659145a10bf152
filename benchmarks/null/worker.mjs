/** Reads a small part of a model under many keys: messages are {masters, decided}, replies {carriers, decisions}. */
import { parentPort, workerData } from "node:worker_threads";
import { openCheckpoint } from "../../dist/src/index.js";
import { readOrientation } from "../../dist/src/watermark/carriers/orientation/projections.js";
import { orientationReading } from "../../dist/src/watermark/carriers/orientation/reading.js";
import { readHostSpread } from "../../dist/src/watermark/carriers/spread/read-host.js";
import { spreadReading } from "../../dist/src/watermark/carriers/spread/spread-units.js";
import { tokenReading } from "../../dist/src/watermark/carriers/tokens/token-reading.js";
import { readTokenUnits } from "../../dist/src/watermark/carriers/tokens/token-units.js";
import { decide } from "../../dist/src/watermark/evidence/decide.js";
import { softStatistic } from "../../dist/src/watermark/evidence/statistics.js";
import { modelKey } from "../../dist/src/watermark/key/model-key.js";
import { PAYLOAD_CLASSES } from "../../dist/src/watermark/message/payload-class.js";
import { orientationPart, spreadPart, tokenPart } from "./parts.mjs";

const ZERO_BIT = PAYLOAD_CLASSES.find(({ payloadBits }) => payloadBits === 0);
const PILOTS = new Int8Array(ZERO_BIT.pilots).fill(1);

const checkpoint = await openCheckpoint(workerData.model);
const carriers = await openCarriers();
await checkpoint.close();
parentPort.on("message", async ({ masters, decided }) => parentPort.postMessage(await answer(masters, decided)));

async function openCarriers() {
  const spread = await spreadPart(checkpoint, workerData.weights);
  const orientation = await orientationPart(checkpoint, workerData.weights);
  const tokens = await tokenPart(checkpoint, workerData.weights);
  const found = [];
  if (spread !== null) {
    const units = (key) => readHostSpread(spread.host, key);
    found.push({ name: "spread", weights: spread.weights, units, reading: spreadReading });
  }
  if (orientation !== null) {
    const units = (key) => readOrientation(orientation.host, key);
    found.push({ name: "orientation", weights: orientation.weights, units, reading: orientationReading });
  }
  if (tokens !== null) {
    const units = (key) => readTokenUnits(tokens.matrix, key, null);
    found.push({ name: tokens.matrix.carrier, weights: tokens.weights, units, reading: tokenReading });
  }
  return found;
}

async function answer(masters, decided) {
  const results = carriers.map(({ name, weights }) => ({ name, weights, z: [] }));
  const decisions = [];
  for (const [i, master] of masters.entries()) {
    const key = modelKey(master, "null");
    const readings = [];
    for (const [at, { units, reading }] of carriers.entries()) {
      const read = await units(key);
      // Few tokens: some keys draw none to take their directions from.
      if (read === null) continue;
      results[at].z.push(softStatistic(reading(read, ZERO_BIT, key), PILOTS));
      if (i < decided) readings.push(...PAYLOAD_CLASSES.map((payloadClass) => reading(read, payloadClass, key)));
    }
    if (i < decided) decisions.push({ log2P: decide(readings, key).log2P });
  }
  return { carriers: results, decisions };
}
