import { closing } from "../../bytes/closing.ts";
import { withRecent } from "../../bytes/recent-ranges.ts";
import type { FactorMemory } from "../../decoding/adapted/factor.ts";
import type { CheckpointTensor, OpenedCheckpoint } from "../checkpoint.ts";
import { tokenizerBeside } from "../tokenizer-bytes.ts";
import { type BaseNames, baseNames, weightStems } from "./base-names.ts";
import { type ChangedTensor, changedTensors } from "./changed-tensors.ts";
import { columnChange } from "./column-lengths.ts";
import { adapterContents } from "./factor-names.ts";
import { mergedFile } from "./merged-file.ts";
import { settingsOf, storedAlphas } from "./module-scales.ts";
import { wholeTensors } from "./whole-tensors.ts";

/** Bytes of an adapter that are kept in memory: its factors are needed for every row. */
const KEPT_BYTES = 64 << 20;
/** Kinds of changes that a note counts. */
const MOST_NOTED = 8;

/**
 * The model that merging an adapter into its base would give, computed while it is read: of every row that is asked for
 * W + scale * B A, in f32, whatever type the base is stored in: rounding to that type, as peft does, would only take away what an
 * adapter shows. Nothing is written. Closes both.
 *
 * DoRA of embeddings and of GPT-2's linears reads these once when it is opened; nothing else reads weights of the base.
 *
 * @throws the ADAPTER_* codes; the two stay open then
 * @see https://huggingface.co/docs/peft/developer_guides/lora#merge-lora-weights-into-the-base-model
 */
export async function mergedModel(
  adapter: OpenedCheckpoint,
  base: OpenedCheckpoint,
  signal?: AbortSignal,
): Promise<OpenedCheckpoint> {
  const contents = adapterContents(adapter.tensors.keys(), adapter.location);
  const settings = await settingsOf(adapter, contents);
  const names = baseNames(contents.modules, weightStems(base.tensors.keys()), adapter.location);
  const firstFile = base.files.length;
  const tensors = new Map(base.tensors);
  const saved = settings("")?.saved ?? new Set<string>();
  const whole = wholeTensors(contents, names, { base, adapter }, { saved, firstFile });
  for (const tensor of whole) tensors.set(tensor.name, tensor);
  // Threads could not open these again: they have other numbers here than in the adapter.
  const kept = adapter.files.map((file) => ({
    ...file,
    source: withRecent(file.source, KEPT_BYTES),
    virtualOf: undefined,
  }));
  const files = [...base.files, ...kept];
  const memory: FactorMemory = new Map();
  const own = { tensors: adapter.tensors, firstFile, file: adapter.location, memory };
  const alphas = await storedAlphas(adapter, contents.modules);
  const planned = changedTensors(names.paths, tensors, own, settings, alphas);
  const read = { sources: files.map(({ source }) => source), memory, signal };
  const changed: ChangedTensor[] = [];
  for (const one of planned) {
    const { matrix, change, columns } = one;
    changed.push(columns === null ? one : { ...one, change: await columnChange(matrix, change, columns, read) });
  }
  files.push(mergedFile(files, tensors, changed));
  return closing({
    ...base,
    location: `${adapter.location}+${base.location}`,
    givenBase: base.location,
    revision: null,
    files,
    tensors,
    metadata: null,
    notes: [...base.notes, ...adapter.notes.map((note) => `adapter: ${note}`), ...notesOn(changed, whole, names)],
    ownTokenizer: async () => (await tokenizerBeside(adapter)) ?? tokenizerBeside(base),
    async verifyUnchanged() {
      await adapter.verifyUnchanged();
      await base.verifyUnchanged();
    },
    async close() {
      await adapter.close();
      await base.close();
    },
  });
}

function notesOn(
  changed: readonly ChangedTensor[],
  whole: readonly CheckpointTensor[],
  { elsewhere }: BaseNames,
): string[] {
  const counts = new Map<string, number>();
  for (const { what } of changed) counts.set(what, (counts.get(what) ?? 0) + 1);
  const notes = [...counts]
    .slice(0, MOST_NOTED)
    .map(([what, count]) => `merged while reading: ${what} in ${count} tensors`);
  if (counts.size > MOST_NOTED) notes.push(`merged while reading: ${counts.size - MOST_NOTED} other ranks and scales`);
  if (whole.length > 0)
    notes.push(`the adapter holds ${whole.length} tensors whole, which take the place of the base's`);
  const components = [...new Set(elsewhere.map(({ component }) => component))];
  if (components.length > 0) {
    notes.push(`what the adapter has for other models of a pipeline was left out: ${components.join(", ")}`);
  }
  return notes;
}
