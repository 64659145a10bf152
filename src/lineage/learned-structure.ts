import { singularValues } from "../numerics/svd.ts";

/** Leading singular value over the edge of noise from which a slice counts as trained; noise alone stays below 1.02. */
export const STRUCTURED = 1.05;
const ROUNDS = 2;

/**
 * Leading singular value of a height x width slice over the Marchenko-Pastur edge sqrt(height) + sqrt(width), after rows
 * and columns were brought to unit RMS (so that large rows and columns are not taken for structure). An initialisation
 * gives about 1 or less; what stands above is what training put there.
 */
export function learnedStructure(values: Float32Array, height: number, width: number): number {
  const x = new Float64Array(values);
  for (let round = 0; round < ROUNDS; round++) {
    scale(x, height, width, width, 1);
    scale(x, width, height, 1, width);
  }
  return singularValues(x, height, width)[0]! / (Math.sqrt(height) + Math.sqrt(width));
}

/** Brings each of `lines` vectors of `length` elements to unit RMS; zero vectors stay. */
function scale(x: Float64Array, lines: number, length: number, lineStride: number, stride: number): void {
  for (let i = 0; i < lines; i++) {
    let energy = 0;
    for (let j = 0; j < length; j++) energy += x[i * lineStride + j * stride]! ** 2;
    if (energy === 0) continue;
    const factor = Math.sqrt(length / energy);
    for (let j = 0; j < length; j++) x[i * lineStride + j * stride]! *= factor;
  }
}
