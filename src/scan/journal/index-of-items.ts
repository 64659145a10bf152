/** Where the line of an item lies in the journal, and whether it is a failure that may be replaced. */
export interface Place {
  readonly offset: number;
  readonly length: number;
  readonly passing: boolean;
  /** `lineSum` of the line, without its newline. */
  readonly sum: number;
}

/** Places of items by id. The items stay on disk: a million of them would take gigabytes, their places 20 MB. */
export class ItemIndex {
  readonly #slots = new Map<string, number>();
  #offsets = new Float64Array(256);
  #lengths = new Uint32Array(256);
  #passing = new Uint8Array(256);
  #sums = new Uint32Array(256);

  get size(): number {
    return this.#slots.size;
  }

  get(id: string): Place | null {
    const slot = this.#slots.get(id);
    if (slot === undefined) return null;
    const [offset, length, sum] = [this.#offsets[slot]!, this.#lengths[slot]!, this.#sums[slot]!];
    return { offset, length, passing: this.#passing[slot] === 1, sum };
  }

  set(id: string, { offset, length, passing, sum }: Place): void {
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = this.#slots.size;
      this.#slots.set(id, slot);
      if (slot === this.#offsets.length) this.#grow();
    }
    this.#offsets[slot] = offset;
    this.#lengths[slot] = length;
    this.#passing[slot] = passing ? 1 : 0;
    this.#sums[slot] = sum;
  }

  /** Ids of the items that are no passing failures. */
  finished(): Set<string> {
    const ids = new Set<string>();
    for (const [id, slot] of this.#slots) if (this.#passing[slot] === 0) ids.add(id);
    return ids;
  }

  /** All ids, in code-unit order. */
  ids(): string[] {
    return [...this.#slots.keys()].sort();
  }

  #grow(): void {
    const size = 2 * this.#offsets.length;
    const offsets = new Float64Array(size);
    const lengths = new Uint32Array(size);
    const passing = new Uint8Array(size);
    offsets.set(this.#offsets);
    lengths.set(this.#lengths);
    passing.set(this.#passing);
    const sums = new Uint32Array(size);
    sums.set(this.#sums);
    [this.#offsets, this.#lengths, this.#passing, this.#sums] = [offsets, lengths, passing, sums];
  }
}
