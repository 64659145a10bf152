import { parseFingerprint, serializeFingerprint } from "../../../dist/src/fingerprint/file.js";
import { layerCodes } from "../../../dist/src/fingerprint/layer-codes.js";
import { compareSubjects } from "../../../dist/src/lineage/compare.js";
import { identifySubject } from "../../../dist/src/lineage/identify.js";
import { digestOf } from "../../../dist/src/registry/digest.js";
import { compareReport, fingerprintReport, identifyReport, inputReport } from "../../../dist/src/report/build.js";
import { toJson } from "../../../dist/src/report/escape.js";
import { renderText } from "../../../dist/src/report/text/render-text.js";
import { must, mustBePlain, mustEqual, parsedJson } from "../invariant.mjs";
import { changedManifestFile } from "../manifest-file.mjs";
import { tinyFingerprints } from "../memory-model.mjs";
import { registryOf } from "../memory-registry.mjs";
import { strangeFingerprint } from "../strange-fingerprint.mjs";

const RUN = { version: "0.0.0", startedAt: null, finishedAt: null };

/**
 * Fingerprint files: what is accepted is written again as it was read, can be held against a sound one, and what is reported of
 * it is safe to print.
 */
export const target = {
  name: "fingerprint",
  extension: "bin",
  async make(random) {
    if (random.chance(0.5)) return strangeFingerprint(random);
    return changedManifestFile(random, serializeFingerprint(random.pick(await tinyFingerprints())));
  },
  async check(bytes) {
    const fingerprint = await parseFingerprint(bytes, "a.fingerprint.safetensors");
    const written = serializeFingerprint(fingerprint);
    const again = await parseFingerprint(written, "again.fingerprint.safetensors");
    must(
      Buffer.from(serializeFingerprint(again)).equals(written),
      "a fingerprint is written otherwise once it was read",
    );
    // As text: a layer -0 is read as 0 once it was written.
    mustEqual(JSON.stringify(layerCodes(again)), JSON.stringify(layerCodes(fingerprint)), "codes that were read");
    const [base] = await tinyFingerprints();
    const facts = { location: "a", kind: "fingerprint", revision: null, bytesRead: 0, bytesTotal: 0 };
    const inputs = { suspect: inputReport(facts, fingerprint), base: inputReport({ ...facts, location: "b" }, base) };
    const subject = (name, one) => ({ name, root: false, fingerprint: one, checkpoint: null });
    const result = await compareSubjects(subject("a", fingerprint), subject("b", base));
    const entry = (name, one, parts = []) => ({ digest: digestOf(name), name, root: false, parts, fingerprint: one });
    const parts = [{ component: fingerprint.sketches[0]?.component ?? "", of: digestOf("b") }];
    const registry = registryOf([entry("a\u202e", fingerprint, parts), entry("b", base)]);
    const identified = [];
    for (const suspect of [fingerprint, base]) {
      identified.push(await identifySubject({ ...subject("c", suspect), parts }, registry));
    }
    const reports = [
      fingerprintReport(
        RUN,
        inputs.suspect,
        { location: "a", bytes: written.length, digest: digestOf(written) },
        fingerprint,
      ),
      compareReport(RUN, inputs, result),
      ...identified.map((one) => identifyReport(RUN, inputs.suspect, "registry", one)),
    ];
    for (const report of reports) {
      mustBePlain(renderText(report, { colour: false }), "a report in text");
      parsedJson(toJson(report, 2), "a report in JSON");
    }
  },
};
