import type { Decoder } from "../decoder.ts";
import type { Candidate, ZeroSample } from "./layout.ts";

/** Linears that are looked into, and how many codes and zero points of each. */
const MOST_LINEARS = 8;
const MOST_NUMBERS = 1 << 16;
/** How far from a whole step the mean of codes less zero points may lie. */
const SURE = 0.3;
/** With more bits a step is so small that the weights' own mean is as large. */
const MOST_BITS = 4;

/** The numbers [0, count) of a decoder. */
export interface Wanted {
  readonly decoder: Decoder;
  readonly count: number;
}

/** Numbers of several decoders, read together. */
type ReadNumbers = (wanted: readonly Wanted[]) => Promise<readonly Float32Array[]>;

/**
 * Whether GPTQ's zero points are stored less one, as AutoGPTQ does ("gptq") and later formats do not ("gptq_v2"). Weights
 * tell: where they were packed symmetrically every zero point is 2^(bits - 1), else they have about no mean, so that codes
 * less zero points are about 0 or about 1 as a mean. Null where neither shows.
 */
export async function zerosLessOne(
  samples: readonly { readonly candidate: Candidate; readonly looked: readonly Uint8Array[] }[],
  read: ReadNumbers,
): Promise<boolean | null> {
  const chosen = spread(samples, MOST_LINEARS).map(({ candidate, looked }) => ({ sample: candidate.zeros!, looked }));
  const zeros = await read(
    chosen.map(({ sample }) => ({ decoder: sample.zeros, count: Math.min(sample.zeroCount, MOST_NUMBERS) })),
  );
  const votes = new Set(chosen.map(({ sample }, i) => symmetry(sample, zeros[i]!)).filter((vote) => vote !== null));
  if (votes.size === 1) return [...votes][0]!;
  const wanted = chosen.flatMap(({ sample, looked }): Wanted[] => {
    const decoder = sample.bits <= MOST_BITS ? sample.differences(looked) : "";
    return typeof decoder === "string" ? [] : [{ decoder, count: Math.min(sample.elements, MOST_NUMBERS) }];
  });
  let sum = 0;
  let count = 0;
  for (const differences of await read(wanted)) {
    for (const difference of differences) sum += difference;
    count += differences.length;
  }
  const mean = sum / count;
  if (Math.abs(mean) < SURE) return false;
  return Math.abs(mean - 1) < SURE ? true : null;
}

/** What zero points say that are all one and the same. */
function symmetry({ bits }: ZeroSample, values: Float32Array): boolean | null {
  const [first] = values;
  if (!values.every((value) => value === first)) return null;
  const middle = 2 ** (bits - 1);
  return first === middle - 1 ? true : first === middle ? false : null;
}

function spread<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]!);
}
