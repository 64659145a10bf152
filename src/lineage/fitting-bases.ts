import { adapterModules } from "../anatomy/adapter-modules.ts";
import { adapterLayers, isBareAdapter } from "../deep/adapter-layers.ts";
import { CODE_BYTES } from "../kernels/bits.ts";
import { loadBase } from "./base-cache.ts";
import type { CandidateSource } from "./candidate-source.ts";
import { unsound } from "./ranked-bases.ts";
import type { Subject } from "./subject.ts";

/** Widths that modules of one adapter read, and bases of each that are looked at. */
const MAX_WIDTHS = 16;
const MAX_BASES = 64;
/** Bases that are named. */
const MAX_NAMED = 8;

/** Widths that the modules of a LoRA adapter alone read; null for a subject that is none, or whose weights are not at hand. */
export function streamsOfAdapter({ checkpoint }: Subject): readonly number[] | null {
  if (checkpoint === null || !isBareAdapter(checkpoint.tensors)) return null;
  return [...new Set(adapterModules(checkpoint.tensors).map(({ inputs }) => inputs))].slice(0, MAX_WIDTHS);
}

/** Names of registered bases that a LoRA adapter alone fits, and that keep nothing which it could be tested by. */
export async function fittingBases(
  suspect: Subject,
  registry: CandidateSource,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const widths = streamsOfAdapter(suspect);
  if (widths === null) return [];
  const anyOf = (cols: number) =>
    ({ component: "", layer: -1, role: "q", cols, code: new Uint8Array(CODE_BYTES) }) as const;
  const names: string[] = [];
  for (const { digest, name } of await registry.candidates(widths.map(anyOf), MAX_BASES)) {
    signal?.throwIfAborted();
    const base = await loadBase(registry, digest).catch(unsound);
    if (!("tensors" in base) || base.attention !== undefined) continue;
    const tensors = new Map(base.tensors.map((one) => [one.name, one]));
    if (Array.isArray(adapterLayers(suspect.checkpoint!.tensors, tensors))) names.push(name);
    if (names.length === MAX_NAMED) break;
  }
  return names;
}
