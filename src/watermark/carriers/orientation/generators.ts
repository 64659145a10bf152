import type { Role } from "../../../anatomy/anatomy.ts";
import { type AddressedMatrix, addressOf } from "../../../rows/addressed-matrix.ts";
import type { HostModel } from "../../host/host-model.ts";

/**
 * Sign changes of a model that cancel exactly, all of one kind in one layer (and expert). Generator g negates
 * `sourceRows(g)` of the source and `lines(g)` of the partner:
 * - "neuron": y = D (act(G x) * (U x)); row j of U, column j of D
 * - "value": row i of a value head, column i of the output projection for every query head of the group
 * - "key": the plane of a rotation in a key head, or a row outside of it, and the same rows of every query head of the group
 * The function's value keeps every bit: IEEE arithmetic rounds a number and its negative alike.
 */
export interface SignGenerators {
  readonly kind: "neuron" | "value" | "key";
  readonly source: AddressedMatrix;
  readonly count: number;
  readonly sourceRows: (g: number) => readonly number[];
  /** Null where the source can be read but what belongs to its rows is not known: signs are in doubt there anyway. */
  readonly partner: SignPartner | null;
}

export interface SignPartner {
  readonly matrix: AddressedMatrix;
  /** Whether lines are its rows or its columns. */
  readonly side: "rows" | "columns";
  readonly lines: (g: number) => readonly number[];
}

/** Narrower matrices have no sign worth keying; larger ones do not exist, whatever a header says. */
const MIN_COLS = 16;
const MAX_SIDE = 2 ** 20;
/** Most generators of one model: 128 MiB of projections. Models beyond it are read up to it, layer by layer. */
const MAX_GENERATORS = 2 ** 25;

/** Every generator of the language model whose matrices are there in shapes that fit exactly, in a fixed order. */
export function signGenerators(host: HostModel): readonly SignGenerators[] {
  const byAddress = new Map(host.matrices.map((matrix) => [addressOf(matrix), matrix]));
  const beside = (matrix: AddressedMatrix, role: Role): AddressedMatrix | undefined =>
    byAddress.get(addressOf({ ...matrix, role }));
  const found: SignGenerators[] = [];
  for (const source of host.matrices) {
    if (source.component !== "language" || source.layer < 0) continue;
    if (source.cols < MIN_COLS || Math.max(source.rows, source.cols) > MAX_SIDE) continue;
    const generators = generatorsOf(source, beside, host);
    if (generators !== null) found.push(generators);
  }
  found.sort(byPlace);
  let room = MAX_GENERATORS;
  return found.filter(({ source }) => {
    room -= source.rows;
    return room >= 0;
  });
}

type Beside = (matrix: AddressedMatrix, role: Role) => AddressedMatrix | undefined;

function generatorsOf(source: AddressedMatrix, beside: Beside, host: HostModel): SignGenerators | null {
  switch (source.role) {
    case "up":
      return neurons(source, beside(source, "gate"), beside(source, "down"));
    case "v":
      return values(source, beside(source, "o"), host);
    case "k":
      return keys(source, beside(source, "q"), host);
    default:
      return null;
  }
}

/** Only where a gate is: without one the activation stands between the two, and it is not odd. */
function neurons(up: AddressedMatrix, gate?: AddressedMatrix, down?: AddressedMatrix): SignGenerators | null {
  if (gate?.rows !== up.rows || gate.cols !== up.cols || down?.cols !== up.rows) return null;
  return {
    kind: "neuron",
    source: up,
    count: up.rows,
    sourceRows: itself,
    partner: { matrix: down, side: "columns", lines: itself },
  };
}

function values(
  v: AddressedMatrix,
  o: AddressedMatrix | undefined,
  { heads, symmetries }: HostModel,
): SignGenerators | null {
  const lines = o === undefined ? null : groupLines(v.rows, o.cols, heads);
  const partner: SignPartner | null = o === undefined || lines === null ? null : { matrix: o, side: "columns", lines };
  if (partner === null && symmetries.doubt === null) return null;
  return { kind: "value", source: v, count: v.rows, sourceRows: itself, partner };
}

function keys(
  k: AddressedMatrix,
  q: AddressedMatrix | undefined,
  { heads: shape, symmetries }: HostModel,
): SignGenerators | null {
  if (q === undefined || shape === null || symmetries.keys === null || q.cols !== k.cols) return null;
  const { headSize, kvHeads, heads } = shape;
  if (k.rows !== kvHeads * headSize || q.rows !== heads * headSize) return null;
  const lines = groupLines(k.rows, q.rows, shape);
  const { rotaryRows, pairing } = symmetries.keys;
  if (lines === null || rotaryRows > headSize || rotaryRows % 2 !== 0) return null;
  const planes = rotaryRows / 2;
  const perHead = headSize - planes;
  const sourceRows = (g: number): readonly number[] => {
    const i = g % perHead;
    const first = ((g - i) / perHead) * headSize;
    if (i >= planes) return [first + planes + i];
    return pairing === "half" ? [first + i, first + i + planes] : [first + 2 * i, first + 2 * i + 1];
  };
  return {
    kind: "key",
    source: k,
    count: kvHeads * perHead,
    sourceRows,
    partner: { matrix: q, side: "rows", lines: (g) => sourceRows(g).flatMap(lines) },
  };
}

function itself(g: number): readonly number[] {
  return [g];
}

/** From a row of a key or value head to the same row of each query head of its group; null where sizes do not fit. */
function groupLines(
  kvRows: number,
  queryRows: number,
  shape: HostModel["heads"],
): ((row: number) => readonly number[]) | null {
  // One query head per key head: rows answer each other whatever the size of a head.
  if (kvRows === queryRows && (shape === null || shape.heads === shape.kvHeads)) return (row) => [row];
  if (shape === null) return null;
  const { heads, kvHeads, headSize } = shape;
  if (kvRows !== kvHeads * headSize || queryRows !== heads * headSize) return null;
  const queries = heads / kvHeads;
  return (row) => {
    const i = row % headSize;
    const first = ((row - i) / headSize) * queries;
    return Array.from({ length: queries }, (_, query) => (first + query) * headSize + i);
  };
}

function byPlace({ source: a }: SignGenerators, { source: b }: SignGenerators): number {
  if (a.layer !== b.layer) return a.layer - b.layer;
  if (a.expert !== b.expert) return a.expert - b.expert;
  return a.role < b.role ? -1 : a.role > b.role ? 1 : 0;
}
