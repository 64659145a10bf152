import { takeFingerprint } from "../../../dist/src/deep/deep-fingerprint.js";
import { parseFingerprint, serializeFingerprint } from "../../../dist/src/fingerprint/file.js";
import { checkOf } from "../../../dist/src/fingerprint/file-check.js";
import { registeredCodes } from "../../../dist/src/fingerprint/layer-codes.js";
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
/** Tensors by the key of the manifest that tells what they are. */
const PARTS = { deep: ["deep.words", "deep.scale", "deep.q"], attention: ["attention.words"] };

/**
 * Deep parts of fingerprints, and what adapters are tested by: what is accepted is written again as it was read, and can be
 * held against a sound one and against an adapter.
 */
export const target = {
  name: "deep-part",
  extension: "bin",
  async make(random) {
    const file = serializeFingerprint(random.pick(await sound()));
    return changedParts(random, file, (metadata, data) => {
      const changed = Object.entries(PARTS).flatMap(([key, names]) => {
        const manifest = random.chance(0.5) ? changedJson(random, JSON.parse(metadata.get(key))) : metadata.get(key);
        const stored = names.map((name) => data.get(name) ?? new Uint8Array(0));
        const sealed = random.chance(0.97) ? [[`${key}.check`, checkOf(manifest, stored)]] : [];
        return [[key, manifest], ...sealed];
      });
      return new Map([...metadata, ...changed]);
    });
  },
  async check(bytes) {
    const fingerprint = await parseFingerprint(bytes, "a.fingerprint.safetensors");
    const written = serializeFingerprint(fingerprint);
    const again = await parseFingerprint(written, "again.fingerprint.safetensors");
    must(Buffer.from(serializeFingerprint(again)).equals(written), "a deep part is written otherwise once it was read");
    const codes = [again, fingerprint].map((one) => JSON.stringify(registeredCodes(one)));
    mustEqual(...codes, "codes that were read");
    const [, base] = await sound();
    const facts = { location: "a", kind: "fingerprint", revision: null, bytesRead: 0, bytesTotal: 0 };
    const subject = (name, one, checkpoint = null) => ({ name, root: false, fingerprint: one, checkpoint });
    const options = { monteCarlo: false, deep: true };
    for (const other of [subject("b", base), subject("b", ...(await adapter()))]) {
      const result = await compareSubjects(subject("a", fingerprint), other, options);
      const inputs = {
        suspect: inputReport(facts, fingerprint),
        base: inputReport({ ...facts, location: "b" }, other.fingerprint),
      };
      const report = compareReport(RUN, inputs, result);
      mustBePlain(renderText(report, { colour: false }), "a report in text");
      parsedJson(toJson(report, 2), "a report in JSON");
    }
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

/** A LoRA of the first one's shapes, trained on nothing. */
async function adapter() {
  madeAdapter ??= checkpointOf(fileOf(new Random("adapter"), smallAdapter())).then(async (checkpoint) => [
    await takeFingerprint(checkpoint),
    checkpoint,
  ]);
  return madeAdapter;
}

let madeAdapter;

function smallAdapter() {
  return [0, 1].flatMap((layer) =>
    ["q", "v"].flatMap((role) => {
      const at = `base_model.model.model.layers.${layer}.self_attn.${role}_proj`;
      return [
        { name: `${at}.lora_A.weight`, dtype: "F32", shape: [4, 64] },
        { name: `${at}.lora_B.weight`, dtype: "F32", shape: [64, 4] },
      ];
    }),
  );
}

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
