import type { CanonicalTensor } from "./anatomy.ts";
import type { Parameter } from "./layer.ts";
import type { Reach } from "./reach.ts";
import { type Place, plainView, stridedView } from "./view.ts";

/** No kernel in use is wider (ConvNeXt has 7, RepLKNet 31). */
const WIDEST = 31;
/** With fewer input channels than this there is nothing to permute: the output channels are the labels. */
const FEWEST_LABELS = 8;
const IMAGE_CHANNELS = 3;

/** Axes of a convolution kernel, whichever way it lies. */
export interface Kernel {
  readonly outputs: number;
  readonly inputs: number;
  /** Positions of the kernel: height x width. */
  readonly size: number;
  /** Outputs vary fastest (TensorFlow, Flax), inputs come first (transposed), or outputs come first. */
  readonly layout: "outputs-first" | "outputs-last" | "inputs-first";
}

/** A parameter that is a convolution, with its place. */
export interface Convolution {
  readonly view: CanonicalTensor;
  readonly reach: Reach;
}

const CONVOLUTION = /conv/i;
const TRANSPOSED = /deconv|conv_?transpose|transpose_?conv|conv_?tr(?:\.|$)|up_?conv/i;
const FLAX = /(?:^|[./])(?:kernel|depthwise_kernel|pointwise_kernel)(?::0)?$/;

/** The kernel that a shape can only be, null for everything else; of three axes the name must not speak against it. */
export function kernelOf(shape: readonly number[], tensor: string): Kernel | null {
  if (shape.length < 3 || shape.length > 5 || shape.some((n) => n < 1)) return null;
  const [last, beforeLast] = [shape.at(-1) as number, shape.at(-2) as number];
  const name = tensor.slice(-512);
  const leading = shape.slice(0, -2);
  const isFlax =
    leading.every((n) => n <= WIDEST && n === leading[0]) &&
    (FLAX.test(name)
      ? CONVOLUTION.test(name) || shape.length > 3
      : shape.length > 3 && Math.max(last, beforeLast) > WIDEST);
  if (isFlax) {
    // Keras keeps depthwise kernels as [height, width, channels, 1].
    const [inputs, outputs] = last === 1 ? [1, beforeLast] : [beforeLast, last];
    return { outputs, inputs, size: product(leading), layout: "outputs-last" };
  }
  const sides = shape.slice(2);
  const [first, second] = shape as [number, number];
  if (sides.some((n) => n > WIDEST)) return null;
  if (shape.length === 3 && !CONVOLUTION.test(name) && Math.min(first, second) <= last) return null;
  const transposed = TRANSPOSED.test(name);
  return {
    outputs: transposed ? second : first,
    inputs: transposed ? first : second,
    size: product(sides),
    layout: transposed ? "inputs-first" : "outputs-first",
  };
}

/**
 * A kernel as a matrix with one column per input channel and one row per output channel and position. Kernels that read
 * an image or one channel each have one column per output channel instead.
 */
export function convolution({ shape, tensor }: Parameter, place: Place): Convolution | null {
  const kernel = kernelOf(shape, tensor);
  if (kernel === null) return null;
  const { outputs, inputs, size, layout } = kernel;
  const swapped = inputs < FEWEST_LABELS;
  const view = swapped ? byOutput(place, kernel) : byInput(place, kernel);
  if (view.rows < 2 || view.cols < 2) return null;
  if (!swapped) return { view, reach: { reads: inputs, writes: outputs, columns: "read" } };
  const depthwise = inputs === 1 && layout !== "inputs-first";
  // Of a few inputs that are no image's every group of outputs reads others: only its members are alike.
  const run = depthwise || inputs === IMAGE_CHANNELS || outputs % inputs !== 0 ? outputs : inputs;
  const reads = depthwise ? outputs : inputs;
  return { view, reach: { reads, writes: outputs, columns: "written", run } };

  function byInput(place: Place, { layout }: Kernel): CanonicalTensor {
    const rows = outputs * size;
    if (layout === "outputs-last") {
      const step = inputs * outputs;
      const offset = (row: number) => (row % size) * step + Math.floor(row / size);
      return stridedView(place, rows, inputs, offset, outputs);
    }
    if (layout === "inputs-first") return stridedView(place, rows, inputs, (row) => row, rows);
    const step = inputs * size;
    return stridedView(place, rows, inputs, (row) => Math.floor(row / size) * step + (row % size), size);
  }

  function byOutput(place: Place, { layout }: Kernel): CanonicalTensor {
    const rows = inputs * size;
    if (layout === "outputs-last") return plainView(place, rows, outputs);
    if (layout === "outputs-first") return stridedView(place, rows, outputs, (row) => row, rows);
    const step = outputs * size;
    return stridedView(place, rows, outputs, (row) => Math.floor(row / size) * step + (row % size), size);
  }
}

function product(numbers: readonly number[]): number {
  return numbers.reduce((result, n) => result * n, 1);
}
