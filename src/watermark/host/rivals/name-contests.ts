import type { Role } from "../../../anatomy/anatomy.ts";
import { parseTensorName } from "../../../anatomy/name.ts";
import { byAddress, type Claim, compare, groupBy, largestOf, MUCH_LARGER, preference, stackSizes } from "./claims.ts";

/** Names for one role of one stack that are tried: a choice of four costs two bits. */
export const MAX_NAMES = 4;

/** Several tensors of one stack that claim the same role in the same layers. */
export interface NameContest {
  readonly stack: string;
  readonly component: string;
  readonly roles: ReadonlySet<Role>;
  /** What each answer drops; the first is the one that is believed without trying. */
  readonly options: readonly ReadonlySet<string>[];
  readonly untried: number;
  /** What leaves the tensors of one role alone, for as long as they are being chosen; null where they are not concerned. */
  readonly apart: ReadonlySet<string> | null;
}

interface Variant {
  readonly name: string;
  readonly known: boolean;
  readonly size: number;
  readonly claims: readonly Claim[];
}

/**
 * Contests inside stacks. A real model names a role in one way throughout, so the choice is among names and not layer by
 * layer. Tensors of one role come first, role by role; tensors that hold several (fused attention) then stand against what
 * was chosen there, for half of one cannot be taken.
 */
export function nameContests(claims: readonly Claim[]): readonly NameContest[] {
  const inside = claims.filter(({ view }) => view.layer >= 0);
  return [...groupBy(inside, ({ view }) => view.stack).values()].flatMap(contestsOfStack);
}

function contestsOfStack(claims: readonly Claim[]): NameContest[] {
  const contested = [...byAddress(claims).values()].filter((group) => new Set(group.map(tensorOf)).size > 1).flat();
  if (contested.length === 0) return [];
  const roles = new Map<string, Set<Role>>();
  for (const { view } of claims) roles.set(view.tensor, (roles.get(view.tensor) ?? new Set()).add(view.role));
  const isFused = (claim: Claim): boolean => roles.get(claim.view.tensor)!.size > 1;
  const [first] = claims as [Claim];
  const { stack, component } = first.view;
  const contests: NameContest[] = [];
  const alone = groupBy(
    contested.filter((claim) => !isFused(claim)),
    ({ view }) => view.role,
  );
  for (const [role, list] of alone) {
    const rivals = [...byAddress(list).values()].filter((group) => group.length > 1).flat();
    if (rivals.length === 0) continue;
    contests.push({ stack, component, roles: new Set([role as Role]), apart: null, ...optionsOf(variantsOf(rivals)) });
  }
  const fused = contested.filter(isFused);
  if (fused.length > 0) contests.push({ stack, component, ...fusedOptions(contested, fused, isFused) });
  return contests;
}

function tensorOf({ view }: Claim): string {
  return view.tensor;
}

/** Expert by expert the names are the same. */
function variantsOf(claims: readonly Claim[]): Variant[] {
  const byName = groupBy(claims, ({ view }) => parseTensorName(view.tensor).stem.replace(/(experts?\.)[0-9]+/g, "$1*"));
  return [...byName].map(([name, list]) => variant(name, list));
}

function variant(name: string, claims: readonly Claim[]): Variant {
  return { name, claims, known: claims.some(({ known }) => known), size: claims.reduce((n, { size }) => n + size, 0) };
}

/** Names that tables know are tried, guessed ones only where nothing is known or what is known is much smaller. */
function ranked(variants: readonly Variant[]): { tried: readonly Variant[]; untried: number } {
  const most = largestOf(variants.map(({ size }) => size));
  const rivals = variants.filter(({ size }) => size * MUCH_LARGER > most);
  const known = rivals.filter((one) => one.known);
  const tried = [...(known.length > 0 ? known : rivals)].sort((a, b) => b.size - a.size || compare(a.name, b.name));
  return { tried: tried.slice(0, MAX_NAMES), untried: Math.max(0, tried.length - MAX_NAMES) };
}

function optionsOf(variants: readonly Variant[]): Pick<NameContest, "options" | "untried"> {
  const { tried, untried } = ranked(variants);
  const places = [...byAddress(variants.flatMap(({ claims }) => claims)).values()];
  const options = tried.map(({ claims }) => {
    const chosen = new Set(claims.map(tensorOf));
    return new Set(places.flatMap((place) => losers(place, chosen)));
  });
  return { options, untried };
}

function losers(place: readonly Claim[], chosen: ReadonlySet<string>): string[] {
  const prefer = preference(stackSizes(place));
  const rank = (a: Claim, b: Claim): number =>
    Number(chosen.has(tensorOf(b))) - Number(chosen.has(tensorOf(a))) || prefer(a, b);
  const [, ...others] = [...place].sort(rank);
  return others.map(tensorOf);
}

function fusedOptions(
  contested: readonly Claim[],
  fused: readonly Claim[],
  isFused: (claim: Claim) => boolean,
): Omit<NameContest, "stack" | "component"> {
  const roles = new Set(fused.map(({ view }) => view.role));
  const separate = contested.filter((claim) => !isFused(claim) && roles.has(claim.view.role));
  // The separate tensors stand together, with the claim of one name for every address.
  const best = [...byAddress(separate).values()].map((place) => [...place].sort(preference(stackSizes(place)))[0]!);
  const apart = best.length === 0 ? [] : [variant("", best)];
  const { tried, untried } = ranked([...apart, ...variantsOf(fused)]);
  const options = tried.map((one) => {
    const own = new Set((one.name === "" ? separate : one.claims).map(tensorOf));
    return new Set([...separate, ...fused].map(tensorOf).filter((tensor) => !own.has(tensor)));
  });
  return { roles, options, untried, apart: separate.length > 0 ? new Set(fused.map(tensorOf)) : null };
}
