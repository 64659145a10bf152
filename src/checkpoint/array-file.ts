import type { ByteSource } from "../bytes/byte-source.ts";
import { decodedSource } from "../decoding/decoded-source.ts";
import type { Part } from "../decoding/decoder.ts";
import { stridedDecoder } from "../decoding/strided.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { recogniseForeignFile } from "../formats/foreign-file.ts";
import { readNpy } from "../formats/numpy/read-npy.ts";
import { readNpz } from "../formats/numpy/read-npz.ts";
import { readPytorch, type StoredArrays } from "../formats/pytorch/read-pytorch.ts";
import { isWeightName } from "../formats/safetensors/file-name.ts";
import { FIRST_READ_BYTES } from "../formats/safetensors/limits.ts";
import { beginsHeader } from "../formats/safetensors/prefix.ts";
import { shownNames } from "../formats/shown-names.ts";
import { isPlain, type StoredArray } from "../formats/stored-array.ts";
import { DTYPE_BITS, type TensorInfo } from "../formats/tensor-info.ts";
import { readCtranslate2File } from "./ctranslate2/ctranslate2-file.ts";
import type { ArrayFile } from "./found-tensors.ts";
import type { OpenBeside } from "./onnx/external-files.ts";
import { readOnnxFile } from "./onnx/onnx-file.ts";

const F32_BYTES = 4;
/** Characters of a name that notes show. */
const LONGEST = 120;

/** Kinds of files that are read here. */
const KINDS = ["pytorch", "torchScript", "oldPytorch", "numpyArchive", "numpy", "onnx", "cTranslate2"] as const;
type Kind = (typeof KINDS)[number];

/** The kind of a file of arrays by its content, or null for what is something else. */
export async function arrayKind(source: ByteSource, name: string): Promise<Kind | null> {
  const head = await source.read(0, Math.min(source.size, FIRST_READ_BYTES));
  const found = beginsHeader(head) ? null : recogniseForeignFile(head, { name, size: source.size });
  if (found?.kind === "onnx" && found.by === "name") return "onnx";
  return found?.by === "content" ? (KINDS.find((kind) => kind === found.kind) ?? null) : null;
}

/**
 * Reads a file of PyTorch, NumPy, ONNX or CTranslate2; null for what is something else. The content decides, but a file that is
 * called safetensors is never taken for one of these.
 *
 * @param path as the checkpoint names it
 * @param open opens a file by its name beside it
 * @throws PT_*, PICKLE_*, NPY_*, ZIP_*, ONNX_*, CT2_*
 */
export async function readArrayFile(source: ByteSource, path: string, open: OpenBeside): Promise<ArrayFile | null> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isWeightName(name)) return null;
  const kind = await arrayKind(source, name);
  if (kind === "onnx") {
    const { files: beside, ...found } = await readOnnxFile(source, path, open);
    return { container: "onnx", source, beside, ...found };
  }
  if (kind === "cTranslate2") return readCtranslate2File(source);
  return kind === null ? null : laidOut(source, await arraysOf(source, name, kind));
}

async function arraysOf(
  source: ByteSource,
  name: string,
  kind: Exclude<Kind, "onnx" | "cTranslate2">,
): Promise<StoredArrays & Pick<ArrayFile, "container">> {
  switch (kind) {
    case "pytorch":
    case "torchScript":
      return { container: "pytorch", ...(await readPytorch(source, "zip")) };
    case "oldPytorch":
      return { container: "pytorch", ...(await readPytorch(source, "legacy")) };
    case "numpyArchive":
      return { container: "numpy", arrays: await readNpz(source), notes: [] };
    case "numpy": {
      const array = await readNpy(source, { start: 0, end: source.size }, name.replace(/\.npy$/i, ""));
      return { container: "numpy", arrays: [array], notes: [] };
    }
  }
}

/** The tensors where they lie, if all of them lie there as they would in safetensors; else all of them in a virtual file. */
function laidOut(
  source: ByteSource,
  { container, arrays, notes }: StoredArrays & Pick<ArrayFile, "container">,
): ArrayFile {
  const isOdd = (array: StoredArray) => (array.bigEndian || !isPlain(array)) && bytesOf(array) > 0;
  const odd = arrays.filter(isOdd);
  if (odd.length === 0)
    return { container, source, tensors: arrays.map((array) => tensorAt(array, array.begin)), notes };
  const left = odd.filter(({ dtype }) => !holdsValues(dtype)).map(({ name }) => name);
  const leftOut = new Set(left);
  const parts: Part[] = [];
  const tensors: TensorInfo[] = [];
  let at = 0;
  for (const array of arrays) {
    if (leftOut.has(array.name)) continue;
    const begin = Math.ceil(at / F32_BYTES) * F32_BYTES;
    const bytes = bytesOf(array);
    const tensor = tensorAt(isOdd(array) ? { ...array, dtype: "F32" } : array, begin);
    if (isOdd(array)) parts.push({ begin, elements: elementsOf(array), decoder: stridedDecoder(array, 0) });
    else parts.push({ begin, stored: { file: 0, start: array.begin, end: array.begin + bytes } });
    tensors.push(tensor);
    at = tensor.end;
  }
  return {
    container,
    source: decodedSource(parts, [source], source.location),
    tensors,
    notes: left.length === 0 ? notes : [...notes, leftOutNote(left)],
  };
}

function leftOutNote(names: readonly string[]): string {
  return `tensors of whole numbers that do not lie in order were not read: ${shownNames(names, LONGEST)}`;
}

function elementsOf({ shape }: Pick<StoredArray, "shape">): number {
  return shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1);
}

function bytesOf(array: Pick<StoredArray, "shape" | "dtype">): number {
  return (elementsOf(array) * DTYPE_BITS[array.dtype]) / 8;
}

function tensorAt(array: StoredArray, begin: number): TensorInfo {
  const { name, dtype, shape } = array;
  return { name, dtype, shape, begin, end: begin + bytesOf(array) };
}
