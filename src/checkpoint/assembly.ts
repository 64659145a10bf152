import { type ByteBudget, withBudget } from "../bytes/byte-budget.ts";
import { type ByteSource, canPrefetch } from "../bytes/byte-source.ts";
import { type BlockMemory, withReadAhead } from "../bytes/read-ahead.ts";
import { WeightmarkError } from "../errors.ts";
import { readSafetensorsHeader } from "../formats/safetensors/header.ts";
import { MAX_TENSORS } from "../formats/safetensors/limits.ts";
import { readArrayFile } from "./array-file.ts";
import type { CheckpointFile, CheckpointTensor, ContainerName } from "./checkpoint.ts";
import type { FoundTensor } from "./found-tensors.ts";
import type { ModelFolder, OpenedFile } from "./model-folder.ts";
import type { OpenBeside } from "./onnx/external-files.ts";

/** Files and tensors of a model while its files are opened one after the other. */
export interface Assembly {
  readonly files: CheckpointFile[];
  readonly tensors: Map<string, CheckpointTensor>;
  readonly notes: string[];
  metadata: ReadonlyMap<string, string> | null;
  /** That of its first file. */
  container: ContainerName;
  /** Tensors that were passed over in a file, for their index names another one: by name, the last such file. */
  readonly passedOver: Map<string, number>;
}

/** Number of the file that a tensor is read from, or undefined where nobody says. */
export type FileOf = (tensor: string) => number | undefined;

/** Files whose first bytes are kept, a megabyte each at most; the largest models have more shards. */
const MAX_PREFIXES = 64;

/** How the files of a model are read. */
export interface Reading {
  readonly budget: ByteBudget | undefined;
  /** Given when everything will be read. */
  readonly blocks: BlockMemory | null;
}

/** Files that are opened before their turn: a hundred shards are a hundred round trips, or thirteen. */
const OPEN_AHEAD = 8;

/**
 * Opens the files of a folder and adds their tensors, in the order of the names whatever is there first.
 *
 * @param fileOf decides between files that hold a tensor of one name
 * @throws DUPLICATE_TENSOR, ST_TENSOR_LIMIT, the codes of `readSafetensorsHeader`, what `folder.open` throws; files that
 *   are in the assembly stay open then, and no others
 */
export async function addFiles(
  to: Assembly,
  folder: ModelFolder,
  names: readonly string[],
  reading: Reading,
  fileOf: FileOf = () => undefined,
): Promise<void> {
  const ahead = folder.remote ? OPEN_AHEAD : 1;
  const opening: Promise<OpenedFile>[] = [];
  let added = 0;
  try {
    for (const name of names) {
      for (const next of names.slice(opening.length, added + ahead)) {
        const opened = folder.open(next);
        // Handled where it is awaited; until then nobody does.
        opened.catch(() => {});
        opening.push(opened);
      }
      const file = await opening[added++]!;
      await addFile(to, file, name, folder, reading, fileOf);
    }
  } catch (error) {
    const unused = await Promise.allSettled(opening.slice(added));
    await Promise.all(unused.map((open) => (open.status === "fulfilled" ? open.value.source.close() : null)));
    throw error;
  }
}

async function addFile(
  to: Assembly,
  opened: OpenedFile,
  path: string,
  folder: ModelFolder,
  reading: Reading,
  fileOf: FileOf,
): Promise<void> {
  const shown = folder.shown(path);
  const source = sourceOf(opened, reading);
  const file = to.files.length;
  // Before the header is read, so that a refusal closes it with the others.
  to.files.push({ path, absolutePath: opened.absolutePath, source });
  const open = async (name: string): Promise<OpenedFile> => {
    const beside = await folder.open(path.slice(0, path.lastIndexOf("/") + 1) + name);
    return { ...beside, source: sourceOf(beside, reading) };
  };
  const { tensors, notes } = await contentsOf(to, source, path, open);
  await dropPrefix(to, opened.source);
  for (const note of notes) to.notes.push(`${path}: ${note}`);
  for (const tensor of tensors) {
    if ((fileOf(tensor.name) ?? file) !== file) {
      to.passedOver.set(tensor.name, file);
      continue;
    }
    const elsewhere = to.tensors.get(tensor.name);
    if (elsewhere !== undefined) {
      throw new WeightmarkError("DUPLICATE_TENSOR", `the tensor stands in ${to.files[elsewhere.file]!.path} as well`, {
        file: shown,
        tensor: tensor.name,
        detail: "If these are two models, name one of the files.",
      });
    }
    if (to.tensors.size === MAX_TENSORS) {
      throw new WeightmarkError("ST_TENSOR_LIMIT", `more than ${MAX_TENSORS} tensors in one model`, { file: shown });
    }
    // Spelled out: a spread takes three times as long and twice the memory, which a million tensors show.
    const { name, dtype, shape, begin, end, file: own = 0, scheme, inOut, levels } = tensor;
    const added = { name, dtype, shape, begin, end, file: file + own };
    to.tensors.set(name, scheme === undefined && inOut === undefined ? added : { ...added, scheme, inOut, levels });
  }
}

/** The tensors of the file that was added last, whatever its container is. */
async function contentsOf(
  to: Assembly,
  source: ByteSource,
  path: string,
  open: OpenBeside,
): Promise<{ readonly tensors: Iterable<FoundTensor>; readonly notes: readonly string[] }> {
  const last = to.files.length - 1;
  const arrays = await readArrayFile(source, path, open);
  if (last === 0) to.container = arrays?.container ?? "safetensors";
  if (arrays !== null) {
    if (arrays.source !== source) {
      to.files[last] = { path, absolutePath: null, source: arrays.source, storedBytes: source.size };
    }
    to.files.push(...(arrays.beside ?? []));
    return arrays;
  }
  const { tensors, metadata, notes } = await readSafetensorsHeader(source);
  // Of one file only: of thousands, each as large as a header may be, nobody needs it (CWE-770).
  to.metadata = last === 0 ? metadata : null;
  return { tensors: tensors.values(), notes };
}

/**
 * What came with the header of a far-away file is kept for anyone who reads on, but not of thousands of shards: a listing
 * may name 4,096 of a megabyte (CWE-770).
 */
async function dropPrefix(to: Assembly, source: ByteSource): Promise<void> {
  if (canPrefetch(source) && to.files.length > MAX_PREFIXES) await source.prefetch([]);
}

/** A file of a model, its bytes counted and read ahead as is asked. */
export function sourceOf({ source }: OpenedFile, { budget, blocks }: Reading): ByteSource {
  const counted = budget === undefined ? source : withBudget(source, budget);
  return blocks !== null && canPrefetch(counted) ? withReadAhead(counted, blocks) : counted;
}
