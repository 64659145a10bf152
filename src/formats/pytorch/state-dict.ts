import { WeightmarkError } from "../../errors.ts";
import { PickleDict, PickleList, PickleObject, type PickleValue } from "../pickle/values.ts";
import { MAX_NAME_BYTES, MAX_TENSORS } from "../safetensors/limits.ts";
import { isAveragedKey, isModelKey, isTrainingKey } from "./trainer-keys.ts";
import { contentSearch, type Entry, entriesOf, isTensor, type Search, weightSearch } from "./tree.ts";
import { StoredTensor, UnreadTensor } from "./values.ts";

/** Weights by their names, in the order of the file. */
export interface StateDict {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly notes: readonly string[];
}

/** Dicts in dicts that are looked into for weights. */
const MAX_DEPTH = 64;
/** Characters of all names together for each byte of the pickle: dicts that are shared are written once (CWE-776). */
const LETTERS_A_BYTE = 64;
/** What small pickles may have on top, and large ones at most. */
const SLACK_LETTERS = 1 << 16;
const MAX_LETTERS = 1 << 27;
const MAX_LISTED = 5;
/** An optimiser has a few groups of weights, and some ten settings for each. */
const MAX_LOOKED_AT = 64;
const MAX_SHOWN = 120;

/**
 * The weights in what a PyTorch file holds: a state dict, one in a checkpoint of some trainer, or a module as a whole. Names are
 * those that a state dict would have, parts joined by dots.
 *
 * Of a checkpoint, states of training are left out, and averages of the weights where the weights themselves are there, as
 * variants beside a model are; what is left out is noted. A dict under one of the usual names gives its weights under their own
 * names. Several are all read, each under its name: nothing says that one of them is the model.
 *
 * @param root what the pickle of the file holds
 * @param length bytes of the pickle
 * @throws PT_NO_TENSORS, PT_DUPLICATE_NAME, PT_TENSOR_UNKNOWN, PICKLE_LIMIT
 */
export function stateDictOf(root: PickleValue, length: number, file: string): StateDict {
  const collector = new Collector(file, Math.min(LETTERS_A_BYTE * length + SLACK_LETTERS, MAX_LETTERS));
  collector.choose(root, "", 0);
  const { tensors, notes } = collector;
  if (tensors.size === 0) {
    const found = notes.length === 0 ? "" : `: ${notes.join("; ")}`;
    throw new WeightmarkError("PT_NO_TENSORS", `no weights in the file${found}`, { file });
  }
  return { tensors, notes };
}

class Collector {
  readonly tensors = new Map<string, StoredTensor>();
  readonly #file: string;
  readonly #weights = weightSearch();
  readonly #content = contentSearch();
  readonly #training = new Names();
  readonly #averaged = new Names();
  readonly #unread = new Names();
  readonly #nameless = new Names();
  /** Of what was opened already: what is shared is opened again and again. */
  readonly #opened = new Map<PickleValue, readonly Entry[]>();
  #letters: number;

  /** @param letters that names may have together, and entries that are looked at */
  constructor(file: string, letters: number) {
    this.#file = file;
    this.#letters = letters;
  }

  get notes(): string[] {
    return [
      ...this.#training.note("states of training are no weights and were not read"),
      ...this.#averaged.note("averages of the weights beside them were not read"),
      ...this.#unread.note("tensors of forms that hold no plain weights were not read"),
      ...this.#nameless.note("tensors under keys that are no names were not read"),
    ];
  }

  /** Takes the weights of a dict that may be a trainer's; of anything else all that there is. */
  choose(value: PickleValue, prefix: string, depth: number): void {
    if (!(value instanceof PickleDict) || depth > MAX_DEPTH) {
      this.#take(value, prefix, depth);
      return;
    }
    if (isOptimizer(value)) {
      // Nothing but that is in the file: elsewhere it is left out by whoever holds it.
      this.#training.add("state");
      return;
    }
    const all = this.#open(value);
    const folders = all.filter(([, inner]) => !isTensor(inner) && this.#weights.holds(inner));
    const isLeft = ([key, inner]: Entry) => isTrainingKey(key) || isOptimizer(inner);
    // Beside dicts of weights a tensor under such a key is a state, as of random numbers; in a state dict it is a weight.
    const isTrained = folders.some((folder) => !isLeft(folder));
    const isState = (entry: Entry) => isTrained && isTensor(entry[1]) && isLeft(entry);
    const entries = all.filter((entry) => !isState(entry));
    for (const entry of all) if (isState(entry)) this.#training.add(prefix + entry[0]);
    for (const entry of folders) if (isLeft(entry)) this.#training.add(prefix + entry[0]);
    const kept = folders.filter((entry) => !isLeft(entry));
    const plain = kept.filter(([key]) => !isAveragedKey(key));
    const models = plain.length > 0 ? plain : kept;
    const chosen = new Set(models);
    for (const entry of kept) if (!chosen.has(entry)) this.#averaged.add(prefix + entry[0]);
    const [only] = models;
    // A counter that stands as a tensor beside the weights of a trainer's model is none of them.
    const beside = entries.filter(([, inner]) => isTensor(inner) && !isCounter(inner));
    if (only !== undefined && models.length === 1 && beside.length === 0 && isModelKey(only[0])) {
      this.choose(only[1], prefix, depth + 1);
      return;
    }
    for (const entry of entries) {
      const [key, inner] = entry;
      if (chosen.has(entry)) this.choose(inner, `${prefix}${key}.`, depth + 1);
      else if (isTensor(inner) || !(this.#weights.holds(inner) || isLeft(entry))) this.#leaf(prefix + key, inner);
    }
  }

  /** Everything in a value, whatever it is called. */
  #take(value: PickleValue, prefix: string, depth: number): void {
    // What a file holds and nothing else, so that nobody has named it.
    if (isTensor(value)) this.#leaf("tensor", value);
    if (depth > MAX_DEPTH) throw this.#limit(`weights more than ${MAX_DEPTH} dicts deep`);
    for (const [key, inner] of this.#open(value)) {
      if (!isTensor(inner) && this.#weights.holds(inner)) this.#take(inner, `${prefix}${key}.`, depth + 1);
      else this.#leaf(prefix + key, inner);
    }
  }

  #open(value: PickleValue): readonly Entry[] {
    const opened = this.#opened.get(value);
    const entries = opened ?? entriesOf(value) ?? [];
    if (opened === undefined && value instanceof PickleDict && hasOtherKeys(value, this.#content))
      this.#nameless.add("a dict");
    this.#opened.set(value, entries);
    this.#spend(entries.length);
    return entries;
  }

  #spend(letters: number): void {
    this.#letters -= letters;
    if (this.#letters < 0) throw this.#limit("more names than the pickle has room for");
  }

  /** What has no parts with weights: a tensor, or something that must not hide any. */
  #leaf(name: string, value: PickleValue): void {
    this.#spend(name.length + 1);
    if (value instanceof StoredTensor) this.#add(name, value);
    else if (value instanceof UnreadTensor) this.#unread.add(`${name} (${value.what})`);
    else if (value instanceof PickleObject && this.#content.holds(value)) throw this.#hidden(name, value);
    else if (typeof value === "object" && value !== null && this.#content.holds(value)) this.#nameless.add(name);
  }

  #hidden(name: string, value: PickleObject): WeightmarkError {
    const by = JSON.stringify(value.global.path.slice(0, MAX_SHOWN));
    return new WeightmarkError("PT_TENSOR_UNKNOWN", `the weight is kept by an object of ${by}`, {
      file: this.#file,
      tensor: name,
    });
  }

  #add(name: string, tensor: StoredTensor): void {
    if (this.tensors.has(name)) {
      throw new WeightmarkError("PT_DUPLICATE_NAME", "the name stands twice", { file: this.#file, tensor: name });
    }
    if (this.tensors.size === MAX_TENSORS) throw this.#limit(`more than ${MAX_TENSORS} tensors`);
    if (name.length > MAX_NAME_BYTES) throw this.#limit("names of tensors that are too long");
    this.tensors.set(name, tensor);
  }

  #limit(message: string): WeightmarkError {
    return new WeightmarkError("PICKLE_LIMIT", message, { file: this.#file });
  }
}

/** Whether tensors lie under keys that are neither texts nor numbers. */
function hasOtherKeys({ entries }: PickleDict, content: Search): boolean {
  return entries.some(([key, inner]) => {
    if (typeof key === "string" || typeof key === "number") return false;
    return isTensor(inner) || (typeof inner === "object" && inner !== null && content.holds(inner));
  });
}

/** Whether a value is what an optimiser of torch keeps: averages of gradients, under the numbers of weights. */
function isOptimizer(value: PickleValue): boolean {
  if (!(value instanceof PickleDict) || value.entries.length !== 2) return false;
  const parts = new Map(value.entries);
  const groups = parts.get("param_groups");
  if (!(parts.get("state") instanceof PickleDict) || !(groups instanceof PickleList)) return false;
  // Lists and dicts may be shared: of each no more than a few parts are looked at (CWE-407).
  return groups.items.slice(0, MAX_LOOKED_AT).every((group) => {
    return group instanceof PickleDict && group.entries.slice(0, MAX_LOOKED_AT).some(([key]) => key === "params");
  });
}

function isCounter(value: PickleValue): boolean {
  return value instanceof StoredTensor && value.shape.every((size) => size === 1);
}

/** The first of some names, and how many there are. */
class Names {
  readonly #first: string[] = [];
  #count = 0;

  add(name: string): void {
    if (++this.#count <= MAX_LISTED) this.#first.push(JSON.stringify(name.slice(0, MAX_SHOWN)));
  }

  /** A note that lists them, or none. */
  note(what: string): string[] {
    const more = this.#count > MAX_LISTED ? [`${this.#count - MAX_LISTED} more`] : [];
    return this.#count === 0 ? [] : [`${what}: ${[...this.#first, ...more].join(", ")}`];
  }
}
