import { isSync } from "../bytes/byte-source.ts";
import { decodedSource } from "../decoding/decoded-source.ts";
import type { Part } from "../decoding/decoder.ts";
import { placeLevels } from "../decoding/level-parts.ts";
import type { Quantised } from "../decoding/quantised/layout.ts";
import { recognise } from "../decoding/quantised/recognise.ts";
import { WeightmarkError } from "../errors.ts";
import type { Assembly } from "./assembly.ts";
import type { CheckpointTensor } from "./checkpoint.ts";

/** What the virtual file is called in messages. */
const DECODED = "decoded weights";
const F32_BYTES = 4;
const LEFT_OUT = "packed weights were left out";
/** Characters of a name that a note shows. */
const MOST_SHOWN = 120;

/**
 * Puts linears whose weights are packed into the table of tensors as they are without packing, as values of a virtual file,
 * in the place of the tensors that they are stored as. What is not understood stays as it is stored, and is noted: nobody reads
 * it as weights, but for elements of 8 bits, whose signs mean something without any scale.
 */
export async function decodeQuantised(
  to: Assembly,
  config: Readonly<Record<string, unknown>> | null,
  signal?: AbortSignal,
): Promise<void> {
  const sources = to.files.map(({ source }) => source);
  const { linears, refused, disguised, notes } = await recognise(to.tensors, sources, config, signal);
  to.notes.push(...notes, ...refusalNotes(refused, to.tensors));
  for (const name of disguised) to.tensors.delete(name);
  if (linears.length === 0) return;
  to.notes.push(...schemeNotes(linears));
  const file = to.files.length;
  const parts: Part[] = [];
  const decoded: CheckpointTensor[] = [];
  let begin = 0;
  for (const { name, shape, scheme, decoder, uses } of linears) {
    const elements = shape.reduce((product, side) => product * side, 1);
    const end = begin + elements * F32_BYTES;
    if (end > Number.MAX_SAFE_INTEGER) {
      throw new WeightmarkError("ST_SIZE_OVERFLOW", "with the linears before it, more values than can be counted", {
        tensor: name,
      });
    }
    for (const used of uses) to.tensors.delete(used);
    parts.push({ begin, elements, decoder });
    decoded.push({ name, dtype: "F32", shape, begin, end, file, scheme });
    begin = end;
  }
  if (!sources.every(isSync)) {
    // Far away, one source must be told of all that is read next: two that share a file would drop what the other fetched.
    for (const tensor of to.tensors.values()) {
      const { begin: start, end: last, file: stored } = tensor;
      const length = last - start;
      parts.push({ begin, stored: { file: stored, start, end: last } });
      decoded.push({ ...tensor, begin, end: begin + length, file });
      begin += Math.ceil(length / F32_BYTES) * F32_BYTES;
    }
  }
  const rounded = linears.map(({ shape, decoder }) => {
    return { elements: shape.reduce((product, side) => product * side, 1), levels: decoder.levels };
  });
  for (const tensor of decoded) to.tensors.set(tensor.name, tensor);
  for (const [i, levels] of placeLevels(parts, rounded, begin).entries()) {
    if (levels !== undefined) to.tensors.set(decoded[i]!.name, { ...decoded[i]!, levels });
  }
  // Its files are those of the model, which are closed with it.
  const source = { ...decodedSource(parts, sources, DECODED), close: async () => {} };
  to.files.push({ path: DECODED, absolutePath: null, source, storedBytes: 0 });
}

/** How many linears were decoded from what. */
function schemeNotes(linears: readonly Quantised[]): string[] {
  const counts = new Map<string, number>();
  for (const { scheme } of linears) counts.set(scheme, (counts.get(scheme) ?? 0) + 1);
  return [...counts].map(([scheme, count]) => `${count} linears are packed (${scheme}): their values were decoded`);
}

function refusalNotes(refused: ReadonlyMap<string, string>, tensors: ReadonlyMap<string, CheckpointTensor>): string[] {
  const names = new Map<string, string[]>();
  for (const [name, why] of refused) {
    const what = isReadAlone(name, tensors) ? "weights of 8 bits were read without their scales" : LEFT_OUT;
    const key = JSON.stringify([what, why]);
    const known = names.get(key);
    if (known === undefined) names.set(key, [name]);
    else known.push(name);
  }
  return [...names].map(([key, [first, ...others]]) => {
    const [what, why] = JSON.parse(key) as [string, string];
    const more = others.length === 0 ? "" : ` and ${others.length} others`;
    return `${what}, ${JSON.stringify(shortened(first!))}${more}: ${why}`;
  });
}

/** Whether the weight beside a tensor, or the tensor itself, is of a type that is read without scales. */
function isReadAlone(name: string, tensors: ReadonlyMap<string, CheckpointTensor>): boolean {
  const weight = `${name.slice(0, name.lastIndexOf(".") + 1)}weight`;
  return [name, weight].some((one) => /^(?:F8_E[45]|I8$)/.test(tensors.get(one)?.dtype ?? ""));
}

/** A header may name a tensor by a megabyte of text. */
function shortened(name: string): string {
  return name.length <= MOST_SHOWN ? name : `${name.slice(0, MOST_SHOWN)}...`;
}
