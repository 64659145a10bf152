import type { CanonicalTensor } from "../../anatomy/anatomy.ts";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { RowReader } from "../../fingerprint/row-reader.ts";
import { addressedViews, storedPieces } from "../host-checkpoint.ts";
import type { HostMatrix } from "../host-model.ts";
import { addressOf } from "../host-model.ts";

export type TokenCarrier = "embedding" | "head";

/** One row per token. A `HostMatrix` with a carrier's name and a gain is one. */
export interface TokenMatrix extends Pick<HostMatrix, "rows" | "cols" | "read" | "stored"> {
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
const COMPONENTS = ["language", "text", "decoder"];

/** The token embedding of a checkpoint and, when it is another matrix, its head. */
export async function tokenMatrices(checkpoint: Checkpoint): Promise<readonly StoredTokenMatrix[]> {
  const views = addressedViews(checkpoint);
  const reader = new RowReader(checkpoint);
  const embed = largest(views.filter(({ role, layer }) => role === "embed" && layer === -1));
  const head = largest(views.filter(({ role, layer }) => role === "head" && layer === -1));
  if (embed === null) return head === null ? [] : [await stored(checkpoint, reader, "head", [head])];
  if (head === null) return [await stored(checkpoint, reader, "embedding", [embed])];
  if (await isSame(reader, embed, head)) return [await stored(checkpoint, reader, "embedding", [embed, head])];
  return [await stored(checkpoint, reader, "embedding", [embed]), await stored(checkpoint, reader, "head", [head])];
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

async function isSame(reader: RowReader, a: CanonicalTensor, b: CanonicalTensor): Promise<boolean> {
  if (a.rows !== b.rows || a.cols !== b.cols) return false;
  const step = Math.max(1, Math.floor(a.rows / COMPARED_ROWS));
  const rows = Array.from({ length: Math.ceil(a.rows / step) }, (_, i) => i * step);
  const [x, y] = [await reader.rows(a, rows), await reader.rows(b, rows)];
  return x.every((value, i) => Object.is(value, y[i]));
}
