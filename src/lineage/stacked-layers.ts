import { kernelOf } from "../anatomy/convolution.ts";
import { parseTensorName } from "../anatomy/name.ts";
import type { Fingerprint } from "../fingerprint/fingerprint.ts";

/** Tensors that must have the axis in common, and the most layers that one axis can count. */
const FEWEST = 3;
const MOST_LAYERS = 4096;

/**
 * That a model keeps all layers in one tensor, in a way that cannot be read layer by layer, with what to do about it; null
 * where nothing looks like it: matrices of three axes, and norms of two, that have an axis in common.
 */
export function stackedLayers({ tensors, sketches }: Fingerprint): string | null {
  const layered = new Set(sketches.filter(({ layer }) => layer >= 0).map(({ component }) => component));
  const outside = tensors.filter(({ name, component }) => {
    return parseTensorName(name).layer < 0 && (component === null || !layered.has(component));
  });
  const matrices = outside.filter(({ shape, name }) => shape.length === 3 && kernelOf(shape, name) === null);
  const norms = outside.filter(({ shape }) => shape.length === 2);
  const found = [0, 1].flatMap((axis) => {
    const layers = matrices[0]?.shape[axis] as number;
    const isCommon = layers >= 2 && layers <= MOST_LAYERS && matrices.every(({ shape }) => shape[axis] === layers);
    const widths = new Set(matrices.flatMap(({ shape }) => shape.filter((_, i) => i !== axis)));
    const fits = norms.some(({ shape }) => shape[axis] === layers && widths.has(shape[1 - axis] as number));
    return matrices.length >= FEWEST && isCommon && fits ? [layers] : [];
  });
  if (found.length === 0) return null;
  const layers = Math.min(...found);
  return `${matrices.length} tensors seem to hold ${layers} layers each, stacked: split them into one tensor per layer`;
}

/** Whether most of a model lies in such tensors: what little was compared beside them says nothing of it. */
export function isMostlyStacked(fingerprint: Fingerprint): boolean {
  if (stackedLayers(fingerprint) === null) return false;
  const tested = fingerprint.sketches
    .filter(({ axis, tokens, twin }) => axis !== null && !tokens && !twin)
    .reduce((sum, { rows, cols }) => sum + rows * cols, 0);
  return 2 * tested < fingerprint.parameters;
}
