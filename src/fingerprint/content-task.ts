import { type ByteSource, isSync } from "../bytes/byte-source.ts";
import { openFileSource } from "../bytes/file-source.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import type { Dtype } from "../formats/tensor-info.ts";
import { fullPass, fullPassLater } from "../kernels/full-pass.ts";
import type { Moments } from "../kernels/moments.ts";
import type { MomentSummary } from "./fingerprint.ts";
import { toHex } from "./hex.ts";

/** Tensors of one file, for one worker: plain data, since it crosses threads. */
export interface ContentTask {
  readonly file: number;
  /** Opened again by the worker; null when the bytes are not in a local file. */
  readonly path: string | null;
  /** Whether the path is that of a model whose only file is meant, a virtual one. */
  readonly virtual: boolean;
  readonly tensors: { name: string; begin: number; end: number; dtype: Dtype }[];
}

export interface ContentRecord {
  /** BLAKE3 of the stored bytes, hex. */
  readonly content: string;
  readonly moments: MomentSummary | null;
}

/** By the name of the tensor. */
export type Contents = readonly (readonly [string, ContentRecord])[];

/** Reads every byte of the task's tensors once. `source` is given when they are read on the calling thread. */
export async function readTensors(task: ContentTask, source?: ByteSource, signal?: AbortSignal): Promise<Contents> {
  let opened: ByteSource | null = null;
  try {
    if (source === undefined) opened = await openAgain(task);
    const bytes = source ?? opened!;
    const records: [string, ContentRecord][] = [];
    for (const { name, begin, end, dtype } of task.tensors) {
      // On the calling thread nothing is read synchronously: a large tensor takes longer than signals and timers can wait.
      const { digest, moments } =
        opened !== null && isSync(opened)
          ? fullPass(opened, begin, end, dtype)
          : await fullPassLater(bytes, begin, end, dtype, signal);
      records.push([
        name,
        { content: toHex(digest), moments: moments !== null && holdsValues(dtype) ? summarise(moments) : null },
      ]);
    }
    return records;
  } finally {
    await opened?.close();
  }
}

async function openAgain({ path, virtual }: ContentTask): Promise<ByteSource> {
  if (!virtual) return openFileSource(path!);
  // Loaded where it is needed: most models have no virtual files.
  const { openCheckpoint } = await import("../checkpoint/open-checkpoint.ts");
  return (await openCheckpoint(path!, { config: false })).files[0]!.source;
}

function summarise(m: Moments): MomentSummary {
  const variance = m.finite > 0 ? m.squares / m.finite : 0;
  const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? x : null);
  return {
    count: m.finite,
    rms: m.finite > 0 ? finiteOrNull(Math.sqrt(variance)) : null,
    kurtosis: variance > 0 ? finiteOrNull(m.fourths / m.finite / variance ** 2) : null,
    absMax: m.finite > 0 ? finiteOrNull(m.absMax) : null,
    zeroFraction: m.finite > 0 ? m.zeros / m.finite : 0,
    nonFinite: m.nan + m.plusInfinity + m.minusInfinity,
  };
}
