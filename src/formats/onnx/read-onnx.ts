import type { ByteSource } from "../../bytes/byte-source.ts";
import { MAX_DEPTH, MAX_NODES, MAX_TENSORS } from "./limits.ts";
import type { InFile, OnnxModel, OnnxNode, OnnxTensor } from "./onnx-model.ts";
import { type Edges, readNode } from "./read-node.ts";
import { type Expanded, readTensor } from "./read-tensor.ts";
import { type Field, WireCursor } from "./wire-cursor.ts";

/** Numbers of the fields of ModelProto and GraphProto (onnx.proto). */
const GRAPH = 7;
const NODE = 1;
const INITIALISER = 5;
const SPARSE_INITIALISER = 15;

interface Reading {
  readonly cursor: WireCursor;
  readonly initialisers: Map<string, OnnxTensor>;
  readonly constants: Map<string, OnnxTensor>;
  readonly nodes: OnnxNode[];
  readonly edges: Edges;
  readonly room: Expanded;
  inner: number;
  sparse: number;
}

/**
 * Reads what an ONNX model tells of its weights, and none of them: values stay where they lie, but for those that are written
 * number by number, which come into memory. Of the graphs of loops and branches the nodes are read, for they use the weights of
 * the graph around them.
 *
 * @throws ONNX_MALFORMED, ONNX_TRUNCATED, ONNX_LIMIT, ONNX_SIZE_WRONG, ONNX_TENSOR_UNSUPPORTED
 */
export async function readOnnx(source: ByteSource): Promise<OnnxModel> {
  const cursor = new WireCursor(source);
  let graph: InFile | null = null;
  await cursor.each(0, source.size, (field) => {
    if (field.number !== GRAPH) return;
    if (field.wire !== 2) throw cursor.wrongType(field);
    if (graph !== null) throw cursor.refusal("ONNX_MALFORMED", "the model has two graphs");
    graph = { start: field.start, end: field.end };
  });
  if (graph === null) throw cursor.refusal("ONNX_MALFORMED", "the model has no graph");
  const reading: Reading = {
    cursor,
    initialisers: new Map(),
    constants: new Map(),
    nodes: [],
    edges: { count: 0 },
    room: { bytes: 0 },
    inner: 0,
    sparse: 0,
  };
  await readGraph(reading, graph, 0);
  const { initialisers, constants, nodes, inner, sparse } = reading;
  return { initialisers, constants, nodes, inner, sparse };
}

async function readGraph(to: Reading, { start, end }: InFile, depth: number): Promise<void> {
  const { cursor } = to;
  if (depth > MAX_DEPTH) throw cursor.refusal("ONNX_LIMIT", `graphs lie more than ${MAX_DEPTH} deep in one another`);
  await cursor.each(start, end, (field) => {
    if (field.number === INITIALISER) return addInitialiser(to, field, depth);
    if (field.number === NODE) return addNode(to, field, depth);
    if (field.number === SPARSE_INITIALISER) to.sparse += 1;
  });
}

async function addInitialiser(to: Reading, field: Field, depth: number): Promise<void> {
  const { cursor, initialisers, room } = to;
  if (field.wire !== 2) throw cursor.wrongType(field);
  if (depth > 0) {
    to.inner += 1;
    return;
  }
  const tensor = await readTensor(cursor, field.start, field.end, room);
  if (initialisers.has(tensor.name)) {
    throw cursor.refusal("ONNX_MALFORMED", "two initialisers have this name", tensor.name);
  }
  initialisers.set(tensor.name, tensor);
  requireFew(to);
}

async function addNode(to: Reading, field: Field, depth: number): Promise<void> {
  const { cursor, nodes, constants, room } = to;
  if (field.wire !== 2) throw cursor.wrongType(field);
  const { node, tensor, graphs } = await readNode(cursor, field.start, field.end, to.edges);
  if (nodes.push(node) > MAX_NODES) throw cursor.refusal("ONNX_LIMIT", `more than ${MAX_NODES} nodes`);
  const [output = ""] = node.outputs;
  if (tensor !== null && depth > 0) to.inner += 1;
  else if (tensor !== null && output !== "") {
    if (constants.has(output)) throw cursor.refusal("ONNX_MALFORMED", "two constants have this name", output);
    constants.set(output, await readTensor(cursor, tensor.start, tensor.end, room, output));
    requireFew(to);
  }
  for (const graph of graphs) await readGraph(to, graph, depth + 1);
}

function requireFew({ cursor, initialisers, constants }: Reading): void {
  if (initialisers.size + constants.size <= MAX_TENSORS) return;
  throw cursor.refusal("ONNX_LIMIT", `more than ${MAX_TENSORS} tensors`);
}
