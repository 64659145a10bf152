import { MAX_ATTRIBUTE_NUMBERS, MAX_EDGES } from "./limits.ts";
import type { InFile, OnnxNode } from "./onnx-model.ts";
import type { Field, WireCursor } from "./wire-cursor.ts";

/** A node, and where what lies in its attributes is. */
export interface ReadNode {
  readonly node: OnnxNode;
  /** The tensor that a node of type Constant gives out. */
  readonly tensor: InFile | null;
  /** The graphs of loops and branches. */
  readonly graphs: readonly InFile[];
}

/** Numbers of the fields of NodeProto and AttributeProto (onnx.proto). */
const INPUT = 1;
const OUTPUT = 2;
const NODE_NAME = 3;
const OP_TYPE = 4;
const ATTRIBUTE = 5;
const DOMAIN = 7;
const NODE_METADATA = 9;
const ATTRIBUTE_NAME = 1;
const INT = 3;
const TENSOR = 5;
const GRAPH = 6;
const INTS = 8;
const GRAPHS = 11;

/** What torch's exporter calls the scopes of a node by. */
const SCOPES = "pkg.torch.onnx.name_scopes";

/** Attributes that tell how weights are used; others hold up to millions of numbers. */
const KNOWN = new Set("transA transB axis block_size bits K N perm gather_axis quantize_axis".split(" "));

/** What was read of all nodes. */
export interface Edges {
  count: number;
}

/**
 * Reads the NodeProto at [start, end).
 *
 * @throws ONNX_MALFORMED, ONNX_LIMIT
 */
export async function readNode(cursor: WireCursor, start: number, end: number, edges: Edges): Promise<ReadNode> {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const texts = new Map<number, string>();
  const numbers = new Map<string, readonly number[]>();
  const graphs: InFile[] = [];
  let tensor: InFile | null = null;
  let scopes: string | null = null;

  function addEdge(to: string[], field: Field): void | Promise<void> {
    if (++edges.count > MAX_EDGES) throw cursor.refusal("ONNX_LIMIT", `more than ${MAX_EDGES} inputs and outputs`);
    return cursor.text(field, (text) => void to.push(text));
  }

  await cursor.each(start, end, (field) => {
    const { number } = field;
    if (number === INPUT) return addEdge(inputs, field);
    if (number === OUTPUT) return addEdge(outputs, field);
    if (number === NODE_NAME || number === OP_TYPE || number === DOMAIN) {
      return cursor.text(field, (text) => void texts.set(number, text));
    }
    if (number === NODE_METADATA) {
      if (field.wire !== 2) throw cursor.wrongType(field);
      return readScopes(cursor, field).then((found) => {
        scopes ??= found;
      });
    }
    if (number !== ATTRIBUTE) return;
    if (field.wire !== 2) throw cursor.wrongType(field);
    return readAttribute(cursor, field).then((attribute) => {
      if (KNOWN.has(attribute.name)) numbers.set(attribute.name, attribute.numbers);
      if (attribute.name === "value") tensor = attribute.tensor;
      for (const graph of attribute.graphs) graphs.push(graph);
    });
  });
  const domain = texts.get(DOMAIN) ?? "";
  const op = texts.get(OP_TYPE) ?? "";
  const name = texts.get(NODE_NAME) ?? "";
  const node = { name, op, domain: domain === "ai.onnx" ? "" : domain, inputs, outputs, numbers, scopes };
  return { node, tensor: op === "Constant" ? tensor : null, graphs };
}

interface Attribute {
  readonly name: string;
  readonly numbers: readonly number[];
  readonly tensor: InFile | null;
  readonly graphs: readonly InFile[];
}

async function readAttribute(cursor: WireCursor, { start, end }: Field): Promise<Attribute> {
  let name = "";
  const numbers: number[] = [];
  let tensor: InFile | null = null;
  const graphs: InFile[] = [];
  await cursor.each(start, end, (field) => {
    const { number, wire } = field;
    if (number === ATTRIBUTE_NAME)
      return cursor.text(field, (text) => {
        name = text;
      });
    const isShort = wire === 0 || field.end - field.start <= MAX_ATTRIBUTE_NUMBERS;
    if ((number === INT || number === INTS) && isShort) {
      return cursor.numbers(field, MAX_ATTRIBUTE_NUMBERS, (value) => {
        if (numbers.length < MAX_ATTRIBUTE_NUMBERS) numbers.push(value);
      });
    }
    if (number !== TENSOR && number !== GRAPH && number !== GRAPHS) return;
    if (wire !== 2) throw cursor.wrongType(field);
    const place = { start: field.start, end: field.end };
    if (number === TENSOR) tensor = place;
    else graphs.push(place);
  });
  return { name, numbers, tensor, graphs };
}

async function readScopes(cursor: WireCursor, { start, end }: Field): Promise<string | null> {
  let key = "";
  let value: Field | null = null;
  await cursor.each(start, end, (field) => {
    if (field.number === 1)
      return cursor.text(field, (text) => {
        key = text;
      });
    if (field.number === 2) value = field;
  });
  let scopes: string | null = null;
  // Others are stack traces, of which every node has one.
  if (key === SCOPES && value !== null)
    await cursor.text(value, (text) => {
      scopes = text;
    });
  return scopes;
}
