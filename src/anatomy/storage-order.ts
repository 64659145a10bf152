import type { Layer, Parameter } from "./layer.ts";
import { layerUse } from "./layer-table.ts";
import { biasesOf, isLinear, type Linear, linearsOf, pathOf } from "./linear.ts";
import { isConv1dName } from "./linear-layout.ts";
import { outerRole } from "./outer-table.ts";
import { streamWidths } from "./stream-width.ts";
import { outerRoleFromWords } from "./words.ts";

/** Which way the linears lie of which names promise [out, in]. */
export interface StorageOrder {
  /** Tensors that are stored as [in, out] all the same: exports from JAX, and anyone who wants to hide a model. */
  readonly inOut: ReadonlySet<string>;
  /** Those in models where nothing tells. */
  readonly open: ReadonlySet<string>;
}

type Vote = "plain" | "turned" | "square" | "none";

/** How many matrices that are not square lie either way. */
class Tally {
  plain = 0;
  turned = 0;

  get isEmpty(): boolean {
    return this.plain + this.turned === 0;
  }

  /** Some lie either way, or none tells. */
  get isMixed(): boolean {
    return this.isEmpty || (this.plain > 0 && this.turned > 0);
  }

  /** All that tell lie as [in, out]. */
  get isTurned(): boolean {
    return this.turned > 0 && this.plain === 0;
  }

  add({ plain, turned }: Tally): void {
    this.plain += plain;
    this.turned += turned;
  }
}

interface Network {
  readonly layer: Layer;
  readonly linears: readonly { readonly tensor: string; readonly vote: Vote; readonly settled: boolean }[];
  readonly tally: Tally;
}

/** Names that mean [in, out] in every file: their matrices are laid right already. */
const ALWAYS_IN_OUT = /(?:^|\.)(?:text_projection|visual\.proj)$/;
/** Tables that lie as [entries, stream] however linears do, unless their own shape says otherwise. */
const TOKENS: ReadonlySet<string | undefined> = new Set(["embed", "head"]);
const TABLES: ReadonlySet<string | undefined> = new Set([...TOKENS, "position", "token_type"]);

/**
 * Decided by shapes: a linear that reads the residual stream has its width on the axis of inputs, one that writes it on the
 * axis of outputs, and a bias is as long as there are outputs. A network is believed to be turned only where what
 * its first linears write is then what its last one reads. Square matrices go with the others of their network, else of
 * their layer, of their stack, of the model.
 *
 * @param known tensors of which nothing is asked: their shapes are given as [out, in] already
 */
export function storageOrder(
  layers: readonly Layer[],
  outside: readonly Parameter[],
  known: ReadonlySet<string> = new Set(),
): StorageOrder {
  const linears = new Map(layers.map((layer) => [layer, linearsOf(layer)]));
  const widths = streamWidths(linears, outside);
  const networks = layers.flatMap((layer) =>
    networksOf(layer, linears.get(layer) as readonly Linear[], widths.get(layer) as number),
  );
  const tallies = new Map<Layer | string, Tally>();
  const tallyOf = (of: Layer | string): Tally => {
    const known = tallies.get(of) ?? new Tally();
    tallies.set(of, known);
    return known;
  };
  const model = new Tally();
  for (const { layer, tally } of networks)
    for (const one of [tallyOf(layer), tallyOf(layer.stack), model]) one.add(tally);

  const inOut = new Set<string>();
  const open = new Set<string>();
  for (const { layer, linears, tally } of networks) {
    const nearest = [tally, tallyOf(layer), tallyOf(layer.stack)].find(({ isEmpty }) => !isEmpty) ?? model;
    for (const { tensor, vote, settled } of linears) {
      if (settled || known.has(tensor)) continue;
      if (vote === "turned" || (vote === "square" && nearest.isTurned)) inOut.add(tensor);
      else if (vote === "none" ? nearest.isEmpty : vote === "square" && nearest.isMixed) open.add(tensor);
    }
  }
  const told = new Set(known);
  for (const { linears } of networks) {
    for (const { tensor, vote, settled } of linears) if (vote !== "none" || settled) told.add(tensor);
  }
  for (const layer of layers) {
    if (!(tallyOf(layer).isEmpty ? model : tallyOf(layer)).isTurned) continue;
    for (const parameter of layer.parameters) if (isRest(parameter, told)) inOut.add(parameter.tensor);
  }
  const streams = new Set([...widths.values()].filter((width) => width > 0));
  const biases = biasesOf(outside);
  // Without layers that tell, what biases say of linears that are not square goes for those that are.
  const isTurned = model.isEmpty ? areTurnedByBias(outside, biases) : model.isTurned;
  for (const parameter of outside) {
    if (known.has(parameter.tensor)) continue;
    if (isTurnedOutside(parameter, biases.get(pathOf(parameter.name)), streams, isTurned)) inOut.add(parameter.tensor);
  }
  return { inOut, open };
}

/** What the linears of each network of a layer say of themselves; nothing is turned where widths would not meet then. */
function networksOf(layer: Layer, linears: readonly Linear[], width: number): readonly Network[] {
  const groups = new Map<string, Linear[]>();
  for (const linear of linears) {
    const key = `${linear.part?.network} ${linear.expert}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [linear]);
    else group.push(linear);
  }
  return [...groups.values()].map((group) => {
    let votes = group.map((linear) => voteOf(linear, width));
    // Words are often wrong: where they contradict each other nothing was said.
    const guessed = group.some((linear) => linear.guessed);
    if (guessed && votes.includes("plain") && votes.includes("turned")) votes = votes.map(() => "none");
    const turned = turnedVote(group, votes);
    const tally = new Tally();
    const told = group.map(({ tensor, settled }, i) => {
      // Some libraries mix GPT-2's linears with others: how these lie says nothing of those.
      const vote = votes[i] === "turned" ? (settled ? "none" : turned) : (votes[i] as Vote);
      if (vote === "plain" || vote === "turned") tally[vote] += 1;
      return { tensor, vote, settled };
    });
    return { layer, linears: told, tally };
  });
}

function voteOf({ rows, cols, bias, part }: Linear, width: number): Vote {
  if (rows === cols) return "square";
  if (bias === rows || bias === cols) return bias === rows ? "plain" : "turned";
  if (part === null) return "none";
  const [plain, turned] = part.side === "reads" ? [cols, rows] : [rows, cols];
  return plain === width ? "plain" : turned === width ? "turned" : "none";
}

/**
 * What those of a network that say so are believed: "turned" where its last linear reads what the first ones write, each
 * laid as it says, "plain" where these contradict each other, "none" where one of the two is not there.
 */
function turnedVote(group: readonly Linear[], votes: readonly Vote[]): Vote {
  const inner = new Set<number>();
  const written: { readonly fills: string; readonly out: number }[] = [];
  for (const [i, { part, rows, cols }] of group.entries()) {
    if (part === null || part.network === "router") return "turned";
    // One that has nothing of the stream contradicts the others: a draft model's first layer reads two streams side by side.
    if (votes[i] === "none") return "plain";
    const [out, into] = votes[i] === "turned" ? [cols, rows] : [rows, cols];
    if (part.side === "writes") inner.add(into);
    else written.push({ fills: part.fills, out });
  }
  const [into] = inner;
  if (into === undefined || !written.some(({ fills }) => fills !== "some")) return "none";
  const keys = new Set(written.filter(({ fills }) => fills === "some").map(({ out }) => out));
  const isFilled = ({ fills, out }: { readonly fills: string; readonly out: number }): boolean => {
    if (fills === "some") return out <= into;
    if (fills === "more") return out > into && out <= 3 * into;
    // Heads of values may be narrower than those of queries, by as much as they are than those of keys.
    const asWide = out === into || out === 2 * into;
    return asWide || (keys.size === 2 && [...keys].some((k) => [...keys].some((v) => out * v === into * k)));
  };
  return inner.size === 1 && written.every(isFilled) ? "turned" : "plain";
}

/** Linears that say nothing themselves go with the others of their layer. */
function isRest(parameter: Parameter, told: ReadonlySet<string>): boolean {
  const { tensor, name } = parameter;
  return isLinear(parameter) && !told.has(tensor) && !isConv1dName(name.stem) && layerUse(name.pattern) !== "position";
}

/** Whether biases lie along the columns of linears that are not square, and along the rows of none. */
function areTurnedByBias(outside: readonly Parameter[], biases: ReadonlyMap<string, number>): boolean {
  const known = outside.flatMap((parameter) => {
    const [rows, cols] = parameter.shape as [number, number];
    const bias = biases.get(pathOf(parameter.name));
    const tells = isLinear(parameter) && rows !== cols && rows > 1 && cols > 1 && (bias === rows || bias === cols);
    return tells ? [bias === cols] : [];
  });
  return known.length > 0 && known.every(Boolean);
}

/** Tables show by themselves on which axis the stream lies; other linears outside the layers go with those inside. */
function isTurnedOutside(
  parameter: Parameter,
  bias: number | undefined,
  streams: ReadonlySet<number>,
  isTurned: boolean,
): boolean {
  const { shape, name } = parameter;
  const [rows, cols] = shape as [number, number];
  if (!isLinear(parameter) || rows === 1 || cols === 1 || ALWAYS_IN_OUT.test(name.stem)) return false;
  const known = outerRole(name.pattern);
  if (TABLES.has(known ?? outerRoleFromWords(name.stem))) {
    return (TOKENS.has(known) || (isTurned && known !== undefined)) && streams.has(rows) && !streams.has(cols);
  }
  if (known === "patch" && streams.has(rows) !== streams.has(cols)) return streams.has(cols);
  return rows !== cols && bias === cols ? true : isTurned && (rows === cols || bias !== rows);
}
