import type { CanonicalTensor } from "./anatomy.ts";
import { own } from "./config-fields.ts";

/** Where config.json contradicts the tensors: worth a line to a reader, and the reason why nothing is decided by it. */
export function configNotes(
  config: Readonly<Record<string, unknown>> | null,
  matrices: readonly CanonicalTensor[],
): readonly string[] {
  if (config === null) return [];
  const language = matrices.filter(({ component }) => component === "language");
  const layers = new Set(language.filter(({ layer }) => layer >= 0).map(({ layer }) => layer)).size;
  const embedding = language.find(({ role }) => role === "embed");
  const claims: readonly (readonly [keys: readonly string[], actual: number])[] = [
    [["num_hidden_layers", "n_layer", "n_layers"], layers],
    [["vocab_size"], embedding?.rows ?? 0],
    [["hidden_size", "n_embd", "d_model"], embedding?.cols ?? 0],
  ];
  const notes: string[] = [];
  for (const [keys, actual] of claims) {
    const key = keys.find((key) => own(config, key) !== undefined);
    if (key === undefined || actual === 0) continue;
    const claimed = own(config, key);
    if (typeof claimed === "number" && claimed !== actual) {
      notes.push(`config.json says ${key} = ${claimed}, the tensors say ${actual}`);
    }
  }
  return notes;
}
