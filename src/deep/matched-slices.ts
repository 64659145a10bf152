import type { Slice } from "../fingerprint/fingerprint.ts";
import { sliceOf } from "../fingerprint/slice.ts";
import { matmul } from "../kernels/matmul.ts";
import type { NeuronRole } from "./neuron-pairs.ts";
import type { SideRows } from "./paired-rows.ts";
import { closestTurn, type SameRows } from "./stream-turn.ts";
import { spread } from "./take.ts";

/** The same neurons of both models, in common coordinates. */
export interface MatchedSlice {
  readonly role: NeuronRole;
  readonly first: Slice;
  readonly second: Slice;
}

/** What else maps two streams on each other: rows of the same tokens, and the map that brought the second stream here. */
export interface KnownStream {
  readonly tokens: SameRows;
  /** Null where it is not orthogonal. */
  readonly placing: Float32Array | null;
}

/** Rows of a slice: twice those of stored ones, for only a third of the roles is there. */
const HEIGHT = 128;
const LEAST_NEURONS = 32;

/**
 * Slices of neurons that belong together, for learned retention. What opens neurons is measured where all else of them says who
 * belongs together, and the other way round; and so are the streams brought closest to each other, by tokens and by those views
 * of all layers that are not measured: no slice is alike because it was chosen or turned to be. `stream` is null where the
 * coordinates are to be taken as they are.
 */
export function matchedSlices(sides: readonly SideRows[], stream: KnownStream | null): readonly MatchedSlice[] {
  const views = ({ by }: SideRows): string => by.map(({ role }) => role).join();
  return [...new Set(sides.map(views))].flatMap((some) => {
    const alike = sides.filter((side) => views(side) === some);
    const { width } = alike[0]!;
    const fit = alike.flatMap(({ by }) => by);
    const turn = stream === null ? null : closestTurn([stream.tokens, ...fit], width, stream.placing);
    return alike.flatMap(({ measured }) =>
      measured.flatMap(({ role, a, b }) => sliceOfRows(role, a, turned(b, turn, width), width)),
    );
  });
}

function turned(rows: Float32Array, turn: Float32Array | null, width: number): Float32Array {
  return turn === null ? rows : matmul(rows, turn, { rows: rows.length / width, depth: width, columns: width });
}

/** As of a matrix that lies in a file: rows are neurons of what reads the stream, and directions of what writes it. */
function sliceOfRows(role: NeuronRole, a: Float32Array, b: Float32Array, width: number): readonly MatchedSlice[] {
  const neurons = a.length / width;
  if (neurons < LEAST_NEURONS) return [];
  const height = Math.min(HEIGHT, role === "down" ? width : neurons);
  const [first, second] = [a, b].map((rows) => {
    const values = role === "down" ? someColumns(rows, width, height) : rows.slice(0, height * width);
    return sliceOf(values, { sketch: 0, firstRow: 0, height });
  });
  return !first || !second ? [] : [{ role, first, second }];
}

/** Columns spread evenly over a matrix, as rows. */
function someColumns(rows: Float32Array, width: number, wanted: number): Float32Array {
  const count = rows.length / width;
  const columns = spread([...Array(width).keys()], wanted);
  const out = new Float32Array(wanted * count);
  for (const [to, from] of columns.entries())
    for (let i = 0; i < count; i++) out[to * count + i] = rows[i * width + from]!;
  return out;
}
