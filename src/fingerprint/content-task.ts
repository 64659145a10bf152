import { type ByteSource, isSync, type SyncByteSource } from "../bytes/byte-source.ts";
import { openFileSource } from "../bytes/file-source.ts";
import type { Reopening } from "../checkpoint/checkpoint.ts";
import { WeightmarkError } from "../errors.ts";
import { holdsValues } from "../formats/dtype-kind.ts";
import type { Dtype } from "../formats/tensor-info.ts";
import { fullPass, fullPassLater } from "../kernels/full-pass.ts";
import type { Moments } from "../kernels/moments.ts";
import type { MomentSummary } from "./fingerprint.ts";
import { toHex } from "./hex.ts";

/** Tensors of one file, for one worker: plain data, since it crosses threads. */
export interface ContentTask {
  readonly file: number;
  /** Opened again by the worker: a local file by its path, or the model of a virtual one; null when neither can be. */
  readonly from: string | Reopening | null;
  readonly tensors: { name: string; begin: number; end: number; dtype: Dtype }[];
}

export interface ContentRecord {
  /** BLAKE3 of the stored bytes, hex. */
  readonly content: string;
  readonly moments: MomentSummary | null;
}

/** By the name of the tensor. */
export type Contents = readonly (readonly [string, ContentRecord])[];

type OpenedAgain = ByteSource | SyncByteSource;

/** Reads every byte of the task's tensors once. `source` is given when they are read on the calling thread. */
export async function readTensors(task: ContentTask, source?: ByteSource, signal?: AbortSignal): Promise<Contents> {
  let opened: OpenedAgain | null = null;
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

/** @throws CHANGED_DURING_READ where the model is not the one any more whose tensors are asked for */
async function openAgain({ file, from, tensors }: ContentTask): Promise<OpenedAgain> {
  if (typeof from === "string") return openFileSource(from);
  const { path, config, allowLinks } = from!;
  // Loaded where it is needed: most models have no virtual files.
  const { openCheckpoint } = await import("../checkpoint/open-checkpoint.ts");
  const checkpoint = await openCheckpoint(path, { config, allowLinks });
  const isThere = ({ name, begin, end, dtype }: ContentTask["tensors"][number]) => {
    const found = checkpoint.tensors.get(name);
    return found?.file === file && found.begin === begin && found.end === end && found.dtype === dtype;
  };
  if (!tensors.every(isThere)) {
    await checkpoint.close();
    throw new WeightmarkError("CHANGED_DURING_READ", "the model was replaced while it was being read", { file: path });
  }
  const { source } = checkpoint.files[file]!;
  return { ...source, close: () => checkpoint.close() };
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
