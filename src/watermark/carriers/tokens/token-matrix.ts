import type { CanonicalTensor } from "../../../anatomy/anatomy.ts";
import type { Checkpoint } from "../../../checkpoint/checkpoint.ts";
import type { AddressedMatrix } from "../../../rows/addressed-matrix.ts";
import { addressOf } from "../../../rows/addressed-matrix.ts";
import { RowReader } from "../../../rows/row-reader.ts";
import { addressedViews, storedPieces } from "../../host/host-checkpoint.ts";
import { claimsOf, largestOf, MUCH_LARGER, preference, stackSizes } from "../../host/rivals/claims.ts";

export type TokenCarrier = "embedding" | "head";

/** One row per token. A `AddressedMatrix` with a carrier's name and a gain is one. */
export interface TokenMatrix extends Pick<AddressedMatrix, "rows" | "cols" | "read" | "stored"> {
  readonly carrier: TokenCarrier;
  /** What scales the columns before the rows are compared: the last norm's weights, in front of a head. */
  readonly gain: Float32Array | null;
}

/** A token matrix in a checkpoint, with the stored tensors that hold it. */
export interface StoredTokenMatrix extends TokenMatrix {
  readonly address: string;
  /** The tensor that is read, then the others of the same content: tied embeddings that were stored twice. */
  readonly views: readonly CanonicalTensor[];
}

/** Rows compared to tell a tied head that was stored from a head of its own. */
const COMPARED_ROWS = 16;
/** Elements compared at a time. */
const COMPARED_ELEMENTS = 1 << 20;
/** Tables that are read for one place: as many ways again as the carrier is tested in. */
const MAX_TABLES = 8;
const COMPONENTS = ["language", "text", "decoder"];

/**
 * The token embedding of a checkpoint and, when it is another matrix, its head. With `rivals` also the other tables that
 * claim the place of either, each of which is read as one more way that the carrier may stand there.
 */
export async function tokenMatrices(
  checkpoint: Checkpoint,
  { rivals = false } = {},
): Promise<readonly StoredTokenMatrix[]> {
  const views = addressedViews(checkpoint);
  const reader = new RowReader(checkpoint);
  const embed = largest(views.filter(({ role, layer }) => role === "embed" && layer === -1));
  const head = largest(views.filter(({ role, layer }) => role === "head" && layer === -1));
  const embeds = await distinct(reader, tablesBeside(checkpoint, embed));
  const heads = await distinct(reader, tablesBeside(checkpoint, head));
  // A rival that is like the embedding where rows are compared must not make a head of its own look tied.
  const tied = embeds.length === 1 && heads.length === 1 && (await isSame(reader, embed!, head!));
  const carriers = [
    ...embeds.map((table) => ["embedding", tied ? [...table, ...heads.flat()] : table] as const),
    ...(tied ? [] : heads.map((table) => ["head", table] as const)),
  ];
  const found = await Promise.all(carriers.map(([carrier, table]) => stored(checkpoint, reader, carrier, table)));
  return rivals ? found : found.filter(({ carrier }, i) => found.findIndex((one) => one.carrier === carrier) === i);
}

/** A matrix outside the layers, first, and the others that claim its place: the larger ones of those that are no much smaller. */
export function tablesBeside(checkpoint: Checkpoint, view: CanonicalTensor | null): readonly CanonicalTensor[] {
  if (view === null) return [];
  const claims = claimsOf(checkpoint).filter(({ address }) => address === addressOf(view));
  const most = largestOf(claims.map(({ size }) => size));
  const others = claims
    .filter((claim) => claim.view.tensor !== view.tensor && claim.size * MUCH_LARGER > most)
    .sort(preference(stackSizes(claims)));
  return [view, ...others.map((claim) => claim.view)].slice(0, MAX_TABLES);
}

/** Tables by content: one that was stored twice is one, with both its places. */
async function distinct(reader: RowReader, tables: readonly CanonicalTensor[]): Promise<CanonicalTensor[][]> {
  const found: CanonicalTensor[][] = [];
  for (const table of tables) {
    let same: CanonicalTensor[] | undefined;
    for (const one of found) if (same === undefined && (await isSame(reader, one[0]!, table, 1))) same = one;
    if (same === undefined) found.push([table]);
    else same.push(table);
  }
  return found;
}

/** The one that a language model has most likely for its tokens. */
function largest(views: readonly CanonicalTensor[]): CanonicalTensor | null {
  const rank = ({ component }: CanonicalTensor): number => {
    const at = COMPONENTS.indexOf(component);
    return at < 0 ? COMPONENTS.length : at;
  };
  return [...views].sort((a, b) => rank(a) - rank(b) || b.rows * b.cols - a.rows * a.cols)[0] ?? null;
}

async function stored(
  checkpoint: Checkpoint,
  reader: RowReader,
  carrier: TokenCarrier,
  views: readonly CanonicalTensor[],
): Promise<StoredTokenMatrix> {
  const [view] = views as [CanonicalTensor];
  const { rows, cols } = view;
  const isPlain = view.colStride === 1;
  const pieces = storedPieces(checkpoint, view);
  return {
    ...(pieces === null ? {} : { stored: pieces }),
    carrier,
    rows,
    cols,
    gain: carrier === "head" ? await reader.gain(view.gain, cols) : null,
    address: addressOf(view),
    views,
    read: (first, count) =>
      isPlain
        ? reader.elements(view.tensor, view.rowOffset(first), count * cols)
        : reader.rows(
            view,
            Array.from({ length: count }, (_, i) => first + i),
          ),
  };
}

/** Compares every `step`-th row, by default a few. */
async function isSame(
  reader: RowReader,
  a: CanonicalTensor,
  b: CanonicalTensor,
  step = Math.max(1, Math.floor(a.rows / COMPARED_ROWS)),
): Promise<boolean> {
  if (a.rows !== b.rows || a.cols !== b.cols) return false;
  const rows = Array.from({ length: Math.ceil(a.rows / step) }, (_, i) => i * step);
  const chunk = Math.max(1, Math.floor(COMPARED_ELEMENTS / a.cols));
  for (let at = 0; at < rows.length; at += chunk) {
    const part = rows.slice(at, at + chunk);
    // The reader's buffer is its own: what comes first is copied before the second is read.
    const x = (await reader.rows(a, part)).slice();
    const y = await reader.rows(b, part);
    if (!x.every((value, i) => Object.is(value, y[i]))) return false;
  }
  return true;
}
