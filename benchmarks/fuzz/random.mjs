import { createHash } from "node:crypto";
import { xorshift } from "../support/random.mjs";

/** Choices that a seed makes: the same text, the same choices, on every machine. */
export class Random {
  #next;

  constructor(seed) {
    this.#next = xorshift(createHash("sha256").update(seed).digest().readUInt32LE(0));
  }

  /** A whole number from 0 to below `end`. */
  below(end) {
    return Math.floor((this.#next() / 2 ** 32) * end);
  }

  chance(probability) {
    return this.#next() < probability * 2 ** 32;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Small numbers more often than large ones, up to below `end`. */
  small(end) {
    return Math.min(this.below(end), this.below(end));
  }

  bytes(length) {
    return Uint8Array.from({ length }, () => this.#next() >>> 24);
  }
}
