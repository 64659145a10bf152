import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { halfCarriers } from "./carriers/difference/half-carriers.ts";
import { readDifference } from "./carriers/difference/read-difference.ts";
import { isMismatch } from "./host/rivals/best-suspect.ts";
import type { ModelKey } from "./key/model-key.ts";
import type { ReadingMode, ReadingOptions } from "./suspect.ts";

/** Looks for a mark in the difference of a model to its public base, which is the reference for its order as well. */
export function derivativeReading(base: Checkpoint, key: ModelKey, options: ReadingOptions): ReadingMode {
  const { signal, onProgress } = options;
  return {
    name: "derivative",
    isAligned: true,
    async read(model) {
      return {
        carriers: halfCarriers(await readDifference(model, base, key, { signal, onProgress })),
        synchronised: null,
      };
    },
    async readFocused(model, only) {
      try {
        return halfCarriers(await readDifference(model, base, key, { signal, only }));
      } catch (error) {
        // What has nothing in common with the base says nothing.
        if (isMismatch(error)) return [];
        throw error;
      }
    },
    verifyUnchanged: () => base.verifyUnchanged(),
  };
}
