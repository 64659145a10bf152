import { hostileText, NUMBERS } from "./hostile.mjs";

/**
 * JSON as a tree that can say what no JavaScript value can: keys twice, numbers as they are written, texts that are no JSON at
 * all. An object is `{ entries: [[key, node], ...] }`, an array `{ items: [node, ...] }`, everything else `{ text }`.
 */
export function treeOf(value) {
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (typeof value === "object" && value !== null) {
    return { entries: Object.entries(value).map(([key, each]) => [JSON.stringify(key), treeOf(each)]) };
  }
  return { text: JSON.stringify(value) ?? "null" };
}

export function textOf(node) {
  if (node.entries !== undefined) return `{${node.entries.map(([key, each]) => `${key}:${textOf(each)}`).join(",")}}`;
  if (node.items !== undefined) return `[${node.items.map(textOf).join(",")}]`;
  return node.text;
}

/** Every node of a tree, the root first. */
function nodesOf(root) {
  const found = [root];
  for (let at = 0; at < found.length; at++) {
    const { entries = [], items = [] } = found[at];
    for (const [, each] of entries) found.push(each);
    found.push(...items);
  }
  return found;
}

/** Makes another thing of a node, in its place. */
function become(node, other) {
  for (const key of ["entries", "items", "text"]) delete node[key];
  Object.assign(node, other);
}

/** Whether a node may be given another value: those behind some keys are left alone, no matter who asks. */
const ANY = () => true;

function oddValue(random) {
  switch (random.below(7)) {
    case 0:
    case 1:
      return { text: random.pick(NUMBERS) };
    case 2:
      return { text: random.pick(["null", "true", "false", "[]", "{}", '""', "", "undefined", "'a'", "//"]) };
    case 3:
      return { items: Array.from({ length: random.small(40) }, () => ({ text: random.pick(NUMBERS) })) };
    case 4: {
      const depth = random.pick([2, 30, 65, 500, 5000, 20_000]);
      return {
        text: random.chance(0.5)
          ? "[".repeat(depth) + "]".repeat(depth)
          : `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`,
      };
    }
    default:
      return { text: JSON.stringify(hostileText(random)) };
  }
}

/** Changes one node of a tree in its place. */
function changeOne(random, root, may) {
  const nodes = nodesOf(root).filter(may);
  if (nodes.length === 0) return;
  const node = random.pick(nodes);
  const { entries, items } = node;
  const list = entries ?? items;
  if (list === undefined || random.chance(0.3)) return become(node, oddValue(random));
  const at = random.below(list.length);
  switch (random.below(7)) {
    case 0:
      if (list.length > 0) list.splice(at, 1);
      return;
    case 1:
      // Of an object a key that stands twice.
      if (list.length > 0) list.splice(random.below(list.length + 1), 0, structuredClone(list[at]));
      return;
    case 2:
      if (entries !== undefined && list.length > 0) list[at][0] = JSON.stringify(hostileText(random));
      return;
    case 3: {
      const value = random.chance(0.5) ? oddValue(random) : structuredClone(random.pick(nodes));
      list.splice(random.below(list.length + 1), 0, entries === undefined ? value : [keyFor(random, nodes), value]);
      return;
    }
    case 4:
      // Something of the same file, where it does not belong.
      become(node, structuredClone(random.pick(nodes)));
      return;
    case 5:
      for (let i = list.length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        [list[i], list[j]] = [list[j], list[i]];
      }
      return;
    default:
      for (const each of nodes) {
        if (each.text !== undefined && random.chance(0.15)) become(each, oddValue(random));
      }
  }
}

/** A key that is known somewhere in the file, or a hostile one. */
function keyFor(random, nodes) {
  const keys = nodes.flatMap(({ entries = [] }) => entries.map(([key]) => key));
  return keys.length > 0 && random.chance(0.5) ? random.pick(keys) : JSON.stringify(hostileText(random));
}

/** The tree with some changes: mostly one, since two faults hide each other. */
export function changedTree(random, root, may = ANY) {
  const changed = structuredClone(root);
  for (let left = 1 + random.small(4); left > 0; left--) changeOne(random, changed, may);
  return changed;
}

/** JSON of a value, changed more often than not. */
export function changedJson(random, value, may = ANY) {
  const tree = treeOf(value);
  return textOf(random.chance(0.9) ? changedTree(random, tree, may) : tree);
}
