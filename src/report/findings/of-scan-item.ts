import type { ScanItemReport } from "../schemas/index.ts";
import { type ModelFinding, nothingOf } from "./model-finding.ts";

/** What a scan says of a model. What has no p-value is no match of a scan, so that all of these have one or are equal. */
export function ofScanItem(item: ScanItemReport): ModelFinding {
  const { id, name, location, revision, duplicateOf, summary, caveats, marks } = item;
  const { content, sampledRoot, family, parameters, verdict, matches } = item;
  return {
    ...nothingOf(location),
    ...{ id, name, revision, duplicateOf, summary, caveats, marks, content, sampledRoot, family, parameters, verdict },
    matches: matches.map((match) => ({ ...match, basis: null, input: null, isSameContent: false, facts: [] })),
  };
}
