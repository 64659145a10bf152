import { describeAnatomy } from "../../../anatomy/describe.ts";
import { claimsOf, compare, type Model, MUCH_LARGER, stackSizes, without } from "./claims.ts";
import { MAX_STACKS, tensorsByStack } from "./stack-contests.ts";

/**
 * The models that a checkpoint may be: all of it, first, and every stack that goes by another component's name without
 * its neighbours. Words mean different things in company ("decoder" beside an encoder; everything beside patches of
 * images), so that a tensor which no loader reads could otherwise rename the layers that one does. One for a model of one
 * stack.
 */
export function suspectsOf<T extends Model>(model: T): readonly T[] {
  const { tensors, config } = model;
  const stacks = tensorsByStack(model);
  const anatomy = describeAnatomy(tensors, config);
  const patches = anatomy.matrices.filter(({ role }) => role === "patch").map(({ tensor }) => tensor);
  const readsTokens = anatomy.matrices.some(({ role, layer }) => layer < 0 && (role === "embed" || role === "head"));
  if (stacks.size < 2 && (patches.length === 0 || !readsTokens)) return [model];
  const inside = claimsOf(model, anatomy).filter(({ view }) => view.layer >= 0);
  const words = new Map(inside.map(({ view }) => [view.stack, view.component]));
  const sizes = [...stackSizes(inside)].sort(([a, x], [b, y]) => y - x || compare(a, b));
  const [, most] = sizes[0] ?? ["", 0];
  const layered = new Set([...stacks.values()].flat());
  const alone = sizes
    .filter(([, size]) => size * MUCH_LARGER > most)
    .slice(0, MAX_STACKS)
    .flatMap(([stack]) => {
      const own = new Set(stacks.get(stack));
      const lone = without(model, new Set([...tensors.keys()].filter((name) => !own.has(name))));
      const word = describeAnatomy(lone.tensors, null).matrices.find((matrix) => matrix.stack === stack)?.component;
      if (word === undefined || word === words.get(stack)) return [];
      return [without(model, new Set([...patches, ...[...layered].filter((name) => !own.has(name))]))];
    });
  return [model, ...alone];
}
