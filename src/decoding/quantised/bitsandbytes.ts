import { parsePythonJson } from "../../formats/python-json.ts";
import type { Decoder } from "../decoder.ts";
import { beside, type Candidate, isBounded, type Packed, sizeOf } from "./layout.ts";
import { nestedNumbers } from "./nested-numbers.ts";
import { plainNumbers, type Stored } from "./numbers.ts";
import { packedRows } from "./packed-rows.ts";
import { rescaled } from "./rescaled.ts";
import { scaled } from "./scaled.ts";
import { ascending, FP4_BITSANDBYTES, NF4 } from "./tables.ts";

const STATE = ".quant_state.bitsandbytes__";
const TABLES = new Map([
  ["nf4", NF4],
  ["fp4", FP4_BITSANDBYTES],
]);
/** What a state says is some hundred bytes long. */
const MAX_STATE = 4096;
/** Words and floats round the sixteen values of a table differently. */
const TABLE_ERROR = 1e-3;

/**
 * NF4 and FP4 of bitsandbytes: two codes a byte, the first in the high bits, blocks of the flat tensor scaled by `absmax`,
 * which may be quantised itself. The shape stands in a state in JSON, and is held against the number of bytes.
 *
 * Source: `QuantState` and the CPU kernels of bitsandbytes 0.50. As these do, the table is taken by the state's name; one
 * that is stored with the weights must agree.
 */
export function bitsandbytes4(packed: Packed, absmax: Stored): Candidate | string | null {
  if (!absmax.name.endsWith(".absmax") || absmax.name.endsWith(".nested_absmax")) return null;
  const name = beside(absmax.name, ".absmax", "");
  const codes = packed.tensors.get(name);
  if (codes === undefined) return null;
  const kind = [...TABLES.keys()].find((each) => packed.tensors.has(`${name}${STATE}${each}`));
  const at = (ending: string): Stored | undefined => packed.tensors.get(name + ending);
  const map = at(".quant_map");
  if (kind === undefined || map === undefined) return "it stands without a state that is known";
  const state = at(`${STATE}${kind}`)!;
  if (state.end - state.begin > MAX_STATE || map.dtype !== "F32" || sizeOf(map.shape) !== 16)
    return "its state does not fit";
  const [nestedAbsmax, nestedMap] = [at(".nested_absmax"), at(".nested_quant_map")];
  const nested = nestedAbsmax !== undefined && nestedMap !== undefined ? [nestedAbsmax, nestedMap] : [];
  const used = [codes, absmax, map, state, ...nested];
  return {
    looks: [state, map],
    finish([json, values]) {
      const said = stateOf(json!, kind);
      if (said === null) return "its state says nothing that can be used";
      const { shape, blocksize } = said;
      const elements = sizeOf(shape);
      if (!isBounded(shape) || Math.ceil(elements / 2) !== codes.end - codes.begin)
        return "its shape does not fit its codes";
      const table = TABLES.get(kind)!;
      const view = new DataView(values!.buffer, values!.byteOffset, values!.byteLength);
      if (!table.every((value, i) => Math.abs(value - view.getFloat32(i * 4, true)) < TABLE_ERROR)) {
        return `its table is not that of ${kind.toUpperCase()}`;
      }
      const blocks = Math.ceil(elements / blocksize);
      const scales = scalesOf(absmax, blocks, said, nested);
      if (scales === null) return "its absmax does not fit its codes";
      const decoder = scaled({
        cols: elements,
        codes: packedRows({ tensor: codes, cols: elements, bits: 4, rowBytes: 0, table, highFirst: true }),
        scale: { numbers: scales, across: blocks, cols: blocksize, rowOf: () => 0 },
        range: ascending(table),
        block: blocksize,
      });
      const scheme = `${kind.toUpperCase()}, blocks of ${blocksize}${nested.length > 0 ? ", nested scales" : ""}`;
      return { name, shape, scheme, decoder, uses: used.map((tensor) => tensor.name) };
    },
  };
}

interface State {
  readonly shape: readonly number[];
  readonly blocksize: number;
  readonly nestedBlocksize: number | null;
  readonly nestedOffset: number | null;
}

function stateOf(json: Uint8Array, kind: string): State | null {
  let state: unknown;
  try {
    state = parsePythonJson(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch {
    return null;
  }
  if (typeof state !== "object" || state === null) return null;
  const fields = new Map<string, unknown>(Object.entries(state));
  const [shape, blocksize] = [fields.get("shape"), fields.get("blocksize")];
  if (fields.get("quant_type") !== kind || !isPower(blocksize)) return null;
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every((side) => Number.isSafeInteger(side))) return null;
  const [nestedBlocksize, offset] = [fields.get("nested_blocksize"), fields.get("nested_offset")];
  return {
    shape,
    blocksize,
    nestedBlocksize: isPower(nestedBlocksize) ? nestedBlocksize : null,
    nestedOffset: typeof offset === "number" && Number.isFinite(offset) ? offset : null,
  };
}

function isPower(size: unknown): size is number {
  return typeof size === "number" && size >= 16 && size <= 4096 && Number.isInteger(Math.log2(size));
}

function scalesOf(
  absmax: Stored,
  blocks: number,
  { nestedBlocksize, nestedOffset }: State,
  [outer, map]: readonly Stored[],
): Decoder | null {
  if (sizeOf(absmax.shape) !== blocks) return null;
  if (absmax.dtype === "F32") return plainNumbers(absmax);
  if (absmax.dtype !== "U8" || outer === undefined || map === undefined) return null;
  if (nestedBlocksize === null || nestedOffset === null || outer.dtype !== "F32" || map.dtype !== "F32") return null;
  if (sizeOf(map.shape) !== 256 || sizeOf(outer.shape) !== Math.ceil(blocks / nestedBlocksize)) return null;
  return nestedNumbers({ codes: absmax, map, outer, size: nestedBlocksize, offset: nestedOffset });
}

/** Rows as they are, of the layouts that int8 models of bitsandbytes are stored in; the others are those of its kernels. */
const ROW_FORMAT = 0;

/**
 * int8 of bitsandbytes: rows scaled by `SCB` / 127.
 *
 * Source: `Int8Params` and `int8_vectorwise_dequant` of bitsandbytes 0.50.
 */
export function bitsandbytes8(packed: Packed, scb: Stored): Candidate | string | null {
  if (!scb.name.endsWith(".SCB")) return null;
  const name = beside(scb.name, ".SCB", ".weight");
  const codes = packed.tensors.get(name);
  if (codes === undefined || codes.dtype !== "I8") return null;
  const [rows, cols] = codes.shape as [number, number];
  const fits = codes.shape.length === 2 && isBounded(codes.shape) && scb.dtype === "F32" && sizeOf(scb.shape) === rows;
  if (!fits) return "its SCB does not fit its rows";
  const format = packed.tensors.get(beside(scb.name, ".SCB", ".weight_format"));
  if (format !== undefined && (format.dtype !== "U8" || sizeOf(format.shape) !== 1))
    return "its weight_format does not fit";
  return {
    looks: format === undefined ? [] : [format],
    finish([stored]) {
      if (stored !== undefined && stored[0] !== ROW_FORMAT)
        return `its weight_format is ${stored[0]}, the order of a kernel`;
      const scale = { numbers: rescaled(plainNumbers(scb), 127), across: 1, cols, rowOf: (row: number) => row };
      const decoder = scaled({ cols, codes: plainNumbers(codes), scale, range: { lowest: -127, count: 255 } });
      const uses = [codes.name, scb.name, ...(format === undefined ? [] : [format.name])];
      return { name, shape: codes.shape, scheme: "bitsandbytes int8", decoder, uses };
    },
  };
}
