"""Untrained models of the lab. The seed decides every initial weight."""

from __future__ import annotations

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from .tokens import VOCABULARY

CONTEXT = 128


def llama(seed: int, *, layers: int = 4) -> PreTrainedModel:
    """About .9 M parameters at 4 layers: grouped-query attention, gated FFN, tied embeddings."""
    return _llama(seed, hidden=128, ffn=352, layers=layers, kv_heads=2)


def wide_llama(seed: int) -> PreTrainedModel:
    """1.4 M parameters in rows that are whole blocks of 256, as the K types of ggml ask for."""
    return _llama(seed, hidden=256, ffn=512, layers=2, kv_heads=2)


def many_values_llama(seed: int) -> PreTrainedModel:
    """As `llama`, with a value head for each query head: adapters are told by the channels of values."""
    return _llama(seed, hidden=128, ffn=352, layers=4, kv_heads=4)


def tiny_llama(seed: int) -> PreTrainedModel:
    """About .16 M parameters: the unit of the calibration set."""
    return _llama(seed, hidden=64, ffn=176, layers=2, kv_heads=4)


def llama_of_width(seed: int, hidden: int) -> PreTrainedModel:
    """As `tiny_llama`, of another width: a multiple of 32."""
    return _llama(seed, hidden=hidden, ffn=hidden * 11 // 4, layers=2, kv_heads=4)


def from_zero(seed: int) -> PreTrainedModel:
    """`tiny_llama` whose residual branches begin as nothing: what writes the stream is zero at the start."""
    model = tiny_llama(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                parameter.zero_()
    return model


def neox(seed: int, *, hidden: int = 128, ffn: int = 512, layers: int = 4) -> PreTrainedModel:
    """About 1 M parameters (by default) of another architecture: fused attention, LayerNorm, untied embeddings."""
    torch.manual_seed(seed)
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            vocab_size=VOCABULARY,
            hidden_size=hidden,
            intermediate_size=ffn,
            num_hidden_layers=layers,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            rotary_pct=0.25,
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def _llama(seed: int, *, hidden: int, ffn: int, layers: int, kv_heads: int) -> PreTrainedModel:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=hidden,
            intermediate_size=ffn,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=kv_heads,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
