import { finite } from "../alignment/feature-reader.ts";
import { type AdapterModule, adapterModules } from "../anatomy/adapter-modules.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import { RowReader } from "../rows/row-reader.ts";
import { type LabelBlock, type LabelTests, labelTests } from "./label-tests.ts";
import { isSortedBySize } from "./order-test.ts";
import { spread } from "./take.ts";

/** What the A's of two LoRA adapters say of each other. */
export interface StartEvidence {
  readonly tests: LabelTests;
  /** Modules that were tested, and those of them that agree by themselves. */
  readonly modules: number;
  readonly agreeing: number;
  /** Layers that these are in. */
  readonly layers: number;
}

/** Why two adapters say nothing of each other's start. */
export type StartSilence = "no-common-modules" | "few-ranks" | "no-start-left" | "copied-starts";

/** Modules that are looked at, spread over those that both change. */
const MAX_MODULES = 16;
/** Fewer rows than this are not tested. */
const MIN_RANK = 8;
/** Columns that are looked at. */
const MAX_COLUMNS = 2048;
/**
 * Kurtosis up to which A is still what peft and kohya-ss begin it with: uniform numbers have 1.8. A start that is computed from a
 * base, by its singular vectors or by what flows through it, has 3 or more, and two adapters of one base have the same.
 */
const UNIFORM = 2.2;
/** log10 p of one module that agrees by itself. */
const AGREES = -2;
/** log10 p of two modules of one adapter that resemble each other, from which one start is held for a copy of the other. */
const COPIED = -2;

/**
 * A begins at random and moves little; B begins at zero. Adapters of different seeds have ranks that nothing tells apart:
 * whatever both learn of one base, row k of the one belongs to row k of the other no more than to any other. Rows that stay
 * paired began alike. What is no longer uniform is left out: there a base may have given the start to both.
 */
export async function startEvidence(
  first: Checkpoint,
  second: Checkpoint,
  signal?: AbortSignal,
): Promise<StartEvidence | StartSilence> {
  const pairs = commonModules(first, second);
  if (pairs.length === 0) return "no-common-modules";
  const ranked = pairs.filter(([one]) => one.rank >= MIN_RANK);
  if (ranked.length === 0) return "few-ranks";
  const readers = [new RowReader(first, undefined, signal), new RowReader(second, undefined, signal)] as const;
  const found: { readonly block: LabelBlock; readonly layer: number }[] = [];
  for (const [one, other] of spread(ranked, MAX_MODULES)) {
    signal?.throwIfAborted();
    const [a, b] = [await startOf(one, readers[0]), await startOf(other, readers[1])];
    if (a === null || b === null) continue;
    found.push({ block: { width: a.length / one.rank, a, b }, layer: one.layer });
  }
  if (found.length === 0) return "no-start-left";
  const blocks = found.map(({ block }) => block);
  if (!areApart(blocks)) return "copied-starts";
  const tests = labelTests(blocks, true);
  if (tests === null) return "no-start-left";
  const agreeing = found.filter(({ block }) => smallest(labelTests([block])) <= AGREES);
  return {
    tests,
    modules: found.length,
    agreeing: agreeing.length,
    layers: new Set(agreeing.map(({ layer }) => layer)).size,
  };
}

function smallest(tests: LabelTests | null): number {
  return tests === null ? 0 : Math.min(tests.swapLog10P, tests.fixedLog10P);
}

/** Modules of one layer and use and of one shape in both; of several of a use in one adapter none. */
function commonModules(first: Checkpoint, second: Checkpoint): (readonly [AdapterModule, AdapterModule])[] {
  const [one, other] = [first, second].map(({ tensors }) => {
    const known = new Map<string, AdapterModule | null>();
    for (const module of adapterModules(tensors)) {
      if (!holdsValues(tensors.get(module.a)!.dtype)) continue;
      const key = `${module.layer} ${module.use}`;
      known.set(key, known.has(key) ? null : module);
    }
    return known;
  }) as [Map<string, AdapterModule | null>, Map<string, AdapterModule | null>];
  return [...one].flatMap(([key, module]) => {
    const same = other.get(key);
    const isCommon = module != null && same != null && module.rank === same.rank && module.inputs === same.inputs;
    return isCommon ? [[module, same] as const] : [];
  });
}

/** Rows of A at some columns; null where nothing is left of a uniform start, or rows stand in order of size. */
async function startOf({ a, rank, inputs }: AdapterModule, reader: RowReader): Promise<Float32Array | null> {
  const columns = spread(
    Array.from({ length: inputs }, (_, j) => j),
    MAX_COLUMNS,
  );
  const rows = new Float32Array(rank * columns.length);
  for (let k = 0; k < rank; k++) {
    const row = finite(await reader.elements(a, k * inputs, inputs));
    for (const [j, column] of columns.entries()) rows[k * columns.length + j] = row[column]!;
  }
  const size = Math.sqrt(rows.reduce((sum, x) => sum + x * x, 0) / rows.length);
  if (!(size > 0)) return null;
  const kurtosis = rows.reduce((sum, x) => sum + (x / size) ** 4, 0) / rows.length;
  return kurtosis > UNIFORM || isSortedBySize(rows, columns.length) ? null : rows;
}

/** Whether no two modules of the first adapter began alike: then each has ranks of its own. */
function areApart(blocks: readonly LabelBlock[]): boolean {
  const tails = blocks.flatMap(({ a, width }, i) =>
    blocks
      .slice(0, i)
      .filter((other) => other.a.length === a.length && other.width === width)
      .map((other) => smallest(labelTests([{ width, a, b: other.a }]))),
  );
  return Math.min(0, ...tails) + Math.log10(2 * Math.max(1, tails.length)) > COPIED;
}
