/** What hides where a Llama-style model's weights come from and leaves what it computes alone; each takes a seed. */
import {
  flipGenerators,
  flipResidual,
  mixValues,
  permuteHeads,
  permuteNeurons,
  permuteResidual,
  rotateResidual,
  scaleNeurons,
  turnPlanes,
} from "../robustness/symmetries.mjs";

const all =
  (...moves) =>
  (seed) =>
  (view) =>
    moves.reduce((done, move) => move(seed)(done), view);

export const DISGUISES = [
  ["none", all()],
  ["stream permuted, signs turned", all(permuteResidual, flipResidual)],
  ["stream rotated", all(rotateResidual)],
  ["stream permuted, heads moved and mixed", all(permuteResidual, permuteHeads, mixValues, turnPlanes)],
  ["stream rotated, neurons renumbered", all(rotateResidual, permuteNeurons)],
  [
    "all symmetries",
    all(rotateResidual, permuteNeurons, scaleNeurons, permuteHeads, flipGenerators, mixValues, turnPlanes),
  ],
];
