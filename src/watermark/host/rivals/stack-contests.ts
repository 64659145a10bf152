import { parseTensorName } from "../../../anatomy/name.ts";
import {
  byAddress,
  type Claim,
  claimsOf,
  compare,
  groupBy,
  largestOf,
  type Model,
  MUCH_LARGER,
  stackSizes,
  without,
} from "./claims.ts";
import { spellingsOf } from "./spellings.ts";

/** Stacks that are tried for one component: a choice of sixteen costs four bits, and sixteen passes over the model. */
export const MAX_STACKS = 16;
/** Narrower matrices carry no mark of any kind, so a stack of them is no rival. */
const MIN_COLS = 16;

/** One answer to a contest: what is left out of the model, and the stacks that stay. */
export interface StackOption {
  readonly drop: ReadonlySet<string>;
  readonly stacks: ReadonlySet<string>;
}

/** Several stacks of tensors that claim the same layers of one component, or several spellings of one stack. */
export interface StackContest {
  readonly component: string;
  /** Never empty; the first, the largest stack, is what is believed without trying. */
  readonly options: readonly StackOption[];
  readonly untried: number;
}

interface Stacks {
  readonly sizes: ReadonlyMap<string, number>;
  readonly tensors: ReadonlyMap<string, readonly string[]>;
  readonly spellings: ReadonlyMap<string, readonly ReadonlySet<string>[]>;
}

const NOTHING: ReadonlySet<string> = new Set();

/** Every contest among stacks. Names and sizes decide what is tried, never a weight. */
export function stackContests(model: Model): readonly StackContest[] {
  const spellings = spellingsOf(model);
  const plain = without(model, new Set([...spellings.values()].flatMap(([first]) => [...first!])));
  const claims = claimsOf(plain).filter(({ view }) => view.layer >= 0);
  const stacks: Stacks = { sizes: stackSizes(claims), tensors: tensorsByStack(model), spellings };
  const largest = largestOf(stacks.sizes.values());
  return [...groupBy(claims, ({ view }) => view.component)].flatMap(([component, list]) => {
    const rivals = rivalsAmong(list);
    const free = [...new Set(list.map(({ view }) => view.stack))].filter((stack) => !rivals.has(stack));
    const contests = free.filter((stack) => spellings.has(stack)).map((stack) => ownContest(component, stack, stacks));
    return rivals.size === 0 ? contests : [...contests, contestAmong(component, rivals, list, stacks, largest)];
  });
}

/** Stacks that share an address with another. */
function rivalsAmong(claims: readonly Claim[]): ReadonlySet<string> {
  const rivals = new Set<string>();
  for (const place of byAddress(claims).values()) {
    const stacks = new Set(place.map(({ view }) => view.stack));
    if (stacks.size > 1) for (const stack of stacks) rivals.add(stack);
  }
  return rivals;
}

function ownContest(component: string, stack: string, { spellings }: Stacks): StackContest {
  const options = spellings.get(stack)!.map((drop) => ({ drop, stacks: new Set([stack]) }));
  return { component, options, untried: 0 };
}

function contestAmong(
  component: string,
  rivals: ReadonlySet<string>,
  claims: readonly Claim[],
  { sizes, tensors, spellings }: Stacks,
  largest: number,
): StackContest {
  const size = (stack: string): number => sizes.get(stack)!;
  const order = [...rivals].sort((a, b) => size(b) - size(a) || compare(a, b));
  const [first] = order as [string];
  const wide = new Set(claims.filter(({ view }) => view.cols >= MIN_COLS).map(({ view }) => view.stack));
  const readable = order.filter((stack) => stack === first || wide.has(stack));
  // A small part of the model is not worth a choice: decoys there would only add to what everything is corrected for.
  const worth = size(first) * MUCH_LARGER > largest;
  const tried = readable
    .filter((stack) => stack === first || (worth && size(stack) * MUCH_LARGER > size(first)))
    .slice(0, MAX_STACKS);
  const options = tried.flatMap((stack) => {
    const others = order.filter((one) => one !== stack).flatMap((one) => tensors.get(one) ?? []);
    return (spellings.get(stack) ?? [NOTHING]).map((own) => ({
      drop: new Set([...others, ...own]),
      stacks: new Set([stack]),
    }));
  });
  const kept = options.slice(0, MAX_STACKS);
  const rest = tried.length > 1 ? restOf(claims, rivals, spellings) : null;
  const untried = readable.length - new Set(kept.flatMap(({ stacks }) => [...stacks])).size;
  return { component, options: rest === null ? kept : [...kept, rest], untried };
}

/** What no two stacks claim: where marks lie that were made when contested places were left alone. Null for nothing. */
function restOf(
  claims: readonly Claim[],
  rivals: ReadonlySet<string>,
  spellings: Stacks["spellings"],
): StackOption | null {
  const drop = new Set([...rivals].flatMap((stack) => [...(spellings.get(stack)?.[0] ?? NOTHING)]));
  const left = new Set<string>();
  for (const place of byAddress(claims.filter(({ view }) => rivals.has(view.stack))).values()) {
    const contested = new Set(place.map(({ view }) => view.stack)).size > 1;
    for (const { view } of place) {
      if (contested) drop.add(view.tensor);
      else if (view.cols >= MIN_COLS) left.add(view.tensor);
    }
  }
  return [...left].some((tensor) => !drop.has(tensor)) ? { drop, stacks: rivals } : null;
}

export function tensorsByStack({ tensors }: Pick<Model, "tensors">): ReadonlyMap<string, readonly string[]> {
  const stacks = new Map<string, string[]>();
  for (const tensor of tensors.keys()) {
    const { stack, layer } = parseTensorName(tensor);
    if (layer < 0) continue;
    const list = stacks.get(stack);
    if (list === undefined) stacks.set(stack, [tensor]);
    else list.push(tensor);
  }
  return stacks;
}
