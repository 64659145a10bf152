"""Tiny random models of every architecture, by the library's own classes. All sizes differ where the layout lets them."""

from dataclasses import dataclass

import transformers as t


@dataclass
class Family:
    name: str
    model: type
    config: object
    # Stacks as (component, path of the modules that add to the residual stream, layers), in the order they run.
    stacks: list[tuple[str, str, int]]
    # False where norms stand after the sublayers: their gains scale no matrix.
    pre_norm: bool = True
    final_norm: str | None = None
    experts: str | None = None
    image: bool = False
    ids: bool = True
    # Encoder and decoder, whose sublayers are modules with a norm of their own.
    cross: bool = False


D, H, V, LAYERS, HEADS, KV = 16, 24, 40, 2, 4, 2
COMMON = dict(hidden_size=D, num_hidden_layers=LAYERS, num_attention_heads=HEADS, vocab_size=V)
LLAMA = dict(**COMMON, intermediate_size=H, num_key_value_heads=KV, head_dim=8, max_position_embeddings=16)
UNTIED = dict(tie_word_embeddings=False)
IMAGE = dict(image_size=4, patch_size=4)
DECODER = [("language", "model.layers", LAYERS)]
TOWER = dict(hidden_size=D, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=H)


def llama_like(name: str, model: type, config: type, **extra) -> Family:
    return Family(name, model, config(**{**LLAMA, **UNTIED, **extra}), DECODER, final_norm="model.norm")


def families() -> list[Family]:
    in_h = [("language", "transformer.h", LAYERS)]
    falcon = dict(**COMMON, **UNTIED, ffn_hidden_size=H)
    opt = dict(hidden_size=D, num_hidden_layers=LAYERS, num_attention_heads=HEADS, ffn_dim=H, vocab_size=V, max_position_embeddings=8)
    bert = dict(**COMMON, intermediate_size=H, max_position_embeddings=8)
    encoder = [("language", "bert.encoder.layer", LAYERS)]
    t5 = dict(d_model=D, d_kv=8, d_ff=H, num_layers=LAYERS, num_heads=HEADS, vocab_size=V, relative_attention_num_buckets=4, **UNTIED)
    both = [("encoder", "encoder.block", LAYERS), ("decoder", "decoder.block", LAYERS)]
    moe = dict(num_experts=3, num_experts_per_tok=2, moe_intermediate_size=12, decoder_sparse_step=1)
    return [
        llama_like("llama", t.LlamaForCausalLM, t.LlamaConfig),
        llama_like("mistral", t.MistralForCausalLM, t.MistralConfig),
        llama_like("qwen2", t.Qwen2ForCausalLM, t.Qwen2Config, head_dim=4),
        llama_like("qwen3", t.Qwen3ForCausalLM, t.Qwen3Config),
        llama_like("gemma", t.GemmaForCausalLM, t.GemmaConfig, tie_word_embeddings=True, intermediate_size=8 * D, pad_token_id=0),
        llama_like("gemma2", t.Gemma2ForCausalLM, t.Gemma2Config, tie_word_embeddings=True, final_logit_softcapping=None),
        llama_like("gemma3", t.Gemma3ForCausalLM, t.Gemma3TextConfig, tie_word_embeddings=True),
        llama_like("phi3", t.Phi3ForCausalLM, t.Phi3Config, head_dim=4, pad_token_id=0),
        Family("gpt2", t.GPT2LMHeadModel, t.GPT2Config(n_embd=D, n_layer=LAYERS, n_head=HEADS, n_inner=H, vocab_size=V, n_positions=8), in_h, final_norm="transformer.ln_f"),
        Family("gpt_neox", t.GPTNeoXForCausalLM, t.GPTNeoXConfig(**COMMON, intermediate_size=H, max_position_embeddings=8), [("language", "gpt_neox.layers", LAYERS)], final_norm="gpt_neox.final_layer_norm"),
        Family("bloom", t.BloomForCausalLM, t.BloomConfig(hidden_size=D, n_layer=LAYERS, n_head=HEADS, vocab_size=V), in_h, final_norm="transformer.ln_f"),
        Family("opt", t.OPTForCausalLM, t.OPTConfig(**opt), [("language", "model.decoder.layers", LAYERS)], final_norm="model.decoder.final_layer_norm"),
        Family("opt_350m", t.OPTForCausalLM, t.OPTConfig(**opt, word_embed_proj_dim=8, do_layer_norm_before=False), [("language", "model.decoder.layers", LAYERS)], pre_norm=False),
        Family("falcon_7b", t.FalconForCausalLM, t.FalconConfig(**falcon, multi_query=True, parallel_attn=True, bias=False, alibi=False), in_h, final_norm="transformer.ln_f"),
        Family("falcon_rw", t.FalconForCausalLM, t.FalconConfig(**falcon, multi_query=False, parallel_attn=False, bias=True, alibi=True), in_h, final_norm="transformer.ln_f"),
        Family("falcon_40b", t.FalconForCausalLM, t.FalconConfig(**falcon, num_kv_heads=KV, new_decoder_architecture=True, bias=False, alibi=False), in_h, final_norm="transformer.ln_f"),
        Family("mpt", t.MptForCausalLM, t.MptConfig(d_model=D, n_heads=HEADS, n_layers=LAYERS, expansion_ratio=2, vocab_size=V, max_seq_len=8), [("language", "transformer.blocks", LAYERS)], final_norm="transformer.norm_f"),
        Family("bert", t.BertForMaskedLM, t.BertConfig(**bert), encoder, pre_norm=False),
        Family("roberta", t.RobertaForMaskedLM, t.RobertaConfig(**bert), [("language", "roberta.encoder.layer", LAYERS)], pre_norm=False),
        Family("distilbert", t.DistilBertForMaskedLM, t.DistilBertConfig(dim=D, n_layers=LAYERS, n_heads=HEADS, hidden_dim=H, vocab_size=V, max_position_embeddings=8), [("language", "distilbert.transformer.layer", LAYERS)], pre_norm=False),
        Family("t5", t.T5ForConditionalGeneration, t.T5Config(**t5, feed_forward_proj="relu"), both, final_norm="decoder.final_layer_norm", cross=True),
        Family("t5_gated", t.T5ForConditionalGeneration, t.T5Config(**t5, feed_forward_proj="gated-gelu"), both, final_norm="decoder.final_layer_norm", cross=True),
        Family("vit", t.ViTModel, t.ViTConfig(**TOWER, **IMAGE), [("vision", "layers", LAYERS)], image=True, ids=False),
        Family("clip", t.CLIPModel, t.CLIPConfig(text_config=dict(**TOWER, vocab_size=V, max_position_embeddings=8), vision_config=dict(**TOWER, **IMAGE), projection_dim=12), [("vision", "vision_model.encoder.layers", LAYERS), ("text", "text_model.encoder.layers", LAYERS)], image=True),
        Family("mixtral", t.MixtralForCausalLM, t.MixtralConfig(**{**LLAMA, **UNTIED}, num_local_experts=3), DECODER, final_norm="model.norm", experts="mlp"),
        Family("qwen2_moe", t.Qwen2MoeForCausalLM, t.Qwen2MoeConfig(**{**LLAMA, **UNTIED, "head_dim": 4}, **moe, shared_expert_intermediate_size=20), DECODER, final_norm="model.norm", experts="mlp"),
        Family("qwen3_moe", t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(**{**LLAMA, **UNTIED}, **moe), DECODER, final_norm="model.norm", experts="mlp"),
        Family("gpt_oss", t.GptOssForCausalLM, t.GptOssConfig(**{**LLAMA, **UNTIED}, num_local_experts=3, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}), DECODER, final_norm="model.norm", experts="mlp"),
        Family("gpt_bigcode", t.GPTBigCodeForCausalLM, t.GPTBigCodeConfig(n_embd=D, n_layer=LAYERS, n_head=HEADS, n_inner=H, vocab_size=V, n_positions=8, multi_query=False), in_h, final_norm="transformer.ln_f"),
        Family("phi", t.PhiForCausalLM, t.PhiConfig(**COMMON, intermediate_size=H, max_position_embeddings=8), DECODER, final_norm="model.final_layernorm"),
        Family("starcoder2", t.Starcoder2ForCausalLM, t.Starcoder2Config(**COMMON, intermediate_size=H, num_key_value_heads=KV), DECODER, final_norm="model.norm"),
        llama_like("glm4", t.Glm4ForCausalLM, t.Glm4Config, pad_token_id=0),
        Family("albert", t.AlbertForMaskedLM, t.AlbertConfig(**bert, embedding_size=8), [("language", "albert.encoder.albert_layer_groups", 1)], pre_norm=False),
    ]
