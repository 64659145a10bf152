import type { Role } from "../../../anatomy/anatomy.ts";
import type { Address } from "../../../rows/addressed-matrix.ts";
import { claimsOf, type Model, without } from "./claims.ts";
import { type NameContest, nameContests } from "./name-contests.ts";
import { spellingsOf } from "./spellings.ts";
import { type StackContest, type StackOption, stackContests } from "./stack-contests.ts";

/** Where a contest is decided: a reading need look at nothing else. */
export type Focus = (address: Address) => boolean;

/** How well a model fits, the less the better: for a key, log2 of a p-value. May look at what `focus` admits alone. */
export type Score<T> = (model: T, focus: Focus) => Promise<number>;

/** What was chosen among when a model was settled. */
export interface Contests {
  /** Models that could have come out: the p-value of the one that did is to be multiplied by it. */
  readonly choices: number;
  /** Contests with anything to choose, and claimants that were not tried. */
  readonly contested: number;
  readonly untried: number;
}

/** Counts, without looking at a weight, what `settle` chooses among. */
export function contestsOf(model: Model): Contests {
  if (!isContested(model)) return { choices: 1, contested: 0, untried: 0 };
  const { contests, free } = planOf(model);
  let [choices, contested, untried] = [product(free), free.filter(isOpen).length, total(free)];
  for (const { options, untried: left } of contests) {
    const ways = options.reduce((n, { names }) => n + product(names), 0);
    choices *= ways;
    contested += Number(ways > 1 || left > 0);
    untried += left + Math.max(...options.map(({ names }) => total(names)));
  }
  return { choices, contested, untried };
}

/**
 * A model without the tensors that lose a contest for its places, itself where there is none. Each contest is decided by
 * `score` with the others as they stand.
 */
export async function settle<T extends Model>(model: T, score: Score<T>): Promise<T> {
  if (!isContested(model)) return model;
  const { contests, free } = planOf(model);
  const chosen: (readonly ReadonlySet<string>[])[] = contests.map(({ options }) => [options[0]!.drop]);
  for (const [i, { component, options }] of contests.entries()) {
    const focus: Focus = (one) => one.layer >= 0 && one.component === component;
    let best = Number.POSITIVE_INFINITY;
    const before = [...chosen];
    for (const { drop, names } of options) {
      const others = before.flatMap((drops, at) => (at === i ? [] : drops));
      const tried = [drop, ...(await settleNames(model, [...others, drop], names, score))];
      const log2P = options.length === 1 ? 0 : await score(without(model, union([...others, ...tried])), focus);
      if (log2P >= best) continue;
      best = log2P;
      chosen[i] = tried;
    }
  }
  const drops = chosen.flat();
  return without(model, union([...drops, ...(await settleNames(model, drops, free, score))]));
}

/** The model that is marked: of several stacks the largest, of several names the one that is known. */
export function mainModel<T extends Model>(model: T): T {
  if (!isContested(model)) return model;
  const plain = without(model, union(stackContests(model).map(({ options }) => options[0]!.drop)));
  return without(plain, union(nameContests(claimsOf(plain)).map(({ options }) => options[0]!)));
}

/** Of layers that several claim only one can be marked, and anyone who marks must know. */
export function unmarkedCaveats(model: Model): string[] {
  const left = model.tensors.size - mainModel(model).tensors.size;
  if (left === 0) return [];
  return [
    `${left} tensors claim places of others and are not marked: of several stacks of layers the largest is, of several names the known one`,
  ];
}

/** What names drop of `model` without `base`, decided one after the other. */
async function settleNames<T extends Model>(
  model: T,
  base: readonly ReadonlySet<string>[],
  contests: readonly NameContest[],
  score: Score<T>,
): Promise<readonly ReadonlySet<string>[]> {
  const drops = contests.map(({ options, apart }) => apart ?? options[0]!);
  // What one name says may hang on another (heads are aligned by all their projections): a second look sees the others.
  for (let round = 0, changed = true; changed && round < ROUNDS; round++) {
    changed = false;
    for (const [i, { options, component, roles }] of contests.entries()) {
      const attends = [...roles].some((role) => ATTENTION.has(role));
      const focus: Focus = (one) =>
        one.layer >= 0 && one.component === component && ATTENTION.has(one.role) === attends;
      let best = Number.POSITIVE_INFINITY;
      const before = [...drops];
      for (const option of options) {
        const tried = before.map((drop, at) => (at === i ? option : drop));
        const log2P = options.length === 1 ? 0 : await score(without(model, union([...base, ...tried])), focus);
        if (log2P >= best) continue;
        best = log2P;
        drops[i] = option;
      }
      changed ||= drops[i] !== before[i];
    }
  }
  return drops;
}

const ATTENTION: ReadonlySet<Role> = new Set<Role>(["q", "k", "v", "o"]);

/** Passes over the names of a stack; each reads what is contested as often as there are names. */
const ROUNDS = 3;

interface Plan {
  readonly contests: readonly (Omit<StackContest, "options"> & {
    readonly options: readonly (StackOption & { readonly names: readonly NameContest[] })[];
  })[];
  /** Names in stacks that no other contests. */
  readonly free: readonly NameContest[];
}

/** Everything to be chosen, fixed before any weight is looked at: the p-value counts it. */
function planOf(model: Model): Plan {
  const contests = stackContests(model);
  const firsts = contests.map(({ options }) => options[0]!.drop);
  const planned = contests.map((contest, i) => ({
    ...contest,
    options: contest.options.map((option) => {
      const given = without(model, union(firsts.map((drop, at) => (at === i ? option.drop : drop))));
      return { ...option, names: nameContests(claimsOf(given)).filter(({ stack }) => option.stacks.has(stack)) };
    }),
  }));
  const taken = new Set(contests.flatMap(({ options }) => options.flatMap(({ stacks }) => [...stacks])));
  const free = nameContests(claimsOf(without(model, union(firsts)))).filter(({ stack }) => !taken.has(stack));
  return { contests: planned, free };
}

/** Whether anything is claimed twice: for most models the only question that is asked. */
function isContested(model: Model): boolean {
  if (spellingsOf(model).size > 0) return true;
  const inside = claimsOf(model).filter(({ view }) => view.layer >= 0);
  return new Set(inside.map(({ address }) => address)).size < inside.length;
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

function isOpen({ options }: NameContest): boolean {
  return options.length > 1;
}

function product(contests: readonly NameContest[]): number {
  return contests.reduce((n, { options }) => n * options.length, 1);
}

function total(contests: readonly NameContest[]): number {
  return contests.reduce((n, { untried }) => n + untried, 0);
}
