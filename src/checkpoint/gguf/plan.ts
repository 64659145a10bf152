import { WeightmarkError } from "../../errors.ts";
import { MAX_TENSORS } from "../../formats/gguf/limits.ts";
import type { MetadataValue } from "../../formats/gguf/metadata.ts";
import { shownNames } from "../../formats/shown-names.ts";
import { architectureOf } from "./architecture.ts";
import { withParts } from "./fused-rows.ts";
import { headsOf } from "./model-facts.ts";
import { type Architecture, filled, type GgufName, ggufName, type Join, type NameTable } from "./name-table.ts";
import { type StoredTensor, typeName } from "./stored-tensor.ts";
import { asStored, expertOf, isStack, joinedLatent, joinedQkv, undone, type VirtualTensor } from "./virtual-tensor.ts";

/** Tables that converters compute and that are no weights. */
const COMPUTED = /^(?:blk\.#\.)?(?:rope_freqs|rope_factors_long|rope_factors_short|attn_rot_embd)$/;
/** Stacks of more are no experts, and stay as they are. */
const MAX_EXPERTS = 4096;
/** Characters of a name that notes show. */
const LONGEST = 80;

interface Named extends GgufName {
  readonly tensor: StoredTensor;
}

/** What a model of GGUF is to everybody else. */
export interface GgufPlan {
  readonly tensors: readonly VirtualTensor[];
  readonly notes: readonly string[];
}

/**
 * Names, shapes and values of a GGUF model as Hugging Face has them, as far as llama.cpp's conversion is known and can be undone;
 * notes say where it is not.
 *
 * @param stored tensors of all files by their names
 * @param location what messages call the model
 * @throws GGUF_TYPE_UNKNOWN, GGUF_DUPLICATE_KEY, GGUF_LIMIT
 */
export function planTensors(
  stored: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, MetadataValue>,
  location: string,
): GgufPlan {
  const name = metadata.get("general.architecture");
  const known = typeof name === "string" ? architectureOf(name) : undefined;
  const parted = withParts(stored.values(), metadata, known === undefined || !isParted(known));
  const named = parted.map((tensor): Named => ({ tensor, ...ggufName(tensor.name) }));
  const plan = new Plan(named, known ?? { names: {} }, metadata, location);
  const tensors = plan.all();
  if (tensors.length === 0 && stored.size > plan.computed) {
    throw new WeightmarkError("GGUF_TYPE_UNKNOWN", `types ${plan.unknownTypes()} are not read`, { file: location });
  }
  const own = known === undefined ? [unknownArchitecture(name)] : [...plan.notes(), ...(known.notes ?? [])];
  return { tensors, notes: [...own, ...plan.typeNotes()] };
}

/** Whether Hugging Face keeps q, k and v apart, or joins them in an order of its own. */
function isParted({ names, joins = [] }: Architecture): boolean {
  const q = "blk.#.attn_q";
  if (typeof names === "function") return false;
  return (
    names["blk.#.attn_qkv"] === undefined && (names[q] !== undefined || joins.some(({ from }) => from.includes(q)))
  );
}

function unknownArchitecture(name: MetadataValue | undefined): string {
  const what =
    typeof name === "string" ? `the architecture ${JSON.stringify(name.slice(0, 64))} is` : "its architecture is";
  return `${what} not known: tensors have the names of GGUF, and what its converter did to them is not undone`;
}

class Plan {
  /** Tensors that are left out because they are no weights. */
  computed = 0;
  readonly #named: readonly Named[];
  /** Names of all tensors of the file. */
  readonly #stored: ReadonlySet<string>;
  readonly #architecture: Architecture;
  readonly #names: NameTable;
  readonly #metadata: ReadonlyMap<string, MetadataValue>;
  readonly #location: string;
  readonly #tensors = new Map<string, VirtualTensor>();
  /** Names of types that are not understood, with how many tensors have them. */
  readonly #types = new Map<string, number>();
  readonly #ownNames: string[] = [];
  readonly #unfit: string[] = [];

  constructor(
    named: readonly Named[],
    architecture: Architecture,
    metadata: ReadonlyMap<string, MetadataValue>,
    location: string,
  ) {
    this.#named = named;
    this.#stored = new Set(named.map(({ tensor }) => tensor.name));
    this.#architecture = architecture;
    this.#metadata = metadata;
    this.#location = location;
    const { names } = architecture;
    const patterns = new Set(named.map(({ pattern }) => pattern));
    this.#names = typeof names === "function" ? names((pattern) => patterns.has(pattern)) : names;
  }

  all(): VirtualTensor[] {
    const joined = new Set<StoredTensor>();
    for (const join of this.#architecture.joins ?? []) this.#join(join, joined);
    for (const named of this.#named) if (!joined.has(named.tensor)) this.#one(named);
    return [...this.#tensors.values()];
  }

  /** Joins what of each layer is there in full. */
  #join({ from, to, rows }: Join, joined: Set<StoredTensor>): void {
    const groups = new Map<string, (Named | undefined)[]>();
    for (const named of this.#named) {
      const at = from.indexOf(named.pattern);
      if (at < 0) continue;
      const key = `${named.layer} ${named.suffix}`;
      const group = groups.get(key) ?? new Array<Named | undefined>(from.length).fill(undefined);
      group[at] = named;
      groups.set(key, group);
    }
    for (const group of groups.values()) {
      const parts = group.flatMap((named) => (named === undefined ? [] : [named.tensor]));
      const [first] = group.filter((named) => named !== undefined);
      const name = filled(to, first!);
      const heads = headsOf(this.#metadata, first!.layer);
      const isWhole = parts.length === from.length;
      const whole = !isWhole
        ? null
        : rows === "latent"
          ? joinedLatent(parts, name)
          : joinedQkv(parts, name, rows, heads);
      if (whole === null) {
        this.#unfit.push(first!.tensor.name);
        continue;
      }
      for (const part of parts) joined.add(part);
      this.#add(whole);
    }
  }

  #one(named: Named): void {
    const { tensor, pattern, expert } = named;
    if (typeName(tensor) === "NVFP4" && this.#stored.has(tensor.name.replace(/\.weight$/, ".scale"))) {
      const type = "NVFP4 with scales in a tensor of their own";
      this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
      return;
    }
    if (COMPUTED.test(pattern) && this.#names[pattern] === undefined) {
      this.computed++;
      return;
    }
    const template = Object.hasOwn(this.#names, pattern) ? this.#names[pattern] : undefined;
    if (template === undefined) {
      this.#ownNames.push(tensor.name);
      this.#addOr(asStored(tensor, tensor.name), tensor);
    } else if (template.includes("@") && expert === null) this.#experts(named, template);
    else this.#addOr(this.#undone(named, filled(template, named)), tensor);
  }

  #undone({ tensor, pattern, layer }: Named, name: string): VirtualTensor | null {
    const undo = this.#architecture.undo?.[pattern];
    if (undo === undefined) return asStored(tensor, name);
    const found = undone(tensor, name, undo, headsOf(this.#metadata, layer));
    if (found !== "heads") return found;
    this.#unfit.push(tensor.name);
    return asStored(tensor, name);
  }

  #experts(named: Named, template: string): void {
    const { tensor } = named;
    const experts = tensor.shape[0] ?? 0;
    if (!isStack(tensor) || experts > MAX_EXPERTS) {
      this.#ownNames.push(tensor.name);
      this.#addOr(asStored(tensor, tensor.name), tensor);
      return;
    }
    for (let expert = 0; expert < experts; expert++) {
      const one = expertOf(tensor, expert, filled(template, { ...named, expert }));
      this.#addOr(one, tensor);
      if (one === null) return;
    }
  }

  #addOr(virtual: VirtualTensor | null, tensor: StoredTensor): void {
    const type = typeName(tensor);
    if (virtual === null) this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
    else this.#add(virtual);
  }

  /** @throws GGUF_DUPLICATE_KEY, GGUF_LIMIT */
  #add(virtual: VirtualTensor): void {
    const { name } = virtual;
    if (this.#tensors.has(name)) {
      throw new WeightmarkError("GGUF_DUPLICATE_KEY", "two tensors stand for this one", {
        file: this.#location,
        tensor: name,
      });
    }
    if (this.#tensors.size === MAX_TENSORS) {
      throw new WeightmarkError("GGUF_LIMIT", `more than ${MAX_TENSORS} tensors, experts counted one by one`, {
        file: this.#location,
      });
    }
    this.#tensors.set(name, virtual);
  }

  unknownTypes(): string {
    return shownNames([...this.#types.keys()], LONGEST);
  }

  typeNotes(): string[] {
    return [...this.#types].map(
      ([type, count]) => `${count} tensors of the type ${type}, which is not read, were left out`,
    );
  }

  notes(): string[] {
    const notes: string[] = [];
    const [own, unfit] = [this.#ownNames, this.#unfit];
    if (own.length > 0) notes.push(`${own.length} tensors keep their names of GGUF: ${shownNames(own, LONGEST)}`);
    if (unfit.length > 0) {
      notes.push(
        `the heads that the file tells do not fit ${unfit.length} tensors, whose rows stay in the order of GGUF: ${shownNames(unfit, LONGEST)}`,
      );
    }
    return notes;
  }
}
