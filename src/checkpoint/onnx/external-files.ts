import { isBrokenLink } from "../../bytes/absence.ts";
import type { ByteSource } from "../../bytes/byte-source.ts";
import { WeightmarkError } from "../../errors.ts";
import { MAX_FILES, MAX_REPEATS, SLACK_BYTES } from "../../formats/onnx/limits.ts";
import type { OnnxTensor } from "../../formats/onnx/onnx-model.ts";
import { ABSENT } from "../absent.ts";
import type { OpenedFile } from "../model-folder.ts";
import { pathProblem } from "../shard-name.ts";

/** Opens a file by its name beside the model. */
export type OpenBeside = (name: string) => Promise<OpenedFile>;

/** A file that tensors lie in beside the model. */
export interface ExternalFile extends OpenedFile {
  readonly name: string;
}

const MAX_SHOWN = 120;

/**
 * Opens the files that tensors lie in beside the model, each once, and holds the tensors against them: none reaches beyond its
 * file, and two lie at the same bytes or apart.
 *
 * @throws SHARD_PATH_REFUSED, SHARD_MISSING, ONNX_OUT_OF_BOUNDS, ONNX_OVERLAP, ONNX_LIMIT; nothing stays open then
 */
export async function openExternal(
  model: ByteSource,
  tensors: readonly OnnxTensor[],
  open: OpenBeside,
): Promise<ExternalFile[]> {
  const byFile = new Map<string, OnnxTensor[]>();
  for (const tensor of tensors) {
    const { place } = tensor;
    if (!("location" in place)) continue;
    const list = byFile.get(place.location);
    if (list === undefined) byFile.set(place.location, [tensor]);
    else list.push(tensor);
  }
  const refuse = (message: string) => new WeightmarkError("ONNX_LIMIT", message, { file: model.location });
  if (byFile.size > MAX_FILES) throw refuse(`tensors in more than ${MAX_FILES} files`);
  const files: ExternalFile[] = [];
  try {
    for (const [name, own] of byFile) {
      const file = { ...(await openFile(model, name, own[0]!, open)), name };
      files.push(file);
      requireApart(file, own);
    }
    const there = files.reduce((sum, { source }) => sum + source.size, model.size);
    const given = tensors.reduce((sum, { size }) => sum + size, 0);
    if (given > MAX_REPEATS * there + SLACK_BYTES) {
      throw refuse(`tensors of ${given} bytes in files of ${there}: the same bytes are given out again and again`);
    }
    return files;
  } catch (error) {
    await Promise.all(files.map(({ source }) => source.close()));
    throw error;
  }
}

async function openFile(
  { location: file }: ByteSource,
  name: string,
  { name: tensor }: OnnxTensor,
  open: OpenBeside,
): Promise<OpenedFile> {
  const problem = pathProblem(name);
  const shown = JSON.stringify(name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}...` : name);
  if (problem !== null) {
    const message = `the file ${shown} that the tensor lies in ${problem}`;
    throw new WeightmarkError("SHARD_PATH_REFUSED", message, { file, tensor });
  }
  return open(name).catch((error) => {
    if (!(error instanceof WeightmarkError) || !ABSENT.has(error.code)) throw error;
    const how = isBrokenLink(error) ? `: ${error.message}` : ", which is not there";
    throw new WeightmarkError("SHARD_MISSING", `the weights lie in ${shown}${how}`, {
      file,
      tensor,
      detail: isBrokenLink(error) ? error.detail : "Complete the download: it belongs beside the model.",
      cause: error,
    });
  });
}

function requireApart({ source }: ExternalFile, tensors: readonly OnnxTensor[]): void {
  const file = source.location;
  const places = tensors.map(({ name, size, place }) => {
    const { offset: start } = place as { readonly offset: number };
    if (start + size > source.size) {
      const message = `bytes ${start} to ${start + size} are asked for, and the file has ${source.size}`;
      throw new WeightmarkError("ONNX_OUT_OF_BOUNDS", message, { file, tensor: name });
    }
    return { name, start, end: start + size };
  });
  places.sort((a, b) => a.start - b.start || a.end - b.end);
  let last: (typeof places)[number] | undefined;
  for (const place of places) {
    if (place.start === place.end) continue;
    const isSame = last?.start === place.start && last.end === place.end;
    if (last !== undefined && place.start < last.end && !isSame) {
      throw new WeightmarkError("ONNX_OVERLAP", `bytes of the tensor belong to ${JSON.stringify(last.name)} as well`, {
        file,
        tensor: place.name,
      });
    }
    last = place;
  }
}
