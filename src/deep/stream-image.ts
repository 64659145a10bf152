import { transposed } from "../alignment/rotation.ts";
import type { DeepPart } from "../fingerprint/deep-part.ts";
import { matmul } from "../kernels/matmul.ts";
import { PolarImage } from "../numerics/polar-image.ts";
import type { DeepModel } from "./deep-model.ts";
import { sharedTokens } from "./shared-tokens.ts";
import { spread, unitRows } from "./take.ts";
import { TokenFrame } from "./token-frame.ts";

/** Tokens that two streams are mapped by, and those read at a time. */
const MAX_TOKENS = 8192;
const PIECE = 1024;
/** Entries of the map between two streams: of two that are 8,192 wide. */
const MAX_ENTRIES = 1 << 26;

/**
 * The frame of the first model's part as it lies in the second's stream: by the orthogonal map that brings rows of all their
 * tokens closest, each at unit length (Schoenemann 1966), of which the frame's directions alone are worked out. A frame of the
 * second's own tokens is off by as much as those few drifted. Tokens that the part holds against the other side's take no part.
 *
 * @returns null for streams that are too wide
 */
export async function frameImage(part: DeepPart, a: DeepModel, b: DeepModel): Promise<TokenFrame | null> {
  if (a.width * b.width > MAX_ENTRIES) return null;
  const { ids } = part.frame;
  const size = ids.length / 2;
  const tested = new Set([...ids.subarray(size), ...part.untrained.ids]);
  const frame = new TokenFrame(await a.embedding([...ids.subarray(0, size)]), a.width);
  const image = new PolarImage(await tokenProducts(a, b, tested), b.width, a.width);
  return frame.imaged((rows) => image.of(rows));
}

/** E_b^T E_a of the tokens of both that are not `without`, each row at unit length: width of b x width of a. */
async function tokenProducts(a: DeepModel, b: DeepModel, without: ReadonlySet<number>): Promise<Float32Array> {
  const shared = sharedTokens(a, b);
  const all = [...shared.a.keys()].filter((i) => !without.has(shared.a[i]!));
  const which = spread(all, MAX_TOKENS);
  const out = new Float32Array(b.width * a.width);
  for (let first = 0; first < which.length; first += PIECE) {
    const some = which.slice(first, first + PIECE);
    const own = unitRows(await a.embedding(some.map((i) => shared.a[i]!)), a.width);
    const other = unitRows(await b.embedding(some.map((i) => shared.b[i]!)), b.width);
    const shape = { rows: b.width, depth: some.length, columns: a.width };
    const products = matmul(transposed(other, b.width), own, shape);
    for (let i = 0; i < out.length; i++) out[i]! += products[i]!;
  }
  return out;
}
