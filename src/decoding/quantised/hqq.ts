import { decodeToF32 } from "../../kernels/decode.ts";
import { beside, type Candidate, isBounded, type Packed, sizeOf } from "./layout.ts";
import { plainNumbers, type Stored } from "./numbers.ts";
import type { Blocks } from "./scale-blocks.ts";
import { scaled } from "./scaled.ts";
import { stripedCodes } from "./striped-codes.ts";

const FLOATS = new Set(["F32", "F16", "BF16"]);
const WIDTHS = new Set([1, 2, 3, 4, 8]);
/** Codes of 3 bits stand in words, ten each. */
const THREES = 10;

/**
 * HQQ: the matrix as groups, by its columns (axis 1) or across its rows (axis 0), packed over one another from the highest
 * bits down; (code - zero) x scale.
 *
 * Source: `HQQLinear.state_dict` and `BitPack` of hqq 0.2.8.
 */
export function hqq({ tensors }: Packed, codes: Stored): Candidate | string | null {
  if (!codes.name.endsWith(".W_q")) return null;
  const at = (ending: string): Stored | undefined => tensors.get(beside(codes.name, ".W_q", ending));
  const [scale, zero] = [at(".scale"), at(".zero")];
  const looks = [at(".shape"), at(".nbits"), at(".axis"), at(".group_size")];
  if (scale === undefined || zero === undefined) return "its scales and zeros are packed, or are not there";
  const fits = FLOATS.has(scale.dtype) && FLOATS.has(zero.dtype) && sizeOf(scale.shape) === sizeOf(zero.shape);
  if (!fits) return "its scales and zeros do not fit one another";
  const known = looks.filter((tensor) => tensor !== undefined);
  const numbers = known.every(({ dtype, shape }) => (dtype === "I32" || dtype === "I64") && sizeOf(shape) <= 2);
  if (known.length !== looks.length || !numbers) return "its shape, bits, axis or size of groups are not there";
  return {
    looks: known,
    finish(looked) {
      const [shape, [bits], [axis], [size]] = known.map(({ dtype }, i) => [...decodeToF32(looked[i]!, dtype)]) as [
        number[],
        number[],
        number[],
        number[],
      ];
      if (shape.length !== 2 || !isBounded(shape) || bits === undefined || !WIDTHS.has(bits))
        return "its shape or bits are none";
      const elements = sizeOf(shape);
      const groups = elements / size!;
      if (!Number.isInteger(groups) || groups < 1 || sizeOf(scale.shape) !== groups)
        return "its groups do not fit its shape";
      const unitBytes = bits === 3 ? 4 : 1;
      const perUnit = bits === 3 ? THREES : 8 / bits;
      // What is packed over one another are rows of the groups' matrix.
      const [rows, cols] = axis === 1 ? [groups, size!] : [size!, groups];
      const units = Math.ceil(rows / perUnit) * cols;
      if ((axis !== 0 && axis !== 1) || units * unitBytes !== codes.end - codes.begin)
        return "its codes do not fit its shape";
      const shifts = Array.from({ length: perUnit }, (_, k) => (perUnit - 1 - k) * bits);
      const blocks: Omit<Blocks, "numbers"> = {
        across: axis === 1 ? 1 : groups,
        cols: axis === 1 ? cols : 1,
        rowOf: axis === 1 ? (row) => row : () => 0,
      };
      const decoder = scaled({
        cols,
        codes: stripedCodes({ tensor: codes, units, unitBytes, shifts, bits }),
        scale: { numbers: plainNumbers(scale), ...blocks },
        zero: plainNumbers(zero),
        range: { lowest: 0, count: 2 ** bits },
      });
      const name = beside(codes.name, ".W_q", ".weight");
      const scheme = `HQQ ${bits} bit, groups of ${size}`;
      return { name, shape, scheme, decoder, uses: [codes, scale, zero, ...known].map((tensor) => tensor.name) };
    },
  };
}
