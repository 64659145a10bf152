import { type ByteSource, isSync } from "../../bytes/byte-source.ts";
import { memorySource } from "../../bytes/memory-source.ts";
import { affineDecoder, type Codes, type Groups } from "../../decoding/affine.ts";
import { decodedSource } from "../../decoding/decoded-source.ts";
import type { Levels, Part } from "../../decoding/decoder.ts";
import { placeLevels } from "../../decoding/level-parts.ts";
import type { OnnxTensor, Place } from "../../formats/onnx/onnx-model.ts";
import { readOnnx } from "../../formats/onnx/read-onnx.ts";
import { shownNames } from "../../formats/shown-names.ts";
import type { CheckpointFile, CheckpointTensor } from "../checkpoint.ts";
import { type ExternalFile, type OpenBeside, openExternal } from "./external-files.ts";
import { isSidecar, type Quantisation, quantisationOf } from "./quantisation.ts";
import { isMade, tensorNames } from "./tensor-names.ts";
import { ValueGraph } from "./value-graph.ts";

/** A model of ONNX as a checkpoint has it. */
export interface OnnxFile {
  /** Beside the file of the model: those that tensors lie in, and a virtual one where some are decoded. */
  readonly files: readonly CheckpointFile[];
  /** `file` 0 is that of the model, and 1 the first of `files`. */
  readonly tensors: readonly CheckpointTensor[];
  readonly notes: readonly string[];
}

/** Characters of a name that notes show. */
const LONGEST = 120;
const F32_BYTES = 4;
/** Weights are matrices: constants of one number, and whole numbers, are arguments of operators. */
const FLOATS = /^(?:FLOAT|DOUBLE|FLOAT16|BFLOAT16)$/;

/**
 * Reads a model of ONNX: its initialisers where they lie, those that are quantised as plain values, under the names that they had
 * in the model that was exported as far as the graph tells.
 *
 * @param path of the model, as the checkpoint names it
 * @throws the codes of `readOnnx` and `openExternal`, what `open` throws
 */
export async function readOnnxFile(source: ByteSource, path: string, open: OpenBeside): Promise<OnnxFile> {
  const model = await readOnnx(source);
  const graph = new ValueGraph(model);
  const chosen = chooseTensors(graph);
  const sides = chosen.tensors.flatMap(({ how }) => (how === null ? [] : sidesOf(how)));
  const external = await openExternal(source, [...chosen.tensors.map(({ tensor }) => tensor), ...sides], open);
  return laidOut(source, path, external, chosen, graph);
}

interface Chosen {
  readonly tensors: readonly { readonly tensor: OnnxTensor; readonly how: Quantisation | null }[];
  readonly notes: readonly string[];
}

function sidesOf({ scale, zero }: Quantisation): readonly OnnxTensor[] {
  return typeof zero === "number" ? [scale] : [scale, zero];
}

/** What is given out, and what is left out and why. */
function chooseTensors(graph: ValueGraph): Chosen {
  const { initialisers, constants, inner, sparse } = graph.model;
  const tensors: Chosen["tensors"][number][] = [];
  const unknown: OnnxTensor[] = [];
  const others: string[] = [];
  const used = new Set<OnnxTensor>();
  for (const tensor of [...initialisers.values(), ...constants.values(), ...sharedTensors(graph)]) {
    const { name, type, shape } = tensor;
    const how = type === null || /^(?:BOOL|COMPLEX64)$/.test(type.name) ? "plain" : quantisationOf(graph, tensor);
    const isConstant = constants.has(name);
    if (how !== null && how !== "plain") {
      tensors.push({ tensor, how });
      for (const side of sidesOf(how)) used.add(side);
    } else if (isConstant && (type === null || shape.length === 0 || !FLOATS.test(type.name))) continue;
    else if (type === null) others.push(name);
    else if (how === null || type.dtype === null || isCodes(tensor)) unknown.push(tensor);
    else tensors.push({ tensor, how: null });
  }
  const notes = [
    ...leftOut(
      "are quantised in a way that is not understood, and were not read",
      // Zero points are codes as well, and were read with what they belong to.
      unknown.filter((tensor) => !used.has(tensor)).map(({ name }) => name),
    ),
    ...leftOut("hold text or numbers of a kind that no weights are, and were not read", others),
  ];
  if (inner > 0) notes.push(`${inner} tensors of loops and branches within the graph were not read`);
  if (sparse > 0) notes.push(`${sparse} sparse initialisers were not read`);
  const isWeight = ({ tensor, how }: Chosen["tensors"][number]) =>
    how !== null || !(used.has(tensor) || isSidecar(graph, tensor));
  return { tensors: tensors.filter(isWeight), notes };
}

/** Of tensors that are equal exporters store one, and give it out under the names of the others. */
function* sharedTensors(graph: ValueGraph): Generator<OnnxTensor> {
  for (const { op, inputs, outputs } of graph.model.nodes) {
    const [name = ""] = outputs;
    if (op !== "Identity" || !name.includes(".") || isMade(name)) continue;
    const stored = graph.tensorOf(inputs[0] ?? "");
    if (stored !== null) yield { ...stored, name };
  }
}

/** Matrices of bytes, and what quantisers call so, are codes of something: as numbers they would pass for weights. */
function isCodes({ name, type, shape }: OnnxTensor): boolean {
  return (
    /^U?INT(?:8|16|32)$/.test(type?.name ?? "") && (/_quantized$/.test(name) || (shape.length > 1 && type?.bits === 8))
  );
}

function leftOut(why: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`tensors that ${why}: ${shownNames(names, LONGEST)}`];
}

function laidOut(
  source: ByteSource,
  path: string,
  external: readonly ExternalFile[],
  chosen: Chosen,
  graph: ValueGraph,
): OnnxFile {
  const memory: Uint8Array[] = [];
  let kept = 0;
  const numberOf = new Map(external.map(({ name }, i) => [name, i + 1]));
  const inMemory = external.length + 1;
  const started = new Map<Place, number>();

  /** The file and the byte that a tensor begins at. */
  function placeOf(tensor: OnnxTensor): { readonly file: number; readonly start: number } {
    const { place } = tensor;
    if ("start" in place) return { file: 0, start: place.start };
    if ("location" in place) return { file: numberOf.get(place.location)!, start: place.offset };
    const start = started.get(place) ?? kept;
    if (!started.has(place)) {
      started.set(place, start);
      memory.push(place.bytes);
      kept += place.bytes.length;
    }
    return { file: inMemory, start };
  }

  const names = tensorNames(
    graph,
    chosen.tensors.map(({ tensor }) => tensor),
  );
  // Far away, one source must be told of all that is read next: two that share a file would drop what the other fetched.
  const isPlain =
    [source, ...external.map((one) => one.source)].every(isSync) || chosen.tensors.every(({ how }) => how === null);
  const parts: Part[] = [];
  const tensors: CheckpointTensor[] = [];
  const rounded: { readonly index: number; readonly elements: number; readonly levels: Levels | undefined }[] = [];
  let at = 0;
  for (const { tensor, how } of chosen.tensors) {
    const { name, inOut } = names.get(tensor)!;
    const { file, start } = placeOf(tensor);
    const { type } = tensor;
    const about = { name, ...(inOut ? { inOut: true as const } : {}) };
    if (how === null && file !== inMemory && isPlain) {
      const { shape, size } = tensor;
      tensors.push({ ...about, dtype: type!.dtype!, shape, begin: start, end: start + size, file });
      continue;
    }
    const begin = Math.ceil(at / F32_BYTES) * F32_BYTES;
    if (how === null) {
      at = begin + tensor.size;
      parts.push({ begin, stored: { file, start, end: start + tensor.size } });
      tensors.push({ ...about, dtype: type!.dtype!, shape: tensor.shape, begin, end: at, file: inMemory });
      continue;
    }
    const values = how.shape.reduce((a, b) => a * b, 1);
    at = begin + values * F32_BYTES;
    const decoder = values > 0 ? decoderOf(tensor, how, placeOf) : null;
    if (decoder !== null) parts.push({ begin, elements: values, decoder });
    else parts.push({ begin, stored: { file, start, end: start } });
    rounded.push({ index: tensors.length, elements: values, levels: decoder?.levels });
    tensors.push({ ...about, dtype: "F32", shape: how.shape, begin, end: at, file: inMemory, scheme: how.scheme });
  }
  for (const [i, levels] of placeLevels(parts, rounded, at).entries()) {
    const { index } = rounded[i]!;
    tensors[index] = { ...tensors[index]!, levels };
  }
  const files: CheckpointFile[] = external.map(({ name, absolutePath, source: own }) => {
    return { path: besides(path, name), absolutePath, source: own };
  });
  if (tensors.some(({ file }) => file === inMemory)) {
    const all = [source, ...external.map((file) => file.source), memorySource(Buffer.concat(memory), source.location)];
    // Whoever opened the files closes them.
    const lent = all.map((file) => ({ ...file, close: async () => {} }));
    files.push({ path, absolutePath: null, source: decodedSource(parts, lent, source.location), storedBytes: 0 });
  }
  return { files, tensors, notes: [...chosen.notes, ...nameNotes(tensors, [...names.values()])] };
}

/** The path of a file beside another one. */
function besides(path: string, name: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1) + name;
}

function nameNotes(tensors: readonly CheckpointTensor[], names: readonly { readonly given: boolean }[]): string[] {
  const given = names.filter((one) => one.given).length;
  const open = tensors.filter(({ name, shape }) => shape.length > 1 && isMade(name)).length;
  const turned = tensors.filter(({ inOut }) => inOut === true).length;
  const notes: string[] = [];
  if (given > 0)
    notes.push(`${given} tensors have the names that the graph gives them back, not those they are stored under`);
  if (turned > 0) notes.push(`${turned} matrices lie as [in, out], for the export has turned them`);
  if (open > 0) notes.push(`of ${open} tensors the graph does not tell what they were called before the export`);
  return notes;
}

function decoderOf(
  tensor: OnnxTensor,
  how: Quantisation,
  placeOf: (tensor: OnnxTensor) => { readonly file: number; readonly start: number },
) {
  const { shape, axis, per, block, scale, zero, packed } = how;
  const length = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const groups: Groups = { per, length, inner, block };
  const typeOf = ({ type }: OnnxTensor): Codes["type"] =>
    type!.dtype ?? { bits: type!.bits as 2 | 4, signed: type!.signed === true };
  if (packed === null) {
    const codesOf = (of: OnnxTensor): Codes => ({ ...placeOf(of), type: typeOf(of) });
    return affineDecoder(codesOf(tensor), codesOf(scale), typeof zero === "number" ? zero : codesOf(zero), groups);
  }
  const rows = shape[0]!;
  const codeType = packed === 8 ? "U8" : { bits: packed, signed: false };
  const packedOf = (of: OnnxTensor, count: number): Codes => ({
    ...placeOf(of),
    type: codeType,
    rows: { length: count, stored: (of.elements * 8) / packed / rows },
  });
  const codes = packedOf(tensor, length);
  const points =
    typeof zero === "number"
      ? zero
      : zero.type!.name === "UINT8"
        ? packedOf(zero, Math.ceil(length / block))
        : { ...placeOf(zero), type: typeOf(zero) };
  return affineDecoder(codes, { ...placeOf(scale), type: typeOf(scale) }, points, groups);
}
