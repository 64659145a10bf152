/**
 * The attacks of the suite. Each is `{ name, group, apply, sketch?, diluted?, trained? }`:
 *
 *   apply    from a view of the marked model to a view of the suspect
 *   sketch   coordinates or signs are lost: verified with the sketch too, and this is the r that the rest of the attack
 *            leaves once they are found again
 *   diluted  share of the weights that comes from the unmarked model, which takes its share of the mark away
 *   trained  `{ script, arguments }` of benchmarks/lab/watermark instead of `apply`
 */
import { alignedTo } from "./alignment.mjs";
import { noise, prune, soup } from "./drift.mjs";
import { errorFeedback, int4, int8, nf4 } from "./quantise.mjs";
import { dropLayers, fused, ggufOrder, padVocabulary } from "./storage.mjs";
import * as symmetry from "./symmetries.mjs";

const all =
  (...steps) =>
  (view) =>
    steps.reduce((changed, step) => step(changed), view);

/** Every symmetry at once, in an order that leaves none of them undone. */
const obfuscate = all(
  symmetry.permuteNeurons(11),
  symmetry.permuteHeads(12),
  symmetry.flipGenerators(13),
  symmetry.mixValues(14),
  symmetry.turnPlanes(15),
  symmetry.scaleNeurons(16),
  symmetry.rotateResidual(17),
  symmetry.permuteResidual(18),
  symmetry.flipResidual(19),
);

/**
 * @param base      view of the model before it was marked
 * @param stranger  view of another model of the same shape, or null
 * @param sibling   view of a fine-tune of the marked model's parent, or null
 * @param remark    marks a view's directory with another key, returns the new view; async
 */
export function attacksOf({ base, stranger, sibling, remark, trainable }) {
  const percent = (share) => `${Math.round(100 * share)} %`;
  const attacks = [
    { name: "none", group: "control", apply: (view) => view },
    { name: "int8 per row", group: "quantisation", apply: int8 },
    { name: "int4, groups of 128", group: "quantisation", apply: int4 },
    { name: "NF4, groups of 64", group: "quantisation", apply: nf4 },
    { name: "int4 with error feedback (GPTQ)", group: "quantisation", apply: errorFeedback },
    { name: "channel scales + int4 (AWQ)", group: "quantisation", apply: all(symmetry.scaleChannels(21), int4) },
    ...[0.2, 0.5, 0.8].map((share) => ({ name: `prune ${percent(share)}`, group: "drift", apply: prune(share) })),
    ...[0.05, 0.1, 0.3, 0.5, 1, 3.87].map((share) => ({
      name: `noise ${percent(share)}`,
      group: "drift",
      apply: noise(share),
    })),
    ...[0.1, 0.3, 0.5].map((share) => ({
      name: `soup, ${percent(share)} unmarked`,
      group: "soup",
      diluted: share,
      apply: (view) => soup(share, alignedTo(base, view))(view),
    })),
    ...(stranger ? [0.1, 0.3, 0.5] : []).map((share) => ({
      name: `soup, ${percent(share)} stranger`,
      group: "soup",
      apply: soup(share, stranger),
    })),
    ...(sibling ? [0.3, 0.5] : []).map((share) => ({
      name: `soup, ${percent(share)} fine-tune of the unmarked`,
      group: "soup",
      diluted: share,
      apply: (view) => soup(share, alignedTo(sibling, view))(view),
    })),
    { name: "marked again with another key", group: "marking", sketch: 1, apply: remark },
    { name: "gguf order of q and k", group: "storage", sketch: 1, apply: ggufOrder() },
    { name: "fused qkv and gate_up", group: "storage", apply: fused() },
    { name: "vocabulary padded by 256", group: "storage", apply: padVocabulary(256, 31) },
    { name: "norm gains folded", group: "symmetry", apply: symmetry.foldNorms() },
    { name: "channel scales", group: "symmetry", apply: symmetry.scaleChannels(22) },
    { name: "neuron scales", group: "symmetry", apply: symmetry.scaleNeurons(23) },
    { name: "neurons permuted", group: "symmetry", sketch: 1, apply: symmetry.permuteNeurons(24) },
    { name: "heads permuted", group: "symmetry", sketch: 1, apply: symmetry.permuteHeads(25) },
    { name: "residual permuted", group: "symmetry", sketch: 1, apply: symmetry.permuteResidual(26) },
    { name: "residual signs flipped", group: "symmetry", sketch: 1, apply: symmetry.flipResidual(27) },
    {
      name: "signs of neurons, values, planes flipped",
      group: "symmetry",
      sketch: 1,
      apply: symmetry.flipGenerators(28),
    },
    { name: "residual rotated", group: "symmetry", sketch: 1, apply: symmetry.rotateResidual(29) },
    { name: "V/O mixed", group: "symmetry", sketch: 1, apply: symmetry.mixValues(30) },
    { name: "Q/K planes turned", group: "symmetry", sketch: 1, apply: symmetry.turnPlanes(31) },
    { name: "5 % dummy neurons", group: "symmetry", sketch: 1, apply: symmetry.dummyNeurons(0.05, 32) },
    { name: "20 % of layers dropped", group: "cut", sketch: Math.sqrt(0.8), apply: dropLayers(0.2) },
    { name: "all symmetries", group: "symmetry", sketch: 1, apply: obfuscate },
    { name: "all symmetries + int4", group: "symmetry", sketch: 0.99, apply: all(obfuscate, int4) },
    { name: "all symmetries + noise 30 %", group: "symmetry", sketch: 0.95, apply: all(obfuscate, noise(0.3)) },
  ];
  if (!trainable) return attacks;
  return [
    ...attacks,
    {
      name: "full fine-tune",
      group: "training",
      trained: { script: "sft.py", arguments: recipe(base, ["2e-5", "1e-3"]) },
    },
    {
      name: "LoRA of rank 16, merged",
      group: "training",
      trained: { script: "lora.py", arguments: recipe(base, ["2e-4", "5e-3"]) },
    },
  ];
}

/** Models of a few layers of 128 take, and need, rates that would break a real one. */
function recipe({ config }, [usual, small]) {
  return ["--minutes", "4", "--rate", config.hidden_size < 512 ? small : usual];
}
