import { type OpenOptions, openCheckpoint } from "../../src/checkpoint/open-checkpoint.ts";
import { model as directory, type Files, opened } from "./model-directory.ts";
import { graph, model, plain } from "./onnx-file.mjs";

export const place = (content: Buffer, files: Files = {}) => directory({ "model.onnx": content, ...files });
export const scale = (name: string, ...values: number[]) => plain(name, [values.length], values);

/** Every tensor as it is read: values, shape, and what is told of it. */
export async function read(location: string, options: OpenOptions = {}) {
  const checkpoint = await openCheckpoint(location, options);
  try {
    const found: Record<string, unknown> = {};
    for (const { name, dtype, shape, file, begin, end, scheme, inOut } of checkpoint.tensors.values()) {
      const raw = await checkpoint.files[file]!.source.read(begin, end);
      const values = dtype === "F32" ? [...new Float32Array(raw.slice().buffer)] : [...raw];
      found[name] = [shape, values, ...(scheme === undefined ? [] : [scheme]), ...(inOut === true ? ["inOut"] : [])];
    }
    return found;
  } finally {
    await checkpoint.close();
  }
}

export const readModel = (nodes: Buffer[], tensors: Buffer[]) => read(place(model(graph(nodes, tensors))));
export const notesOf = async (nodes: Buffer[], tensors: Buffer[], rest: Buffer[] = []) =>
  (await opened(place(model(graph(nodes, tensors, rest))))).notes.map((note) => note.replace("model.onnx: ", ""));
