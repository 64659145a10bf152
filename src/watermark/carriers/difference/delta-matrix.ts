import type { CanonicalTensor, Role } from "../../../anatomy/anatomy.ts";
import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../../../errors.ts";
import { addressOf } from "../../../rows/addressed-matrix.ts";
import { RowReader } from "../../../rows/row-reader.ts";
import { addressedViews } from "../../host/host-checkpoint.ts";
import { mainModel } from "../../host/rivals/settle.ts";

/** Matrices inside the layers that are large enough to hide in. */
const ROLES: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o", "gate", "up", "down"]);
const MIN_ELEMENTS = 65_536;
/** Rows or columns: four times the widest known. Bases of the singular spaces are held, forty vectors of either length. */
const MAX_SIDE = 1 << 18;
/** Elements of a tile, and of a difference that is held in memory while it is worked on (128 MiB). */
const TILE = 1 << 20;
const HELD = 1 << 25;

/** Rows [first, first + count) of a difference, count x cols. */
export interface DeltaTile {
  readonly first: number;
  readonly count: number;
  readonly values: Float32Array;
}

/** One matrix of the model minus the same matrix of its base, f32. */
export interface DeltaMatrix {
  readonly address: string;
  readonly rows: number;
  readonly cols: number;
  /** Where the model, not the base, stores it. */
  readonly view: CanonicalTensor;
  /** All rows in order, in tiles; each call reads anew what is too large to hold. */
  tiles(): AsyncIterable<DeltaTile>;
}

/**
 * The matrices that a model and its base have in common, in order of address. `whole` demands every one of the model: what
 * marking needs; a suspect may have lost layers.
 *
 * @throws BASE_MISMATCH
 */
export function deltaMatrices(checkpoint: Checkpoint, base: Checkpoint, { whole }: { whole: boolean }): DeltaMatrix[] {
  const mine = new RowReader(checkpoint);
  const theirs = new RowReader(base);
  const baseViews = new Map(markable(base).map((view) => [addressOf(view), view]));
  const matrices: DeltaMatrix[] = [];
  for (const view of markable(checkpoint)) {
    const address = addressOf(view);
    const other = baseViews.get(address);
    if (other !== undefined && other.rows === view.rows && other.cols === view.cols) {
      matrices.push(
        deltaMatrix(address, view, (first, count) => differenceOf(mine, theirs, view, other, first, count)),
      );
    } else if (whole) throw mismatch(checkpoint, base, view.tensor);
  }
  if (matrices.length === 0) throw mismatch(checkpoint, base, null);
  return matrices.sort((a, b) => (a.address < b.address ? -1 : 1));
}

function markable(checkpoint: Checkpoint): CanonicalTensor[] {
  return addressedViews(mainModel(checkpoint)).filter(
    ({ role, layer, rows, cols }) =>
      layer >= 0 && ROLES.has(role) && rows * cols >= MIN_ELEMENTS && Math.max(rows, cols) <= MAX_SIDE,
  );
}

function mismatch(checkpoint: Checkpoint, base: Checkpoint, tensor: string | null): WeightmarkError {
  return new WeightmarkError(
    "BASE_MISMATCH",
    tensor === null ? "no matrix of the base fits the model" : "the base has no matrix of this place and shape",
    {
      file: checkpoint.location,
      tensor: tensor ?? undefined,
      detail: `Name the model that it was fine-tuned from in place of ${base.location}.`,
    },
  );
}

/** A difference from whatever gives its rows; holds the whole of it from the first pass on where that fits. */
export function deltaMatrix(
  address: string,
  view: CanonicalTensor,
  read: (first: number, count: number) => Promise<Float32Array>,
): DeltaMatrix {
  const { rows, cols } = view;
  const step = Math.max(1, Math.floor(TILE / cols));
  return {
    address,
    rows,
    cols,
    view,
    async *tiles() {
      for (let first = 0; first < rows; first += step) {
        const count = Math.min(step, rows - first);
        yield { first, count, values: await read(first, count) };
      }
    },
  };
}

/** The same matrix with its tiles kept, for work that passes over them several times; itself when it is too large. */
export async function held(matrix: DeltaMatrix): Promise<DeltaMatrix> {
  if (matrix.rows * matrix.cols > HELD) return matrix;
  const kept: DeltaTile[] = [];
  for await (const tile of matrix.tiles()) kept.push(tile);
  return {
    ...matrix,
    async *tiles() {
      yield* kept;
    },
  };
}

async function differenceOf(
  mine: RowReader,
  theirs: RowReader,
  a: CanonicalTensor,
  b: CanonicalTensor,
  first: number,
  count: number,
): Promise<Float32Array> {
  const rows = Array.from({ length: count }, (_, i) => first + i);
  const [w, w0] = [await mine.rows(a, rows), await theirs.rows(b, rows)];
  for (let i = 0; i < w.length; i++) w[i]! -= w0[i]!;
  return w;
}
