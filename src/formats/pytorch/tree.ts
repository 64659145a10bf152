import { PickleDict, PickleList, PickleObject, PickleTuple, type PickleValue } from "../pickle/values.ts";
import { Storage, StoredTensor, UnreadTensor } from "./values.ts";

/** A part of a tree of weights: under which name it lies, and what. */
export type Entry = readonly [key: string, value: PickleValue];

/** Parts of a module that hold what its state dict would. */
const MODULE_PARTS = ["_parameters", "_buffers", "_modules"];
const SCRIPT = "__torch__";

/**
 * The parts of a value that holds weights by names: a dict, a list, a module as Python or TorchScript keeps it; null for
 * what is no such thing.
 */
export function entriesOf(value: PickleValue): Entry[] | null {
  if (value instanceof PickleDict) {
    return value.entries.flatMap(([key, inner]): Entry[] => {
      return typeof key === "string" || typeof key === "number" ? [[String(key), inner]] : [];
    });
  }
  if (value instanceof PickleList || value instanceof PickleTuple) {
    return value.items.map((item, i) => [String(i), item]);
  }
  if (!(value instanceof PickleObject) || !(value.state instanceof PickleDict)) return null;
  if (value.global.module.split(".", 1)[0] === SCRIPT) return entriesOf(value.state);
  const parts = modulePartsOf(value.state);
  if (parts === null) return null;
  // Dicts alone: a module that is called a part of itself would have no end.
  const dicts = MODULE_PARTS.map((part) => parts.get(part)).filter((part) => part instanceof PickleDict);
  const buffers = parts.get("_buffers");
  const left = leftBuffers(parts);
  return dicts.flatMap((part) => entriesOf(part)!.filter(([key]) => part !== buffers || !left.has(key)));
}

/** What the attributes of a module are called, or null for those of another object. */
function modulePartsOf(state: PickleDict): Map<string, PickleValue> | null {
  const parts = new Map(entriesOf(state)!);
  return parts.has("_parameters") && parts.has("_modules") ? parts : null;
}

/** Names of buffers that a state dict does not have: tables that the module computes. */
function leftBuffers(parts: ReadonlyMap<string, PickleValue>): ReadonlySet<PickleValue> {
  return new Set(textsOf(parts.get("_non_persistent_buffers_set") ?? null));
}

/** The texts of a set, which old pickles make by a call and new ones by instructions. */
function textsOf(set: PickleValue): PickleValue[] {
  if (!(set instanceof PickleObject)) return [];
  const [list] = set.args instanceof PickleTuple ? set.args.items : [];
  return list instanceof PickleList ? [...list.items] : set.items;
}

/** All that a value is made of, whatever it is, but for the buffers that a module's state dict does not have. */
function* partsOf(value: PickleValue): Generator<PickleValue> {
  const parts = value instanceof PickleObject && value.state instanceof PickleDict ? modulePartsOf(value.state) : null;
  const buffers = parts?.get("_buffers");
  if (value instanceof PickleObject && parts !== null && buffers instanceof PickleDict) {
    yield value.args;
    yield* value.items;
    const left = leftBuffers(parts);
    for (const entry of (value.state as PickleDict).entries) if (entry[1] !== buffers) yield* entry;
    for (const [key, inner] of buffers.entries) if (!left.has(key) || !isTensor(inner)) yield inner;
  } else if (value instanceof PickleDict) for (const entry of value.entries) yield* entry;
  else if (value instanceof PickleList || value instanceof PickleTuple) yield* value.items;
  else if (value instanceof PickleObject) {
    yield value.args;
    yield value.state;
    yield* value.items;
  }
}

export function isTensor(value: PickleValue): value is StoredTensor | UnreadTensor {
  return value instanceof StoredTensor || value instanceof UnreadTensor;
}

function* namedParts(value: PickleValue): Generator<PickleValue> {
  for (const [, inner] of entriesOf(value) ?? []) yield inner;
}

/**
 * Tells what lies somewhere in a tree. Values may be shared and lie in themselves: each is looked into once, however often it is
 * asked for (CWE-674, CWE-407).
 */
export class Search {
  readonly #parts: (value: PickleValue) => Generator<PickleValue>;
  readonly #isFound: (value: PickleValue) => boolean;
  /** True where something was found inside, false where nothing was. */
  readonly #known = new Map<PickleValue, boolean>();

  constructor(parts: (value: PickleValue) => Generator<PickleValue>, isFound: (value: PickleValue) => boolean) {
    this.#parts = parts;
    this.#isFound = isFound;
  }

  /** Whether something is found inside of a value. */
  holds(value: PickleValue): boolean {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    this.#known.set(value, false);
    const path = [{ value, parts: this.#parts(value) }];
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const next = last.parts.next();
      if (next.done === true) {
        path.pop();
        continue;
      }
      const inner = next.value;
      if (this.#isFound(inner) || this.#known.get(inner) === true) {
        for (const { value: outer } of path) this.#known.set(outer, true);
        return true;
      }
      if (typeof inner !== "object" || inner === null || this.#known.has(inner)) continue;
      this.#known.set(inner, false);
      path.push({ value: inner, parts: this.#parts(inner) });
    }
    return false;
  }
}

/** Whether weights lie in a value under names. */
export function weightSearch(): Search {
  return new Search(namedParts, isTensor);
}

/** Whether bytes of weights lie in a value in any way. */
export function contentSearch(): Search {
  return new Search(partsOf, (value) => value instanceof Storage || isTensor(value));
}
