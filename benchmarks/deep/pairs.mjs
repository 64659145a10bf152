/** Pairs of models and what is known of them: `{ truth, change, suspect, base, edit, disguises }`, edit a function of views. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { noise, prune, soup } from "../robustness/drift.mjs";
import { openView } from "../robustness/model-view.mjs";
import { int4 } from "../robustness/quantise.mjs";
import { DISGUISES } from "./disguises.mjs";

export const unchanged = (view) => view;

/** What gives tests of neurons and channels another draw: those that renumber neurons, and the same by another seed. */
const DRAWS = [
  DISGUISES[0],
  ...DISGUISES.slice(-2),
  ...DISGUISES.slice(-2).map(([name, move]) => [`${name}, again`, (seed) => move(seed + 1000)]),
];

/** All draws of every pair where `every` says so, else one disguise in turn. */
export function strangerPairs(directory, most, every) {
  const models = readdirSync(directory)
    .filter((name) => statSync(join(directory, name)).isDirectory())
    .sort()
    .slice(0, most)
    .map((name) => join(directory, name));
  let number = 0;
  return models.flatMap((suspect, i) =>
    models.slice(0, i).map((base) => {
      const disguises = every ? DRAWS : [DISGUISES[number++ % DISGUISES.length]];
      return { truth: "stranger", change: "", suspect, base, edit: unchanged, disguises };
    }),
  );
}

/** One sibling of every N, the disguises in turn; of the derivatives all, under all disguises. */
export function siblingPairs(manifest, every) {
  const folder = dirname(manifest);
  const listed = JSON.parse(readFileSync(manifest, "utf8")).filter(({ size }) => size !== "neox");
  const pairOf = ({ suspect, base, kind, baseSteps }, truth, disguises) => ({
    truth,
    change: truth === "derivative" ? `${kind}, base of ${baseSteps} steps` : "",
    suspect: join(folder, suspect),
    base: join(folder, base),
    edit: unchanged,
    disguises,
  });
  const siblings = listed.filter(({ expected }) => expected === "sibling").filter((_, i) => i % every === 0);
  const hidden = DISGUISES.length - 1;
  return [
    ...siblings.map((pair, i) => pairOf(pair, "sibling", [DISGUISES[1 + (i % hidden)]])),
    ...listed.filter(({ expected }) => expected === "derivative").map((pair) => pairOf(pair, "derivative", DISGUISES)),
  ];
}

export function derivativePairs(manifest) {
  const folder = dirname(manifest);
  return JSON.parse(readFileSync(manifest, "utf8"))
    .filter(({ expected, path }) => expected === "derived" && isLlama(join(folder, path)))
    .map(({ path, basePath, change }) => ({
      truth: "derivative",
      change,
      suspect: join(folder, path),
      base: join(folder, basePath),
      edit: unchanged,
      disguises: DISGUISES,
    }));
}

function isLlama(directory) {
  try {
    const view = openView(directory);
    view.close();
    return view.tensors.has("model.embed_tokens.weight") && view.tensors.has("model.layers.0.mlp.gate_proj.weight");
  } catch {
    return false;
  }
}

export function madePairs(bases, stranger) {
  const edits = [
    ["noise 20 %", noise(0.2)],
    ["int4, groups of 128", int4],
    ["prune 50 %", prune(0.5)],
    ["none", unchanged],
    ...(stranger ? [["half of a stranger", (view) => soup(0.5, openView(stranger))(view)]] : []),
  ];
  return bases.flatMap((base) =>
    edits.map(([change, edit]) => ({ truth: "derivative", change, suspect: base, base, edit, disguises: DISGUISES })),
  );
}
