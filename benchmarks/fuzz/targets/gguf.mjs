import { memorySource } from "../../../dist/src/bytes/memory-source.js";
import { addGguf } from "../../../dist/src/checkpoint/gguf/add-gguf.js";
import { fingerprintCheckpoint } from "../../../dist/src/fingerprint/extract.js";
import { readGgufHeader } from "../../../dist/src/formats/gguf/header.js";
import { ggufFile, TENSOR_TYPES, VALUE_TYPES } from "../../../tests/support/gguf-file.mjs";
import { changedBytes } from "../bytes.mjs";
import { hostileText } from "../hostile.mjs";
import { mustInspectSafely } from "../inspect-report.mjs";
import { must } from "../invariant.mjs";

const ARCHITECTURES = [
  "llama",
  "gemma2",
  "bloom",
  "falcon",
  "baichuan",
  "internlm2",
  "deepseek2",
  "qwen2moe",
  "t5",
  "gpt-oss",
];
const STEMS = [
  "token_embd",
  "output_norm",
  "blk.#.attn_q",
  "blk.#.attn_k",
  "blk.#.attn_v",
  "blk.#.attn_qkv",
  "blk.#.attn_output",
  "blk.#.attn_norm",
  "blk.#.ffn_up",
  "blk.#.ffn_gate",
  "blk.#.ffn_down",
  "blk.#.ffn_up_exps",
  "blk.#.ffn_gate_inp_shexp",
  "blk.#.attn_k_b",
  "blk.#.attn_v_b",
  "blk.#.ffn_up.1",
  "rope_freqs",
  "enc.blk.#.attn_q",
];
/** One in so many models is described and fingerprinted. */
const SHARE = 32;
/** Numbers that lengths, counts, offsets and dimensions must not be. */
const WILD = [0, 1, 31, 33, 64, 2 ** 31, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** Whole models of GGUF: tensors lie in the file and apart, and what is decoded of them is the same however it is read. */
export const target = {
  name: "gguf",
  extension: "bin",
  make(random) {
    const file = modelOf(random);
    return random.chance(0.15) ? changedBytes(random, file, modelOf(random)) : file;
  },
  async check(bytes) {
    const { tensors } = await readGgufHeader(memorySource(bytes, "m.gguf"));
    const order = [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end);
    let last = 0;
    for (const { begin, end } of order) {
      must(begin >= last && end >= begin && end <= bytes.length, "a tensor lies outside of the file, or in another");
      last = end;
    }
    const checkpoint = await checkpointOf(bytes);
    const { source } = checkpoint.files[0];
    must(source.size <= 64 * bytes.length + 1024, "what is decoded is much larger than what is stored");
    const whole = await source.read(0, source.size);
    for (const { begin, end } of checkpoint.tensors.values()) {
      must(begin <= end && end <= source.size, "a decoded tensor lies outside");
      const [from, to] = [
        begin + Math.floor((end - begin) / 3),
        Math.min(end, begin + Math.floor((end - begin) / 3) + 37),
      ];
      const piece = await source.read(from, to);
      must(
        Buffer.from(piece).equals(Buffer.from(whole.subarray(from, to))),
        "a part of a tensor is not as in the whole",
      );
    }
    // What reads models is a target of its own: here a share of them is enough.
    if (bytes[bytes.length >> 1] % SHARE !== 0) return;
    await mustInspectSafely(checkpoint);
    await fingerprintCheckpoint(checkpoint, { depth: "sampled" });
  },
};

async function checkpointOf(bytes) {
  const assembly = { files: [], tensors: new Map(), notes: [], metadata: null, passedOver: new Map() };
  const folder = {
    shown: (name) => name,
    open: async (name) => ({ source: memorySource(bytes, name), absolutePath: null }),
  };
  const { config, ownTokenizer } = await addGguf(assembly, folder, ["m.gguf"], { budget: undefined, blocks: null });
  await ownTokenizer();
  const { files, tensors, notes } = assembly;
  return {
    location: "m.gguf",
    revision: null,
    container: "gguf",
    files,
    tensors,
    metadata: null,
    config,
    notes,
    ownTokenizer,
    readBeside: async () => null,
    verifyUnchanged: async () => {},
    close: async () => {},
  };
}

function modelOf(random) {
  const architecture = random.chance(0.9) ? random.pick(ARCHITECTURES) : hostileText(random);
  const count = () => (random.chance(0.9) ? random.pick([1, 2, 4]) : random.below(40));
  const metadata = [
    ["general.architecture", "text", architecture],
    [`${architecture}.attention.head_count`, "u32", count()],
    [`${architecture}.attention.head_count_kv`, "u32", count()],
    ["tokenizer.ggml.tokens", "array", { of: "text", items: ["a", hostileText(random), "b"] }],
  ].filter(() => random.chance(0.9));
  if (random.chance(0.2)) metadata.push([hostileText(random), ...someValue(random, 0)]);
  if (random.chance(0.1)) metadata.push(["general.alignment", "u32", random.pick([0, 1, 8, 32, 48, 64, 2 ** 31])]);
  const about = { metadata, tensors: Array.from({ length: random.small(12) }, () => someTensor(random)) };
  if (random.chance(0.05)) about.littleEndian = false;
  if (random.chance(0.05)) about.version = random.below(5);
  if (random.chance(0.05)) about[random.pick(["count", "entries"])] = random.pick(WILD);
  if (random.chance(0.05)) about.end = random.bytes(random.below(80));
  return ggufFile(about);
}

function someTensor(random) {
  const stem = random.pick(STEMS).replace("#", () => String(random.small(3)));
  const name = random.chance(0.95)
    ? `${stem}.${random.pick(["weight", "weight", "weight", "bias"])}`
    : hostileText(random);
  const type = random.pick(Object.keys(TENSOR_TYPES));
  const [, elements, bytes] = TENSOR_TYPES[type];
  const row = elements * random.pick([1, 1, 2]);
  const shape = [...Array.from({ length: random.below(3) }, () => random.pick([1, 2, 4, 8, 12])), row];
  const size = (shape.reduce((a, b) => a * b, 1) / elements) * bytes;
  const tensor = { name, type, shape, data: random.bytes(size) };
  if (random.chance(0.03)) tensor.shape = [...shape.slice(1), random.pick(WILD)];
  if (random.chance(0.03)) tensor.offset = random.pick(WILD);
  if (random.chance(0.03)) tensor.type = random.below(60);
  return tensor;
}

/** Type and value. */
function someValue(random, depth) {
  const type = random.pick(Object.keys(VALUE_TYPES));
  if (type === "text") return [type, hostileText(random)];
  if (type !== "array")
    return [type, type.endsWith("64") && type !== "f64" ? BigInt(random.below(9)) : random.below(3)];
  if (depth > 5) return ["u8", 1];
  const [of, value] = someValue(random, depth + 1);
  const items = new Array(random.small(4)).fill(value);
  return ["array", { of, items, count: random.chance(0.05) ? random.pick(WILD) : items.length }];
}
