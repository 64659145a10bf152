/** Models of any width compared as wide ones are: by their parts in one frame of tokens, and what deep tests say of these alone. */
import { deepModel } from "../../dist/src/deep/deep-model.js";
import { partEvidence } from "../../dist/src/deep/part-evidence.js";
import { frameImage } from "../../dist/src/deep/stream-image.js";
import { counterpart, takeDeepPart } from "../../dist/src/deep/take-part.js";
import { sharedFrame } from "../../dist/src/deep/token-list.js";
import { openCheckpoint } from "../../dist/src/index.js";
import { deepFinding } from "../../dist/src/lineage/deep-finding.js";
import { memoryCheckpoint } from "../calibration/memory-checkpoint.mjs";
import { openView } from "../robustness/model-view.mjs";
import { rowOf } from "./judge.mjs";

export async function judgeWide(pairs) {
  const rows = [];
  const bases = new Map();
  for (const [number, pair] of pairs.entries()) {
    const base = bases.get(pair.base) ?? (await deepModel(await openCheckpoint(pair.base)));
    bases.set(pair.base, base);
    const view = openView(pair.suspect);
    for (const [disguise, move] of pair.disguises) {
      const moved = move(101 + number)(pair.edit(view));
      const tensors = [...moved.tensors.values()].map(({ name, shape, read }) => [name, shape, read()]);
      const finding = await findingOf(base, await deepModel(memoryCheckpoint(tensors)));
      const { basis, strength } = finding;
      rows.push(rowOf(pair, disguise, { ...finding, deep: { basis, strength }, direction: "not-established" }));
    }
    view.close();
  }
  return rows;
}

async function findingOf(base, suspect) {
  const part = await takeDeepPart(base, false, sharedFrame(base, suspect), true);
  const [own, theirs] = await counterpart(suspect, part, false, true, await frameImage(part, base, suspect));
  return deepFinding(partEvidence(theirs, own), 0);
}
