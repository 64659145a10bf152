import type { InspectReport } from "../schemas/index.ts";
import { known, type ModelFinding, nothingOf } from "./model-finding.ts";

/** What the headers of a model say: of where it comes from nothing. */
export function ofInspect(report: InspectReport): ModelFinding {
  const { inputs, container, files, tensors, parameters, family, dtypes, schemes, adapter, notes } = report;
  const { location, revision, manifestRoot } = inputs.model;
  return {
    ...nothingOf(location),
    ...{ revision, family, parameters, caveats: notes },
    files: files.map(({ path, bytes, tensors: own }) => ({
      path,
      facts: [
        ["bytes", bytes],
        ["tensors", String(own)],
      ],
    })),
    facts: known([
      ["manifestRoot", manifestRoot],
      ["container", container],
      ["tensors", tensors],
      ["dtypes", dtypes.map((one) => `${one.tensors} ${one.dtype}`).join(", ")],
      ["schemes", schemes.length === 0 ? null : schemes.map((one) => `${one.tensors} ${one.scheme}`).join(", ")],
      ["adapter", adapter?.kind],
      // Whoever wrote adapter_config.json may have lied: no ancestor.
      ["adapterBaseAsItsFilesSay", adapter?.base],
    ]),
  };
}
