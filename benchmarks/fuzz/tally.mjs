/** What became of the inputs of one target. */
export class Tally {
  inputs = 0;
  accepted = 0;
  refused = 0;
  skipped = 0;
  slowestMs = 0;
  grownBytes = 0;
  /** From a code to how often. */
  codes = new Map();
  #finds = new Map();

  count({ kind, code, ms, grown }) {
    this.inputs += 1;
    this.slowestMs = Math.max(this.slowestMs, ms);
    this.grownBytes = Math.max(this.grownBytes, grown);
    if (kind === "accepted") this.accepted += 1;
    if (kind === "skipped") this.skipped += 1;
    if (kind !== "refused") return;
    this.refused += 1;
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
  }

  /** @param find its `input` gives the bytes; `file` is where they lie, if anywhere */
  found({ code, message, index, input, file }) {
    const kind = kindOf(code, message);
    if (!this.#finds.has(kind)) this.#finds.set(kind, []);
    this.#finds.get(kind).push({ code, message, index, input, file });
  }

  /** Finds by kind, every one a list. */
  kinds() {
    return [...this.#finds.values()];
  }

  get finds() {
    return this.kinds().reduce((sum, finds) => sum + finds.length, 0);
  }
}

/** The same text for finds of one cause, as far as can be told: what they are, and where they were thrown. */
export function kindOf(code, message) {
  const [place = message.slice(0, 40)] = / at [^)]*?((?:dist|node_modules|benchmarks)\/[^):]*:\d+)/.exec(message) ?? [];
  return `${code} ${place}`;
}
