import type { Role } from "./anatomy.ts";

/** Tensors outside the layers, by the last one or two segments of their path. */
const TABLE = new Map<string, Role>([
  ["embed_tokens", "embed"],
  ["wte", "embed"],
  ["embed_in", "embed"],
  ["tok_embeddings", "embed"],
  ["token_embd", "embed"],
  ["token_embedding", "embed"],
  ["word_embeddings", "embed"],
  ["word_embedding", "embed"],
  ["tok_embedding", "embed"],
  ["shared", "embed"],

  ["lm_head", "head"],
  ["embed_out", "head"],
  ["output", "head"],
  ["output_layer", "head"],
  ["predictions.decoder", "head"],
  ["lm_head.decoder", "head"],
  ["vocab_projector", "head"],

  ["wpe", "position"],
  ["embed_positions", "position"],
  ["position_embeddings", "position"],
  ["position_embedding", "position"],
  ["position_embd", "position"],
  ["positional_embedding", "position"],
  ["pos_embed", "position"],
  ["token_type_embeddings", "token_type"],
  ["token_types", "token_type"],

  ["patch_embeddings.projection", "patch"],
  ["patch_embedding", "patch"],
  ["patch_embed.proj", "patch"],
  ["visual.conv1", "patch"],

  ["project_in", "other"],
  ["project_out", "other"],
  ["text_projection", "other"],
  ["visual_projection", "other"],
  ["visual.proj", "other"],
  ["mm_input_projection", "other"],
  ["embedding_hidden_mapping_in", "other"],
  ["pooler.dense", "other"],
  ["predictions.transform.dense", "other"],
  ["transform.dense", "other"],
  ["lm_head.dense", "other"],
  ["head.dense", "other"],
  ["predictions.dense", "other"],
  ["vocab_transform", "other"],
  ["classifier", "other"],
  ["classifier.dense", "other"],
  ["classifier.out_proj", "other"],
  ["pre_classifier", "other"],
  ["score", "other"],
  ["v_head.summary", "other"],
  ["qa_outputs", "other"],
  ["seq_relationship", "other"],
  ["fc_norm", "other"],
  ["head", "other"],
  // SigLIP's attention pooling.
  ["mlp.fc1", "other"],
  ["mlp.fc2", "other"],
  ["attention.in_proj", "other"],
  ["attention.out_proj", "other"],
]);

/** The role of a tensor outside the layers, undefined when the tables do not know it. */
export function outerRole(pattern: string): Role | undefined {
  const last = pattern.lastIndexOf(".");
  const beforeLast = last < 0 ? -1 : pattern.lastIndexOf(".", last - 1);
  return TABLE.get(pattern.slice(beforeLast + 1)) ?? TABLE.get(pattern.slice(last + 1));
}
