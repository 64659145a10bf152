import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openView, writeView } from "./model-view.mjs";
import { similarity } from "./similarity.mjs";
import { shownPayload, verify } from "./watermark.mjs";

/** A mark must be found where Z^2 / (2 ln 2) of the predicted statistic is beyond this many bits. */
const CERTAIN_BITS = 80;

/**
 * Applies one attack, verifies the suspect blind and, where coordinates were lost, with the sketch.
 *
 * @returns one row or two, `{ name, group, found, r, predicted, ok }`; a row with `skipped` where it could not be run
 */
export async function measureAttack(attack, context, untouched) {
  const { name, group } = attack;
  const suspect = join(context.folder, "suspect");
  try {
    const skipped = await makeSuspect(attack, context, suspect);
    if (skipped !== null) return [{ name, group, skipped, ok: true }];
    const view = openView(suspect);
    const r = similarity(context.marked, view);
    view.close();
    const rows = [await measure(attack, context, untouched, suspect, { r, sketch: null })];
    // The owner knows what the mark says: claimed, all chips count and not the pilots alone.
    if (rows[0].found.payload === null && context.settings.payload !== null && !attack.sketch) {
      rows.push(await measure(attack, context, untouched, suspect, { r, sketch: null, claimed: true }));
    }
    if (attack.sketch && context.sketch) {
      rows.push(
        await measure(attack, context, untouched, suspect, {
          r: { linear: attack.sketch, embedding: attack.sketch },
          sketch: context.sketch,
        }),
      );
    }
    return rows;
  } finally {
    rmSync(suspect, { recursive: true, force: true });
    rmSync(join(context.folder, "remarked"), { recursive: true, force: true });
    rmSync(join(context.folder, "remarked.sketch"), { force: true });
  }
}

async function makeSuspect(attack, { marked, copy, python }, suspect) {
  if (attack.trained) {
    if (python === null) return "no --python";
    const script = fileURLToPath(new URL(`../lab/watermark/${attack.trained.script}`, import.meta.url));
    const done = spawnSync(python, [script, copy, suspect, ...attack.trained.arguments], { encoding: "utf8" });
    return done.status === 0 ? null : `training failed: ${done.stderr?.trim().split("\n").at(-1)}`;
  }
  const view = await attack.apply(marked);
  writeView(view, suspect);
  if (view.close !== marked.close) view.close();
  return null;
}

async function measure(attack, { key, settings }, untouched, suspect, { r, sketch, claimed = false }) {
  const found = await verify(suspect, key, settings, sketch, claimed ? settings.payload : null);
  // Where coordinates are lost, every carrier loses its own part of them: without the sketch nothing is predicted.
  const lost = attack.sketch && sketch === null;
  const predicted = lost ? null : predict(untouched, r, attack.diluted ?? 0, sketch !== null);
  const certain = predicted !== null && [...predicted.values()].some((z) => bits(z) > CERTAIN_BITS);
  const wrong = found.payload !== null && found.payload !== shownPayload(settings.payload);
  const name = `${attack.name}${sketch === null ? "" : " (sketch)"}${claimed ? " (payload claimed)" : ""}`;
  return { name, group: attack.group, found, r, predicted, wrong, ok: !wrong && (found.present || !certain) };
}

/**
 * r times the untouched statistic, less what a part of the unmarked model takes away. Signs are not read through a
 * sketch: alignment has chosen them.
 */
function predict({ statistics }, r, diluted, aligned) {
  return new Map(
    [...statistics].flatMap(([carrier, z]) => {
      if (aligned && carrier === "orientation") return [];
      // Signs are aligned before averaging, so sign orientation loses nothing by it.
      const left = carrier === "orientation" ? 1 : 1 - diluted;
      const similar = carrier === "embedding" || carrier === "head" ? r.embedding : r.linear;
      return similar === null ? [] : [[carrier, similar * left * z]];
    }),
  );
}

const bits = (z) => (z * z) / (2 * Math.LN2);
