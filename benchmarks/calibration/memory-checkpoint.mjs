import { memorySource } from "../../dist/src/bytes/memory-source.js";

/** Tensors [name, shape, f32 values] as a checkpoint. */
export function memoryCheckpoint(list) {
  const bytes = new Uint8Array(list.reduce((n, [, , values]) => n + values.byteLength, 0));
  const tensors = new Map();
  let at = 0;
  for (const [name, shape, values] of list) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    tensors.set(name, { name, dtype: "F32", shape, begin: at, end: at + values.byteLength, file: 0 });
    at += values.byteLength;
  }
  return {
    location: "memory",
    container: "safetensors",
    files: [{ path: "memory", absolutePath: null, source: memorySource(bytes, "memory") }],
    tensors,
    config: null,
    notes: [],
    verifyUnchanged: async () => {},
    close: async () => {},
  };
}
