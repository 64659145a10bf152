import { takeFingerprint } from "../../../dist/src/deep/deep-fingerprint.js";
import { parseFingerprint, serializeFingerprint } from "../../../dist/src/fingerprint/file.js";
import { checkOf } from "../../../dist/src/fingerprint/file-check.js";
import { layerCodes } from "../../../dist/src/fingerprint/layer-codes.js";
import { compareSubjects } from "../../../dist/src/lineage/compare.js";
import { compareReport, inputReport } from "../../../dist/src/report/build.js";
import { toJson } from "../../../dist/src/report/escape.js";
import { renderText } from "../../../dist/src/report/text/render-text.js";
import { must, mustBePlain, mustEqual, parsedJson } from "../invariant.mjs";
import { changedJson } from "../json-tree.mjs";
import { changedParts } from "../manifest-file.mjs";
import { checkpointOf, fileOf } from "../memory-model.mjs";
import { Random } from "../random.mjs";

const RUN = { version: "0.0.0", startedAt: null, finishedAt: null };
const PARTS = ["deep.words", "deep.scale", "deep.q"];

/** Deep parts of fingerprints: what is accepted is written again as it was read, and can be held against a sound one. */
export const target = {
  name: "deep-part",
  extension: "bin",
  async make(random) {
    const file = serializeFingerprint(random.pick(await sound()));
    return changedParts(random, file, (metadata, data) => {
      const manifest = random.chance(0.7)
        ? changedJson(random, JSON.parse(metadata.get("deep")))
        : metadata.get("deep");
      const stored = PARTS.map((name) => data.get(name) ?? new Uint8Array(0));
      const sealed = random.chance(0.95) ? [["deep.check", checkOf(manifest, stored)]] : [];
      return new Map([...metadata, ["deep", manifest], ...sealed]);
    });
  },
  async check(bytes) {
    const fingerprint = await parseFingerprint(bytes, "a.fingerprint.safetensors");
    const written = serializeFingerprint(fingerprint);
    const again = await parseFingerprint(written, "again.fingerprint.safetensors");
    must(Buffer.from(serializeFingerprint(again)).equals(written), "a deep part is written otherwise once it was read");
    mustEqual(JSON.stringify(layerCodes(again)), JSON.stringify(layerCodes(fingerprint)), "codes that were read");
    const [, base] = await sound();
    const facts = { location: "a", kind: "fingerprint", revision: null, bytesRead: 0, bytesTotal: 0 };
    const subject = (name, one) => ({ name, root: false, fingerprint: one, checkpoint: null });
    const options = { monteCarlo: false, deep: true };
    const result = await compareSubjects(subject("a", fingerprint), subject("b", base), options);
    const inputs = { suspect: inputReport(facts, fingerprint), base: inputReport({ ...facts, location: "b" }, base) };
    const report = compareReport(RUN, inputs, result);
    mustBePlain(renderText(report, { colour: false }), "a report in text");
    parsedJson(toJson(report, 2), "a report in JSON");
  },
};

/** Two models with deep parts, made when they are first asked for. */
function sound() {
  made ??= Promise.all(
    ["one", "two"].map(async (seed) =>
      takeFingerprint(await checkpointOf(fileOf(new Random(seed), smallLlama())), { depth: "deep" }),
    ),
  );
  return made;
}

let made;

function smallLlama() {
  const matrix = (name, rows, cols) => ({ name: `${name}.weight`, dtype: "F32", shape: [rows, cols] });
  const layers = [0, 1].flatMap((layer) => {
    const at = `model.layers.${layer}`;
    return [
      ...["q", "k", "v", "o"].map((role) => matrix(`${at}.self_attn.${role}_proj`, 64, 64)),
      matrix(`${at}.mlp.gate_proj`, 80, 64),
      matrix(`${at}.mlp.up_proj`, 80, 64),
      matrix(`${at}.mlp.down_proj`, 64, 80),
    ];
  });
  return [matrix("model.embed_tokens", 128, 64), ...layers];
}
