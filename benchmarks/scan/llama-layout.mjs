/** Tensors of a Llama model in the order of their files, and the headers of files that hold them, in bf16. */
export function llamaTensors({ layers, width, ffn, vocabulary, heads, kvHeads }) {
  const kvWidth = (width / heads) * kvHeads;
  const tensors = [["model.embed_tokens.weight", [vocabulary, width]]];
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    tensors.push(
      [`${at}.input_layernorm.weight`, [width]],
      [`${at}.self_attn.q_proj.weight`, [width, width]],
      [`${at}.self_attn.k_proj.weight`, [kvWidth, width]],
      [`${at}.self_attn.v_proj.weight`, [kvWidth, width]],
      [`${at}.self_attn.o_proj.weight`, [width, width]],
      [`${at}.post_attention_layernorm.weight`, [width]],
      [`${at}.mlp.gate_proj.weight`, [ffn, width]],
      [`${at}.mlp.up_proj.weight`, [ffn, width]],
      [`${at}.mlp.down_proj.weight`, [width, ffn]],
    );
  }
  tensors.push(["model.norm.weight", [width]], ["lm_head.weight", [vocabulary, width]]);
  return tensors.map(([name, shape]) => ({ name, shape, bytes: 2 * shape.reduce((a, b) => a * b) }));
}

/** Tensors in order, cut into about equal files. */
export function shardsOf(tensors, count) {
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const shards = Array.from({ length: count }, () => []);
  let before = 0;
  for (const tensor of tensors) {
    shards[Math.min(count - 1, Math.floor((before / total) * count))].push(tensor);
    before += tensor.bytes;
  }
  return shards;
}

export function shardName(i, count) {
  if (count === 1) return "model.safetensors";
  const number = (n) => String(n).padStart(5, "0");
  return `model-${number(i + 1)}-of-${number(count)}.safetensors`;
}

/** What comes before the data of a .safetensors file. */
export function headerOf(tensors) {
  const entries = {};
  let at = 0;
  for (const { name, shape, bytes } of tensors) {
    entries[name] = { dtype: "BF16", shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(entries));
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);
  return header;
}

export function indexOf(shards) {
  const map = shards.flatMap((shard, i) => shard.map(({ name }) => [name, shardName(i, shards.length)]));
  const size = shards.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  return JSON.stringify({ metadata: { total_size: size }, weight_map: Object.fromEntries(map) });
}
