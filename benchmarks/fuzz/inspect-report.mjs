import { adapterSummary } from "../../dist/src/anatomy/adapter.js";
import { describeAnatomy } from "../../dist/src/anatomy/describe.js";
import { contents, structure } from "../../dist/src/cli/inspect/contents.js";
import { emptyTensors, unusableTensors, valuesReport } from "../../dist/src/cli/inspect/values.js";
import { tensorHealth } from "../../dist/src/fingerprint/health.js";
import { outlinesOf, testableParts } from "../../dist/src/lineage/testable.js";
import { inspectReport } from "../../dist/src/report/build.js";
import { toJson } from "../../dist/src/report/escape.js";
import { manifestRoot } from "../../dist/src/report/manifest-root.js";
import { renderText } from "../../dist/src/report/text/render-text.js";
import { mustBePlain, mustEqual, parsedJson } from "./invariant.mjs";

const RUN = { version: "0.0.0", startedAt: null, finishedAt: null };

/** What `inspect` says of a model, whose publisher chose every name in it, is JSON and acts on no terminal. */
export async function mustInspectSafely(checkpoint, base = null) {
  const { tensors, config, location, container, notes } = checkpoint;
  const anatomy = describeAnatomy(tensors, config);
  const adapter = adapterSummary(tensors.keys());
  const health = await tensorHealth(checkpoint);
  const testable = testableParts({ sketches: outlinesOf(anatomy, tensors, unusableTensors(health)) });
  const root = manifestRoot(tensors.values());
  const model = { location, kind: "model", revision: null, manifestRoot: root, bytesRead: "0", bytesTotal: "0" };
  const report = inspectReport(RUN, {
    inputs: { model },
    container,
    ...contents(checkpoint),
    family: anatomy.family,
    confidence: anatomy.confidence,
    ...structure(anatomy, testable),
    adapter: adapter === null ? null : { ...adapter, base },
    values: valuesReport(health),
    empty: emptyTensors(checkpoint),
    notes: [...notes, ...anatomy.notes],
  });
  mustBePlain(renderText(report, { colour: false }), "what inspect says");
  mustBePlain(renderText(report, { colour: true }), "what inspect says in colour", true);
  const json = toJson(report, 2);
  mustBePlain(json, "what inspect says in JSON");
  mustEqual(
    parsedJson(json, "what inspect says in JSON"),
    JSON.parse(JSON.stringify(report)),
    "what inspect says in JSON",
  );
}
