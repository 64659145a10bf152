import {
  DEEP_VERSION,
  type DeepPart,
  MAX_COLUMNS,
  MAX_UNTRAINED,
  MAX_WIDTH,
  type SignRows,
  type TokenList,
} from "../fingerprint/deep-part.ts";
import type { LayerCode } from "../fingerprint/fingerprint.ts";
import { deepCodes } from "../fingerprint/layer-codes.ts";
import { matmul } from "../kernels/matmul.ts";
import { deepCode } from "./deep-code.ts";
import type { DeepModel } from "./deep-model.ts";
import { IN_PLACE } from "./layer-pairs.ts";
import { type FrameMaps, type NetworkOptions, networkPart } from "./network-part.ts";
import { partStrength } from "./part-evidence.ts";
import { keptLayers, layersAlike, layersInPlace, type PlacedNetwork } from "./part-layers.ts";
import { signsOf } from "./sign-rows.ts";
import { BULK } from "./strength.ts";
import { spread } from "./take.ts";
import { centredColumns, TOKEN_BULK } from "./token-evidence.ts";
import { TokenFrame } from "./token-frame.ts";
import { frameSize, frameTokens, placesOf, tokenList } from "./token-list.ts";
import { untrainedTokens } from "./untrained.ts";
import { networkLayers } from "./views.ts";

/**
 * What deep tests need of a model whose weights will not be at hand; null for one that is too narrow.
 *
 * @param few only the first neurons of a layer, which a source far away has in one piece
 * @param ids tokens that it is seen from, and as many again. @default the same as of all models of this width
 * @param lengths whether lengths of rows are taken along, which no file keeps
 */
export async function takeDeepPart(
  model: DeepModel,
  few = false,
  ids: Uint32Array | null = ownFrame(model),
  lengths = false,
): Promise<DeepPart | null> {
  if (ids === null || model.width > MAX_WIDTH) return null;
  const taken = new Set(ids);
  // The map between two streams is made of the frame's tokens: none of them is tested.
  const never = spread(
    (await untrainedTokens(model, !few)).filter((id) => !taken.has(id)),
    MAX_UNTRAINED,
  );
  const lists = { frame: tokenList(model, ids), untrained: tokenList(model, Uint32Array.from(never)) };
  const view = await viewOf(model, [...ids], never, lists);
  const layers = await partsOf(model, keptLayers(networkLayers(model)), view.maps, { few, lengths });
  return { ...view.part, networks: layers.map(([, part]) => part) };
}

/**
 * The same of a suspect as its counterpart sees it: the other side's tokens and layers; with it the other side's part as far as
 * there is something to hold against it. Null where the suspect lacks a token.
 *
 * @param few only the first neurons of a layer, which a source far away has in one piece
 * @param lengths whether lengths of rows are taken along, which no file keeps
 * @param image the other side's frame as it lies in this stream, where more is known of that than what tokens say here
 */
export async function counterpart(
  model: DeepModel,
  like: DeepPart,
  few: boolean,
  lengths = false,
  image: TokenFrame | null = null,
): Promise<readonly [DeepPart, DeepPart] | null> {
  const ids = placesOf(like.frame, model);
  if (ids.includes(-1)) return null;
  const view = await viewOf(model, [...ids], [...placesOf(like.untrained, model)], like, image);
  const networks = networkLayers(model);
  const answer = async (placed: readonly (PlacedNetwork | null)[]): Promise<readonly [DeepPart, DeepPart]> => {
    const found = await partsOf(model, placed, view.maps, { few, lengths }, like);
    const theirs = found.map(([i]) => like.networks[i]!);
    return [
      { ...view.part, networks: found.map(([, part]) => part) },
      { ...like, networks: theirs },
    ];
  };
  const placed = layersInPlace(networks, like);
  const inPlace = placed === null ? null : await answer(placed);
  if (inPlace !== null && medianStrength(...inPlace) >= IN_PLACE) return inPlace;
  return networks.length === 0 ? inPlace : answer(await layersAlike(model, networks, like, view.maps.weak));
}

/**
 * What ranks registered models by their tokens, none for a model that is too narrow. Of the vocabulary as it is, and of one half
 * as large: a suspect's may have been filled up to the next power of two.
 */
export async function tokenCodes(model: DeepModel): Promise<readonly LayerCode[]> {
  const codes: LayerCode[] = [];
  for (const vocabulary of [model.vocabulary, model.vocabulary >> 1]) {
    const ids = ownFrame({ width: model.width, vocabulary });
    if (ids === null) continue;
    const size = ids.length / 2;
    const frame = new TokenFrame(await model.embedding([...ids.subarray(0, size)]), model.width);
    codes.push(...deepCodes({ code: deepCode(frame), heldOut: { width: size }, vocabulary }));
  }
  return codes;
}

function ownFrame({ width, vocabulary }: Pick<DeepModel, "width" | "vocabulary">): Uint32Array | null {
  const size = frameSize(width);
  return size === null ? null : frameTokens(size, vocabulary);
}

interface View {
  readonly part: Omit<DeepPart, "networks">;
  readonly maps: FrameMaps;
}

/** All but the layers. Tokens that training never saw are left out where they have no place, -1. */
async function viewOf(
  model: DeepModel,
  ids: readonly number[],
  never: readonly number[],
  lists: { readonly frame: TokenList; readonly untrained: TokenList },
  image: TokenFrame | null = null,
): Promise<View> {
  const { width, vocabulary } = model;
  const size = ids.length / 2;
  const rows = await model.embedding(ids);
  const own = new TokenFrame(rows.subarray(0, size * width), width);
  const frame = image ?? own;
  const weakest = frame.weaker(TOKEN_BULK);
  const seen = (of: Float32Array): SignRows =>
    signsOf(matmul(of, weakest, { rows: of.length / width, depth: width, columns: size }), size);
  const kept = [...never.keys()].filter((i) => never[i]! >= 0);
  const untrained = await model.embedding(kept.map((i) => never[i]!));
  const part = {
    version: DEEP_VERSION,
    width,
    vocabulary,
    layers: networkLayers(model).length,
    frame: lists.frame,
    heldOut: seen(rows.subarray(size * width)),
    untrained: { ...someOf(lists.untrained, kept), signs: seen(untrained) },
    columns: width > MAX_COLUMNS ? null : signsOf(centredColumns(rows, width, ids.length), ids.length),
    code: deepCode(own),
  };
  return { part, maps: { whole: frame.weaker(0), weak: frame.weaker(BULK), size } };
}

function someOf({ ids, texts }: TokenList, kept: readonly number[]): TokenList {
  return {
    ids: Uint32Array.from(kept, (i) => ids[i]!),
    texts: texts === null ? null : Uint32Array.from(kept.flatMap((i) => [texts[2 * i]!, texts[2 * i + 1]!])),
  };
}

/** Layers that have neurons, with their places in the list. */
async function partsOf(
  model: DeepModel,
  placed: readonly (PlacedNetwork | null)[],
  maps: FrameMaps,
  options: Pick<NetworkOptions, "few" | "lengths">,
  like?: DeepPart,
): Promise<readonly (readonly [number, DeepPart["networks"][number]])[]> {
  const found: (readonly [number, DeepPart["networks"][number]])[] = [];
  for (const [i, one] of placed.entries()) {
    const part = one === null ? null : await networkPart(model, ...one, maps, { ...options, like: like?.networks[i] });
    if (part !== null) found.push([i, part]);
  }
  return found;
}

function medianStrength(own: DeepPart, theirs: DeepPart): number {
  const found = own.networks.map((part, i) => partStrength(theirs.networks[i]!, part)?.gate ?? 0);
  return found.sort((x, y) => x - y)[found.length >> 1] ?? 0;
}
