import { beside, type Candidate, type Packed } from "./layout.ts";
import type { Stored } from "./numbers.ts";
import { scaledBy } from "./scaled-layout.ts";

/**
 * Tensors of 8 bits as libraries write subclasses of a tensor, part by part: `weight._data` and `weight._scale` of quanto,
 * `_weight_qdata`, `_weight_scale` and `_weight_zero_point` of torchao. Their codes of 4 bits are packed over one another or
 * by kernels and keep their shape elsewhere: these are not understood.
 *
 * Sources: `WeightQBytesTensor` of optimum-quanto 0.2.7, `prototype/safetensors` of torchao 0.18.
 */
export function tensorSubclass(packed: Packed, codes: Stored): Candidate | string | null {
  if (codes.name.endsWith("._data._data"))
    return "quanto keeps the shape of codes of 2 and 4 bits outside of the tensors";
  if (codes.name.endsWith("._data")) {
    const name = beside(codes.name, "._data", "");
    const scale = packed.tensors.get(`${name}._scale`);
    if (scale === undefined) return null;
    return packed.tensors.has(`${name}._shift`)
      ? "quanto keeps the shape of codes of 2 and 4 bits outside of the tensors"
      : rowsOnly(packed, { name, weight: codes, scale });
  }
  if (!codes.name.endsWith("_qdata")) return null;
  const found = /^(.*\.|)_([^.]+)_qdata$/.exec(codes.name);
  if (found === null) return null;
  const stem = codes.name.slice(0, -"qdata".length);
  const scale = packed.tensors.get(`${stem}scale`);
  if (scale === undefined) return null;
  const zero = packed.tensors.get(`${stem}zero_point`);
  return rowsOnly(packed, { name: `${found[1]}${found[2]}`, weight: codes, scale, zero });
}

/** Codes of 4 bits are bytes as well, with scales that lie across: only scales of rows say that a byte is a value. */
function rowsOnly(packed: Packed, parts: Parameters<typeof scaledBy>[1]): Candidate | string {
  const { weight, scale, zero } = parts;
  const isOfRows = scale.shape[0] === weight.shape[0] && (scale.shape.length === 1 || scale.shape[1] === 1);
  const isWhole = scale.shape.every((side) => side === 1);
  if (weight.dtype === "I8" && !isOfRows && !isWhole)
    return "nothing tells whether its bytes are values or pairs of them";
  return scaledBy(packed, zero !== undefined && weight.dtype !== "I8" ? { ...parts, zero: undefined } : parts);
}
