import { beside, type Candidate, isBounded, known, type Packed, sameShape, sizeOf } from "./layout.ts";
import { plainNumbers, type Stored } from "./numbers.ts";
import { packedRows } from "./packed-rows.ts";
import { scaled } from "./scaled.ts";
import { ascending, E2M1 } from "./tables.ts";

const FLOATS = new Set(["F32", "F16", "BF16"]);
const BITS = [2, 3, 4, 5, 6, 8];
const GROUPS = new Set([32, 64, 128]);

/**
 * Quantised linears and embeddings of MLX: words along inputs without gaps, `code x scale + bias` in groups. Words and groups
 * fit several numbers of bits, which then differ in how many inputs there are: that must be a size that the model has, and
 * where several are, its config says which. Without biases the scales are bytes: MXFP4 or NVFP4, which their number tells.
 *
 * Source: `mlx.core.quantize` of MLX 0.32.
 */
export function mlx(packed: Packed, scales: Stored): Candidate | string | null {
  if (!scales.name.endsWith(".scales")) return null;
  const module = beside(scales.name, ".scales", "");
  const codes = packed.tensors.get(`${module}.weight`);
  if (codes === undefined || codes.dtype !== "U32") return null;
  const biases = packed.tensors.get(`${module}.biases`);
  const [words, groups] = [codes.shape.at(-1) ?? 0, scales.shape.at(-1) ?? 0];
  const lead = codes.shape.slice(0, -1);
  if (lead.length < 1 || !sameShape(lead, scales.shape.slice(0, -1))) return "its scales do not fit its codes";
  const parts = { name: codes.name, codes, scales, lead, words, groups };
  if (biases === undefined) return floats(parts);
  if (!FLOATS.has(scales.dtype) || biases.dtype !== scales.dtype || !sameShape(biases.shape, scales.shape)) {
    return "its biases do not fit its scales";
  }
  const widths = widthsOf(packed, words, groups);
  const { bits: said, groupSize } = packed.settings.moduleOf(module);
  const isSaid = (bits: number) => bits === said && (groupSize === null || (words * 32) / bits / groups === groupSize);
  const bits = chosen(widths, widths.find(isSaid), commonBits(packed, words, groups));
  if (typeof bits === "string") return bits;
  const cols = (words * 32) / bits;
  const shape = [...lead, cols];
  if (!isBounded(shape)) return "its shape is out of bounds";
  const size = cols / groups;
  const decoder = scaled({
    cols,
    codes: packedRows({ tensor: codes, cols, bits, rowBytes: words * 4 }),
    scale: { numbers: plainNumbers(scales), across: groups, cols: size, rowOf: (row) => row },
    bias: plainNumbers(biases),
    range: { lowest: 0, count: 2 ** bits },
  });
  const uses = [codes.name, scales.name, biases.name];
  return known({ name: codes.name, shape, scheme: `MLX ${bits} bit, groups of ${size}`, decoder, uses });
}

/** Numbers of bits with which a linear has as many inputs as something in the model is long. */
function widthsOf({ sides }: Packed, words: number, groups: number): readonly number[] {
  return BITS.filter((bits) => {
    const cols = (words * 32) / bits;
    return Number.isInteger(cols) && GROUPS.has(cols / groups) && sides.has(cols);
  });
}

/** What the linear shows by itself, else what all linears of the model have in common, else what config.json says of it. */
function chosen(widths: readonly number[], said: number | undefined, common: number | undefined): number | string {
  if (widths.length === 1) return widths[0]!;
  return common ?? said ?? "its words fit no number of bits, or more than one";
}

const common = new WeakMap<Packed, ReadonlySet<string>>();

/** Bits and size of groups that fit every linear of the model, where they are one pair: the bits of this linear then. */
function commonBits(packed: Packed, words: number, groups: number): number | undefined {
  let pairs = common.get(packed);
  if (pairs === undefined) {
    pairs = commonPairs(packed);
    common.set(packed, pairs);
  }
  if (pairs.size !== 1) return undefined;
  return widthsOf(packed, words, groups).find((bits) => pairs.has(`${bits} ${(words * 32) / bits / groups}`));
}

function commonPairs(packed: Packed): ReadonlySet<string> {
  let left: Set<string> | null = null;
  for (const { name, dtype, shape } of packed.tensors.values()) {
    if (dtype !== "U32" || !name.endsWith(".weight")) continue;
    const groups = packed.tensors.get(beside(name, ".weight", ".scales"))?.shape.at(-1) ?? 0;
    const words = shape.at(-1) ?? 0;
    const own: string[] = widthsOf(packed, words, groups).map((bits) => `${bits} ${(words * 32) / bits / groups}`);
    left = new Set(left === null ? own : own.filter((pair) => left!.has(pair)));
  }
  return left ?? new Set();
}

interface FloatParts {
  readonly name: string;
  readonly codes: Stored;
  readonly scales: Stored;
  readonly lead: readonly number[];
  readonly words: number;
  readonly groups: number;
}

function floats({ name, codes, scales, lead, words, groups }: FloatParts): Candidate | string {
  // Eight codes a word, blocks of 32 or 16.
  const size = (words * 8) / groups;
  if (scales.dtype !== "U8" || (size !== 32 && size !== 16)) return "it stands without its biases";
  const shape = [...lead, words * 8];
  if (!isBounded(shape)) return "its shape is out of bounds";
  const cols = sizeOf(shape);
  const decoder = scaled({
    cols,
    codes: packedRows({ tensor: codes, cols, bits: 4, rowBytes: 0, table: E2M1 }),
    scale: {
      numbers: plainNumbers(scales, size === 32 ? "F8_E8M0" : "F8_E4M3"),
      across: cols / size,
      cols: size,
      rowOf: () => 0,
    },
    range: ascending(E2M1),
  });
  return known({ name, shape, scheme: size === 32 ? "MXFP4" : "NVFP4", decoder, uses: [codes.name, scales.name] });
}
