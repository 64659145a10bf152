import { parseTensorName, type TensorName } from "../../../anatomy/name.ts";
import { compare, groupBy, type Model, MUCH_LARGER } from "./claims.ts";

/** Ways of spelling the names of one stack that are tried: a choice of four costs two bits. */
export const MAX_SPELLINGS = 4;

interface Spelled {
  readonly tensor: string;
  readonly name: TensorName;
  readonly spelling: string;
  readonly size: number;
}

/**
 * Names that differ in wrappers ("module.", "base_layer") or in the parameter's own name ("q_proj", "q_proj.weight") mean
 * the same parameter, and anatomy takes the first. For every stack that holds such twins: what each spelling drops, the
 * one with most elements first. Twins of which only one has a spelling are decided by size.
 */
export function spellingsOf({ tensors }: Model): ReadonlyMap<string, readonly ReadonlySet<string>[]> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  const names: (readonly [string, TensorName, string])[] = [];
  for (const tensor of tensors.keys()) {
    const name = parseTensorName(tensor);
    if (name.layer < 0 || name.suffix === "bias") continue;
    const key = `${name.layer} ${name.stem} ${name.stack}`;
    if (seen.has(key)) twice.add(key);
    seen.add(key);
    names.push([tensor, name, key]);
  }
  if (twice.size === 0) return new Map();
  const twins = names.filter(([, , key]) => twice.has(key));
  const stacks = groupBy(twins, ([, { stack }]) => stack);
  return new Map([...stacks].map(([stack, list]) => [stack, spellingsOfStack(list, tensors)]));
}

function spellingsOfStack(
  twins: readonly (readonly [string, TensorName, string])[],
  tensors: Model["tensors"],
): readonly ReadonlySet<string>[] {
  const places = new Map<string, Spelled[]>();
  for (const [tensor, name, key] of twins) {
    const size = tensors.get(tensor)!.shape.reduce((a, b) => a * b, 1);
    const one = { tensor, name, spelling: spellingOf(tensor, name), size };
    places.set(key, [...(places.get(key) ?? []), one]);
  }
  const sizes = new Map<string, number>();
  for (const { spelling, size } of [...places.values()].flat()) sizes.set(spelling, (sizes.get(spelling) ?? 0) + size);
  const order = [...sizes].sort(([a, x], [b, y]) => y - x || compare(a, b));
  const [, most] = order[0]!;
  return order
    .filter(([, size]) => size * MUCH_LARGER > most)
    .slice(0, MAX_SPELLINGS)
    .map(([spelling]) => new Set([...places.values()].flatMap((place) => losers(place, spelling))));
}

function losers(place: readonly Spelled[], spelling: string): string[] {
  const rank = (a: Spelled, b: Spelled): number =>
    Number(b.spelling === spelling) - Number(a.spelling === spelling) || b.size - a.size || compare(a.tensor, b.tensor);
  const [, ...others] = [...place].sort(rank);
  return others.map(({ tensor }) => tensor);
}

/** What a name has beside the path that it is known by, with numbers starred: wrappers and the parameter's own name. */
function spellingOf(tensor: string, { stack, stem }: TensorName): string {
  const known = new Set([...stack.split("."), ...stem.split(".")]);
  return tensor
    .split(".")
    .filter((segment) => !known.has(segment))
    .map((segment) => segment.replace(/[0-9]+/g, "*"))
    .join(".");
}
