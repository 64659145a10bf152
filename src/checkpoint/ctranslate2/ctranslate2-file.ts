import type { ByteSource } from "../../bytes/byte-source.ts";
import { decodedSource } from "../../decoding/decoded-source.ts";
import type { Part } from "../../decoding/decoder.ts";
import { dividedDecoder } from "../../decoding/divided.ts";
import { type Ct2Model, type Ct2Variable, readCtranslate2 } from "../../formats/ctranslate2/read-ctranslate2.ts";
import { shownNames } from "../../formats/shown-names.ts";
import { DTYPE_BITS } from "../../formats/tensor-info.ts";
import type { ArrayFile, FoundTensor } from "../found-tensors.ts";
import { namesOf } from "./names.ts";

/** Characters of a name that notes show. */
const LONGEST = 120;
/** What 16 bits were multiplied by in models from before each had a scale of its own. */
const OLD_SCALE = 1000;
const F32_BYTES = 4;

/** Rows of a variable as they are given out. */
interface Piece {
  readonly name: string;
  readonly variable: Ct2Variable;
  readonly shape: readonly number[];
  /** Elements before its first one. */
  readonly before: number;
  readonly elements: number;
  /** Null for what is stored as it is. */
  readonly scale: { readonly start: number } | number | null;
}

/**
 * Reads a model of CTranslate2: its weights where they lie, those of 8 and 16 bits as plain values, under the names
 * of the model that
 * was converted where these are known.
 *
 * @throws the codes of `readCtranslate2`; CT2_MALFORMED for a scale that does not fit
 */
export async function readCtranslate2File(source: ByteSource): Promise<ArrayFile> {
  const model = await readCtranslate2(source);
  const { pieces, unread } = await piecesOf(model, source);
  const notes: string[] = [];
  if (namesOf(model) === null) {
    notes.push(
      `what a model of the kind ${JSON.stringify(model.spec)} was converted from is not known: its names are kept`,
    );
  }
  if (unread.length > 0) {
    notes.push(
      `weights of whole numbers without a scale that is understood were not read: ${shownNames(unread, LONGEST)}`,
    );
  }
  return { container: "ctranslate2", ...laidOut(source, pieces), notes };
}

async function piecesOf(model: Ct2Model, source: ByteSource): Promise<{ pieces: Piece[]; unread: string[] }> {
  const { variables } = model;
  const naming = namesOf(model);
  const pieces: Piece[] = [];
  const unread: string[] = [];
  for (const variable of variables.values()) {
    const { name, shape, dtype } = variable;
    // Numbers alone are settings, and so is what scales another variable.
    if (shape.length === 0 || (name.endsWith("_scale") && variables.has(name.slice(0, -"_scale".length)))) continue;
    const scale = await scaleOf(variable, variables, source);
    if (dtype === "I32" || scale === undefined) {
      unread.push(name);
      continue;
    }
    for (const { name: own, rows } of naming?.(name) ?? [{ name, rows: null }]) {
      const row = shape.slice(1).reduce((a, b) => a * b, 1);
      const [from, to] = rows ?? [0, shape[0]!];
      pieces.push({
        name: own,
        variable,
        shape: [to - from, ...shape.slice(1)],
        before: from * row,
        elements: (to - from) * row,
        scale: scale !== null && typeof scale !== "number" ? { start: scale.start + from * F32_BYTES } : scale,
      });
    }
  }
  return { pieces, unread };
}

/** What the codes of a variable were multiplied by; null for what is no code, undefined where nobody can say. */
async function scaleOf(
  { name, dtype, shape }: Ct2Variable,
  variables: ReadonlyMap<string, Ct2Variable>,
  source: ByteSource,
): Promise<Piece["scale"] | undefined> {
  if (dtype !== "I8" && dtype !== "I16") return null;
  const scale = variables.get(`${name}_scale`);
  // AWQ's codes have zero points as well.
  if (variables.has(`${name}_zero`)) return undefined;
  if (scale === undefined) return dtype === "I16" ? OLD_SCALE : undefined;
  const count = scale.shape.reduce((a, b) => a * b, 1);
  if (scale.dtype !== "F32") return undefined;
  if (count === shape[0] && count > 1) return { start: scale.begin };
  if (count !== 1) return undefined;
  const bytes = await source.read(scale.begin, scale.end);
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}

function laidOut(source: ByteSource, pieces: readonly Piece[]): Pick<ArrayFile, "source" | "tensors"> {
  if (pieces.every(({ scale }) => scale === null))
    return { source, tensors: pieces.map((piece) => placed(piece, startOf(piece))) };
  const parts: Part[] = [];
  const tensors: FoundTensor[] = [];
  let at = 0;
  for (const piece of pieces) {
    const begin = Math.ceil(at / F32_BYTES) * F32_BYTES;
    const tensor = placed(piece, begin);
    const { scale, variable, shape, elements } = piece;
    const start = startOf(piece);
    if (scale === null || elements === 0)
      parts.push({ begin, stored: { file: 0, start, end: start + tensor.end - begin } });
    else {
      const row = shape.slice(1).reduce((a, b) => a * b, 1);
      const type = variable.dtype as "I8" | "I16";
      parts.push({ begin, elements, decoder: dividedDecoder({ file: 0, start, type, scale, row }) });
    }
    tensors.push(tensor);
    at = tensor.end;
  }
  return { source: decodedSource(parts, [source], source.location), tensors };
}

function startOf({ variable, before }: Piece): number {
  return variable.begin + (before * DTYPE_BITS[variable.dtype]) / 8;
}

function placed({ name, variable, shape, elements, scale }: Piece, begin: number): FoundTensor {
  const dtype = scale === null ? variable.dtype : "F32";
  const tensor = { name, dtype, shape, begin, end: begin + (elements * DTYPE_BITS[dtype]) / 8 };
  return scale === null ? tensor : { ...tensor, scheme: `CTranslate2 int${DTYPE_BITS[variable.dtype]}` };
}
