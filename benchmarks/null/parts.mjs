/** Small parts of a checkpoint, held in memory as f32: what 100,000 keys can be tried on. */

import { isSpreadMatrix } from "../../dist/src/watermark/carriers/spread/matrices.js";
import { tokenMatrices } from "../../dist/src/watermark/carriers/tokens/token-matrix.js";
import { hostModel } from "../../dist/src/watermark/host/host-checkpoint.js";

const ORIENTED = new Set(["up", "down", "v", "o", "q", "k"]);

/**
 * Matrices of the spread carrier, the smallest first. A model whose matrices are all too small for the carrier is read in
 * longer ones: the same role of all layers, joined. The null does not depend on what the weights are.
 */
export async function spreadPart(checkpoint, limit) {
  const host = hostModel(checkpoint);
  const layers = host.matrices.filter(({ layer, role }) => layer >= 0 && role !== "embed" && role !== "head");
  const large = layers.filter(isSpreadMatrix);
  const readable = large.length > 0 ? large : joinedByRole(layers).filter(isSpreadMatrix);
  const chosen = within(
    [...readable].sort((a, b) => size(a) - size(b)),
    limit,
  );
  if (chosen.length === 0) return null;
  return { host: { ...host, matrices: await Promise.all(chosen.map(held)) }, weights: total(chosen) };
}

/** Whole layers for sign orientation, from the first on. */
export async function orientationPart(checkpoint, limit) {
  const host = hostModel(checkpoint);
  const chosen = [];
  const layers = Math.max(...host.matrices.map(({ layer }) => layer)) + 1;
  for (let n = 0; n < layers; n++) {
    const layer = host.matrices.filter((matrix) => matrix.layer === n && ORIENTED.has(matrix.role));
    if (n > 0 && total(chosen) + total(layer) > 2 * limit) break;
    chosen.push(...layer);
  }
  if (chosen.length === 0 || total(chosen) > 8 * limit) return null;
  return { host: { ...host, matrices: await Promise.all(chosen.map(held)) }, weights: total(chosen) };
}

/** The first tokens of the embedding. */
export async function tokenPart(checkpoint, limit) {
  const [matrix] = await tokenMatrices(checkpoint);
  if (!matrix) return null;
  const rows = Math.min(matrix.rows, Math.floor(limit / matrix.cols));
  const cut = await held({ ...matrix, rows });
  return { matrix: cut, weights: size(cut) };
}

async function held(matrix) {
  const { rows, cols } = matrix;
  const values = Float32Array.from(await matrix.read(0, rows));
  // The gain of the norm before a matrix is a function of the host model; a token matrix has it as it is.
  const gain = typeof matrix.gain === "function" ? await matrix.gain() : null;
  // `stored` would go back to the file, which is closed.
  const copy = {
    ...matrix,
    stored: undefined,
    read: async (first, count) => values.slice(first * cols, (first + count) * cols),
  };
  if (typeof matrix.gain === "function") copy.gain = async () => gain;
  return copy;
}

function joinedByRole(matrices) {
  const groups = new Map();
  for (const matrix of matrices) {
    const kind = `${matrix.role}/${matrix.cols}`;
    groups.set(kind, [...(groups.get(kind) ?? []), matrix]);
  }
  return [...groups.values()].map((group) => {
    const rows = group.reduce((n, matrix) => n + matrix.rows, 0);
    return {
      ...group[0],
      stored: undefined,
      rows,
      read: async (first, count) =>
        (await readAll(group)).slice(first * group[0].cols, (first + count) * group[0].cols),
    };
  });
}

async function readAll(group) {
  const parts = await Promise.all(group.map((matrix) => matrix.read(0, matrix.rows)));
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function within(matrices, limit) {
  const chosen = [];
  for (const matrix of matrices) if (chosen.length === 0 || total(chosen) + size(matrix) <= limit) chosen.push(matrix);
  return chosen;
}

const size = ({ rows, cols }) => rows * cols;
const total = (matrices) => matrices.reduce((sum, matrix) => sum + size(matrix), 0);
