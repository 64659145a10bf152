import { adapterModules } from "../anatomy/adapter-modules.ts";
import { fitsShapes, type ModuleShape, moduleShapes } from "../checkpoint/adapter/module-shapes.ts";
import { adapterLayers, isBareAdapter } from "../deep/adapter-layers.ts";
import { attentionStacks } from "../deep/attention-stacks.ts";
import { CODE_BYTES } from "../kernels/bits.ts";
import { loadBase } from "./base-cache.ts";
import type { CandidateSource } from "./candidate-source.ts";
import { unsound } from "./ranked-bases.ts";
import type { Subject } from "./subject.ts";

/** A registered base that has the modules which an adapter alone changes, of the same shapes. */
export interface FittingBase {
  readonly name: string;
  /** Whether the adapter could be tested, had the base been registered with what such tests need. */
  readonly isTestable: boolean;
}

/** Widths that modules of one adapter read, and bases of each that are looked at. */
const MAX_WIDTHS = 16;
const MAX_BASES = 64;
/** Bases that are named. */
const MAX_NAMED = 8;
/** Heads of queries that share a head of keys and values: what these give is narrower than the stream by this, at most. */
const MAX_SHARED = 16;
/** Queries, keys and values in one. */
const FUSED = 3;

/** Widths that the modules of a LoRA adapter alone read; null for a subject that is none, or whose weights are not at hand. */
export function streamsOfAdapter({ checkpoint }: Subject): readonly number[] | null {
  if (checkpoint === null || !isBareAdapter(checkpoint.tensors)) return null;
  return [...new Set(adapterModules(checkpoint.tensors).map(({ inputs }) => inputs))].slice(0, MAX_WIDTHS);
}

/** Registered bases that an adapter alone fits, of any kind; of those that keep what it could be tested by, none. */
export async function fittingBases(
  suspect: Subject,
  registry: CandidateSource,
  signal?: AbortSignal,
): Promise<readonly FittingBase[]> {
  const { checkpoint, fingerprint } = suspect;
  if (checkpoint === null || fingerprint.adapter === null || attentionStacks(checkpoint.tensors).size > 0) return [];
  const { tensors: own } = checkpoint;
  const [shapes, streams] = [moduleShapes(own), streamsOfAdapter(suspect)];
  const widths = new Set([...(streams ?? []), ...(shapes === null ? [] : widthsOf(shapes))]);
  const anyOf = (cols: number) =>
    ({ component: "", layer: -1, role: "q", cols, code: new Uint8Array(CODE_BYTES) }) as const;
  const fitting: FittingBase[] = [];
  for (const { digest, name } of await registry.candidates([...widths].map(anyOf), MAX_BASES)) {
    signal?.throwIfAborted();
    const base = await loadBase(registry, digest).catch(unsound);
    if (!("tensors" in base)) continue;
    const tensors = new Map(base.tensors.map((one) => [one.name, one]));
    const layers = streams === null ? "no-attention" : adapterLayers(own, tensors);
    const isTestable = typeof layers !== "string";
    const isOther = layers === "no-attention" && shapes !== null && fitsShapes(shapes, tensors);
    if (isTestable ? base.attention === undefined : isOther) fitting.push({ name, isTestable });
    if (fitting.length === MAX_NAMED) break;
  }
  return fitting;
}

/** Widths that the stream of a base can have: what modules read, or what can be told of it from what they give. */
function widthsOf(shapes: readonly ModuleShape[]): readonly number[] {
  const read = shapes.flatMap(({ cols }) => cols ?? []);
  const given = shapes.flatMap(({ rows, cols }) => (cols === null ? rows! : []));
  const streams = [...new Set(given)].slice(0, MAX_WIDTHS).flatMap((rows) => {
    const shared = Array.from({ length: MAX_SHARED }, (_, i) => rows * (i + 1));
    return rows % FUSED === 0 ? [...shared, rows / FUSED] : shared;
  });
  return [...new Set([...[...new Set(read)].slice(0, MAX_WIDTHS), ...streams])];
}
