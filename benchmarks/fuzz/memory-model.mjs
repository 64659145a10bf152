import { memorySource } from "../../dist/src/bytes/memory-source.js";
import { fingerprintCheckpoint } from "../../dist/src/fingerprint/extract.js";
import { readSafetensorsHeader } from "../../dist/src/formats/safetensors/header.js";
import { serializeSafetensors } from "../../dist/src/formats/safetensors/writer.js";
import { DTYPE_BITS } from "../../dist/src/formats/tensor-info.js";
import { Random } from "./random.mjs";

/** The checkpoint that a safetensors file in memory is, whatever lies beside it. */
export async function checkpointOf(bytes, config = null) {
  const source = memorySource(bytes, "model.safetensors");
  const { tensors, metadata, notes } = await readSafetensorsHeader(source);
  return {
    location: "model.safetensors",
    revision: null,
    container: "safetensors",
    files: [{ path: "model.safetensors", absolutePath: null, source }],
    tensors: new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, file: 0 }])),
    metadata,
    config,
    notes,
    readBeside: async () => null,
    verifyUnchanged: async () => {},
    close: async () => {},
  };
}

/** As much of a name as a tensor may have: other names are for the target of whole files. */
export function writableName(name) {
  return name === "__metadata__" ? "metadata" : name.replace(/\p{Surrogate}/gu, "").slice(0, 4000);
}

/** A file of tensors with these names, types and shapes, and data that `random` makes. */
export function fileOf(random, tensors, metadata) {
  const data = ({ dtype, shape }) => {
    const bytes = Math.ceil(shape.reduce((product, size) => product * size, DTYPE_BITS[dtype]) / 8);
    return random.chance(0.05) ? new Uint8Array(bytes) : plausible(random, dtype, bytes);
  };
  return serializeSafetensors(
    tensors.map((tensor) => ({ ...tensor, data: data(tensor) })),
    metadata,
  );
}

/** Weights of usual size where the type is a float of 32 bits, else any bits. */
function plausible(random, dtype, bytes) {
  if (dtype !== "F32" || random.chance(0.1)) return random.bytes(bytes);
  const values = Float32Array.from({ length: bytes / 4 }, () => (random.below(2 ** 16) / 2 ** 15 - 1) / 16);
  return new Uint8Array(values.buffer);
}

/** A model of one layer. */
export function tinyLlama(width = 32) {
  const at = "model.layers.0";
  const matrix = (name, rows = width, cols = width) => ({ name: `${name}.weight`, dtype: "F32", shape: [rows, cols] });
  const vector = (name) => ({ name: `${name}.weight`, dtype: "F32", shape: [width] });
  return [
    matrix("model.embed_tokens", 48),
    vector(`${at}.input_layernorm`),
    ...["q", "k", "v", "o"].map((role) => matrix(`${at}.self_attn.${role}_proj`)),
    vector(`${at}.post_attention_layernorm`),
    matrix(`${at}.mlp.gate_proj`),
    matrix(`${at}.mlp.up_proj`),
    matrix(`${at}.mlp.down_proj`),
    vector("model.norm"),
  ];
}

/** Fingerprints of two such models, made when they are first asked for. */
export function tinyFingerprints() {
  made ??= Promise.all(
    ["one", "two"].map(async (seed) =>
      fingerprintCheckpoint(await checkpointOf(fileOf(new Random(seed), tinyLlama())), { depth: "sampled" }),
    ),
  );
  return made;
}

let made;
