/** What a model may go through after its training, for the sibling curve: changes of every matrix but tables. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noise, prune } from "../robustness/drift.mjs";
import { mapTensors, openView, writeView } from "../robustness/model-view.mjs";

/** Values that share a scale when matrices are rounded. */
const GROUP = 32;

export const CHANGES = {
  int4: rounded(4),
  int3: rounded(3),
  int2: rounded(2),
  "noise 10 %": noise(0.1),
  "noise 30 %": noise(0.3),
  "noise 50 %": noise(0.5),
  "prune 30 %": prune(0.3),
  "prune 50 %": prune(0.5),
  "prune 70 %": prune(0.7),
};

/** Runs `use` on the folder of a changed copy of a model, which is removed afterwards. */
export async function withChanged(folder, change, use) {
  const parent = mkdtempSync(join(tmpdir(), "weightmark-changed-"));
  const view = openView(folder);
  try {
    const changed = join(parent, "model");
    writeView(CHANGES[change](view), changed);
    return await use(changed);
  } finally {
    view.close();
    rmSync(parent, { recursive: true });
  }
}

/** Symmetric, to the nearest level, one scale per group. */
function rounded(bits) {
  const top = 2 ** (bits - 1) - 1;
  return (view) =>
    mapTensors(view, ({ name, shape }) => {
      if (shape.length !== 2 || name.includes("embed")) return null;
      return (values) => {
        for (let i = 0; i < values.length; i += GROUP) round(values.subarray(i, i + GROUP), top);
        return values;
      };
    });
}

function round(group, top) {
  const scale = group.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0) / top;
  if (scale > 0) for (let i = 0; i < group.length; i++) group[i] = scale * Math.round(group[i] / scale);
}
