import type { RawTensor } from "./raw-model.ts";

/** Weights of a linear, [out, in] row by row. */
export interface Weights {
  readonly out: number;
  readonly into: number;
  readonly values: Float32Array;
}

/** A linear as it is stored, and the values that are then meant, by the definition of the layout. */
export interface PackedLinear {
  readonly tensors: RawTensor[];
  readonly values: Float32Array;
}

/** Packs a linear by its module's name ("model.layers.0.mlp.up_proj"). */
export type Packer = (module: string, weights: Weights) => PackedLinear;

export const NF4_VALUES = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** E2M1 by code. */
export const E2M1_VALUES = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
}

/** Codes of `bits`, one after the other from the lowest bit of the first byte on. */
export function bitStream(codes: readonly number[], bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((codes.length * bits) / 8));
  codes.forEach((code, i) => {
    for (let b = 0; b < bits; b++) {
      const at = i * bits + b;
      bytes[at >>> 3]! |= ((code >>> b) & 1) << (at & 7);
    }
  });
  return bytes;
}

function nearest(table: readonly number[], value: number): number {
  let best = 0;
  for (let i = 1; i < table.length; i++) if (Math.abs(table[i]! - value) < Math.abs(table[best]! - value)) best = i;
  return best;
}

interface Affine {
  readonly codes: number[];
  readonly scales: number[];
  readonly zeros: number[];
  /** (code - zero) x scale. */
  readonly values: Float32Array;
}

/** Codes 0 to 2^bits - 1 of each group of `size` neighbours in a row, [out, groups]. */
function affine({ out, into, values }: Weights, bits: number, size: number, isSymmetric: boolean): Affine {
  const top = 2 ** bits - 1;
  const result: Affine = { codes: [], scales: [], zeros: [], values: new Float32Array(values.length) };
  for (let o = 0; o < out; o++) {
    for (let g = 0; g < into; g += size) {
      const group = [...values.subarray(o * into + g, o * into + Math.min(into, g + size))];
      const [low, high] = [Math.min(0, ...group), Math.max(0, ...group)];
      const range = isSymmetric ? 2 * Math.max(-low, high) : high - low;
      const scale = range === 0 ? 1 : Math.fround(range / top);
      const zero = isSymmetric ? 2 ** (bits - 1) : Math.round(-low / scale);
      result.scales.push(scale);
      result.zeros.push(zero);
      for (const w of group) {
        const code = Math.min(top, Math.max(0, Math.round(w / scale) + zero));
        result.values[result.codes.push(code) - 1] = (code - zero) * scale;
      }
    }
  }
  return result;
}

function transposed<T>(rows: readonly T[], height: number): T[] {
  const width = rows.length / height;
  return Array.from({ length: rows.length }, (_, i) => rows[(i % height) * width + Math.floor(i / height)]!);
}

function columnsPacked(codes: readonly number[], cols: number, bits: number): Uint8Array {
  const rows = codes.length / cols;
  const words = Math.ceil((rows * bits) / 32);
  const packed = new Uint8Array(words * cols * 4);
  for (let c = 0; c < cols; c++) {
    const stream = bitStream(
      Array.from({ length: rows }, (_, r) => codes[r * cols + c]!),
      bits,
    );
    stream.forEach((byte, i) => {
      packed[((i >>> 2) * cols + c) * 4 + (i & 3)] = byte;
    });
  }
  return packed;
}

export interface GptqOptions {
  readonly bits: number;
  readonly size: number;
  /** Zero points as they are ("gptq_v2"). @default less one */
  readonly version2?: boolean;
  readonly symmetric?: boolean;
  /** Group of each input, in the place of neighbours. */
  readonly order?: readonly number[];
}

export function gptqPacker({ bits, size, version2 = false, symmetric = true, order }: GptqOptions): Packer {
  return (module, weights) => {
    const { out, into, values } = weights;
    const groupOf = order ?? Array.from({ length: into }, (_, i) => Math.floor(i / size));
    const groups = Math.max(...groupOf) + 1;
    // Inputs of a group side by side, to be packed as neighbours, then back.
    const sorted = [...groupOf.keys()].sort((a, b) => groupOf[a]! - groupOf[b]! || a - b);
    const gathered = Float32Array.from(values, (_, i) => values[i - (i % into) + sorted[i % into]!]!);
    const { codes, scales, zeros, values: meant } = affine({ out, into, values: gathered }, bits, size, symmetric);
    const back = Array<number>(codes.length);
    const unsorted = new Float32Array(codes.length);
    codes.forEach((code, i) => {
      const at = i - (i % into) + sorted[i % into]!;
      back[at] = code;
      unsorted[at] = meant[i]!;
    });
    const mask = 2 ** bits - 1;
    const storedZeros = transposed(zeros, out).map((zero) => (version2 ? zero : zero - 1) & mask);
    const zeroRows = Array.from({ length: groups }, (_, g) =>
      bitStream(storedZeros.slice(g * out, (g + 1) * out), bits),
    );
    const tensors: RawTensor[] = [
      {
        name: `${module}.qweight`,
        dtype: "I32",
        shape: [(into * bits) / 32, out],
        bytes: columnsPacked(transposed(back, out), out, bits),
      },
      { name: `${module}.qzeros`, dtype: "I32", shape: [groups, (out * bits) / 32], bytes: Buffer.concat(zeroRows) },
      {
        name: `${module}.scales`,
        dtype: "F32",
        shape: [groups, out],
        bytes: bytesOf(Float32Array.from(transposed(scales, out))),
      },
      { name: `${module}.g_idx`, dtype: "I32", shape: [into], bytes: bytesOf(Int32Array.from(groupOf)) },
    ];
    return { tensors, values: unsorted };
  };
}

const AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7];

function awqPacked(codes: readonly number[]): Uint8Array {
  const reordered = codes.map((_, i) => codes[i - (i % 8) + AWQ_ORDER[i % 8]!]!);
  return bitStream(reordered, 4);
}

export function awqPacker(size: number): Packer {
  return (module, weights) => {
    const { out, into } = weights;
    const { codes, scales, zeros, values } = affine(weights, 4, size, false);
    const tensors: RawTensor[] = [
      { name: `${module}.qweight`, dtype: "I32", shape: [into, out / 8], bytes: awqPacked(transposed(codes, out)) },
      {
        name: `${module}.qzeros`,
        dtype: "I32",
        shape: [into / size, out / 8],
        bytes: awqPacked(transposed(zeros, out)),
      },
      {
        name: `${module}.scales`,
        dtype: "F32",
        shape: [into / size, out],
        bytes: bytesOf(Float32Array.from(transposed(scales, out))),
      },
    ];
    return { tensors, values: values };
  };
}

/** Blocks of a flat tensor, their largest size as a scale, the first code of a byte in its high bits. */
export function nf4Packer(blocksize: number): Packer {
  return (module, { out, into, values }) => {
    const codes: number[] = [];
    const absmax: number[] = [];
    for (let at = 0; at < values.length; at += blocksize) {
      const block = values.subarray(at, at + blocksize);
      const scale = block.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      absmax.push(scale);
      for (const w of block) codes.push(nearest(NF4_VALUES, w / scale));
    }
    const meant = Float32Array.from(
      codes,
      (code, i) => Math.fround(NF4_VALUES[code]!) * absmax[Math.floor(i / blocksize)]!,
    );
    const packed = Uint8Array.from({ length: codes.length / 2 }, (_, i) => (codes[2 * i]! << 4) | codes[2 * i + 1]!);
    const state = { quant_type: "nf4", blocksize, dtype: "bfloat16", shape: [out, into] };
    const json = new TextEncoder().encode(JSON.stringify(state));
    const name = `${module}.weight`;
    const tensors: RawTensor[] = [
      { name, dtype: "U8", shape: [packed.length, 1], bytes: packed },
      { name: `${name}.absmax`, dtype: "F32", shape: [absmax.length], bytes: bytesOf(Float32Array.from(absmax)) },
      { name: `${name}.quant_map`, dtype: "F32", shape: [16], bytes: bytesOf(Float32Array.from(NF4_VALUES)) },
      { name: `${name}.quant_state.bitsandbytes__nf4`, dtype: "U8", shape: [json.length], bytes: json },
    ];
    return { tensors, values: meant };
  };
}

/** Rows scaled so that their largest weight is 127. */
export const int8Packer: Packer = (module, { out, into, values }) => {
  const scb = Float32Array.from({ length: out }, (_, o) =>
    values.subarray(o * into, (o + 1) * into).reduce((most, w) => Math.max(most, Math.abs(w)), 0),
  );
  const codes = Int8Array.from(values, (w, i) => Math.round((w * 127) / scb[Math.floor(i / into)]!));
  const tensors: RawTensor[] = [
    { name: `${module}.weight`, dtype: "I8", shape: [out, into], bytes: bytesOf(codes) },
    { name: `${module}.SCB`, dtype: "F32", shape: [out], bytes: bytesOf(scb) },
    { name: `${module}.weight_format`, dtype: "U8", shape: [], bytes: Uint8Array.of(0) },
  ];
  return {
    tensors,
    values: Float32Array.from(codes, (code, i) => code * Math.fround(scb[Math.floor(i / into)]! / 127)),
  };
};

/** Nearest E4M3 code. */
export function e4m3(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0;
  const size = Math.min(448, Math.abs(value));
  if (size < 2 ** -10) return sign;
  const exponent = Math.max(-6, Math.floor(Math.log2(size)));
  const steps = Math.round(size / 2 ** (exponent - 3));
  // Sixteen eighths are the next power of two.
  return sign | (exponent === -6 && steps < 8 ? steps : (exponent + 7) * 8 + steps - 8);
}

function e4m3Value(code: number): number {
  const [exponent, steps] = [(code >> 3) & 15, code & 7];
  const size = exponent === 0 ? steps * 2 ** -9 : (8 + steps) * 2 ** (exponent - 10);
  return code < 0x80 ? size : -size;
}

/** DeepSeek's: a scale for each block of `size` x `size`. */
export function fp8BlockPacker(size: number): Packer {
  return (module, { out, into, values }) => {
    const [down, across] = [Math.ceil(out / size), Math.ceil(into / size)];
    const scales = new Float32Array(down * across);
    const blockOf = (i: number): number =>
      Math.floor(Math.floor(i / into) / size) * across + Math.floor((i % into) / size);
    values.forEach((w, i) => {
      scales[blockOf(i)] = Math.max(scales[blockOf(i)]!, Math.abs(w) / 448);
    });
    const codes = Uint8Array.from(values, (w, i) => e4m3(w / scales[blockOf(i)]!));
    const tensors: RawTensor[] = [
      { name: `${module}.weight`, dtype: "F8_E4M3", shape: [out, into], bytes: codes },
      { name: `${module}.weight_scale_inv`, dtype: "F32", shape: [down, across], bytes: bytesOf(scales) },
    ];
    return { tensors, values: Float32Array.from(codes, (code, i) => e4m3Value(code) * scales[blockOf(i)]!) };
  };
}

export function mlxPacker(bits: number, size: number): Packer {
  return (module, weights) => {
    const { out, into } = weights;
    const { codes, scales, zeros } = affine(weights, bits, size, false);
    const biases = Float32Array.from(scales, (scale, i) => -scale * zeros[i]!);
    const meant = Float32Array.from(
      codes,
      (code, i) => code * scales[Math.floor(i / size)]! + biases[Math.floor(i / size)]!,
    );
    const tensors: RawTensor[] = [
      { name: `${module}.weight`, dtype: "U32", shape: [out, (into * bits) / 32], bytes: bitStream(codes, bits) },
      { name: `${module}.scales`, dtype: "F32", shape: [out, into / size], bytes: bytesOf(Float32Array.from(scales)) },
      { name: `${module}.biases`, dtype: "F32", shape: [out, into / size], bytes: bytesOf(biases) },
    ];
    return { tensors, values: meant };
  };
}

/** compressed-tensors' "pack-quantized". */
export function packQuantizedPacker(bits: number, size: number, symmetric: boolean): Packer {
  return (module, weights) => {
    const { out, into } = weights;
    const { codes, scales, zeros, values } = affine(weights, bits, size, symmetric);
    const groups = into / size;
    const words = Math.ceil((into * bits) / 32);
    const rows = Array.from({ length: out }, (_, o) => {
      const row = new Uint8Array(words * 4);
      row.set(bitStream(codes.slice(o * into, (o + 1) * into), bits));
      return row;
    });
    const zeroPoint: RawTensor = {
      name: `${module}.weight_zero_point`,
      dtype: "I32",
      shape: [Math.ceil((out * bits) / 32), groups],
      bytes: columnsPacked(zeros, groups, bits),
    };
    const tensors: RawTensor[] = [
      { name: `${module}.weight_packed`, dtype: "I32", shape: [out, words], bytes: Buffer.concat(rows) },
      { name: `${module}.weight_scale`, dtype: "F32", shape: [out, groups], bytes: bytesOf(Float32Array.from(scales)) },
      {
        name: `${module}.weight_shape`,
        dtype: "I64",
        shape: [2],
        bytes: bytesOf(BigInt64Array.of(BigInt(out), BigInt(into))),
      },
      ...(symmetric ? [] : [zeroPoint]),
    ];
    return { tensors, values: values };
  };
}

/** Exponents and codes of blocks of 32, for `weight_packed` of compressed-tensors. */
export const mxfp4Packer: Packer = (module, { out, into, values }) => {
  const codes: number[] = [];
  const exponents: number[] = [];
  for (let at = 0; at < values.length; at += 32) {
    const block = values.subarray(at, at + 32);
    const most = block.reduce((size, w) => Math.max(size, Math.abs(w)), 2 ** -100);
    const exponent = Math.floor(Math.log2(most)) - 2;
    exponents.push(exponent + 127);
    for (const w of block) codes.push(nearest(E2M1_VALUES, w / 2 ** exponent));
  }
  const tensors: RawTensor[] = [
    { name: `${module}.weight_packed`, dtype: "U8", shape: [out, into / 2], bytes: bitStream(codes, 4) },
    { name: `${module}.weight_scale`, dtype: "U8", shape: [out, into / 32], bytes: Uint8Array.from(exponents) },
  ];
  return {
    tensors,
    values: Float32Array.from(codes, (code, i) => E2M1_VALUES[code]! * 2 ** (exponents[Math.floor(i / 32)]! - 127)),
  };
};
