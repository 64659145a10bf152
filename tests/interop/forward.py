"""Random models of every family that `quality` runs, and the logits of the reference library for them.

  python forward.py DIRECTORY

Writes DIRECTORY/<case>/{config.json, model.safetensors, tokens.json, logits.f32}: two sequences of token ids, their
logits [tokens, vocabulary] one after the other, computed in f32 on the CPU from the weights as they are stored.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

SIZES = dict(hidden_size=48, intermediate_size=80, num_hidden_layers=3, vocab_size=131, max_position_embeddings=64)
GROUPED = dict(**SIZES, num_attention_heads=4, num_key_value_heads=2)
SCALED = dict(
    rope_type="llama3",
    rope_theta=100.0,
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)

CASES = {
    "llama": ("Llama", dict(**GROUPED)),
    "llama-tied-biased": ("Llama", dict(**GROUPED, head_dim=20, attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "llama-linear": ("Llama", dict(**GROUPED, rope_parameters=dict(rope_type="linear", factor=3.0, rope_theta=500.0))),
    "llama-llama3": ("Llama", dict(**GROUPED, rope_parameters=SCALED)),
    "llama-gelu": ("Llama", dict(**GROUPED, hidden_act="gelu", rms_norm_eps=1e-2)),
    "mistral": ("Mistral", dict(**GROUPED, sliding_window=7)),
    "mistral-full": ("Mistral", dict(**GROUPED, sliding_window=None, head_dim=16)),
    "qwen2": ("Qwen2", dict(**GROUPED)),
    "qwen2-windows": ("Qwen2", dict(**GROUPED, use_sliding_window=True, sliding_window=6, max_window_layers=1)),
    "qwen3": ("Qwen3", dict(**GROUPED, head_dim=16)),
    "qwen3-biased": ("Qwen3", dict(**GROUPED, head_dim=16, attention_bias=True, tie_word_embeddings=True)),
    "gemma": ("Gemma", dict(**GROUPED, head_dim=16)),
    "gemma2": (
        "Gemma2",
        dict(**GROUPED, head_dim=16, sliding_window=5, query_pre_attn_scalar=24, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
    ),
    "gemma3": ("Gemma3Text", dict(**{**GROUPED, "num_hidden_layers": 7}, head_dim=16, sliding_window=5, query_pre_attn_scalar=24)),
    "gpt-neox": ("GPTNeoX", dict(**SIZES, num_attention_heads=3)),
    "gpt-neox-sequential": (
        "GPTNeoX",
        dict(**SIZES, num_attention_heads=3, use_parallel_residual=False, hidden_act="gelu_new", attention_bias=False,
             rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5)),
    ),
    "gpt2": ("GPT2", dict(n_embd=48, n_layer=3, n_head=4, n_positions=64, vocab_size=131)),
    "gpt2-wide": ("GPT2", dict(n_embd=48, n_layer=2, n_head=2, n_positions=64, vocab_size=131, n_inner=70, activation_function="relu", scale_attn_weights=False)),
}
LENGTHS = (37, 12)


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Weights that make every part of the model matter: library defaults leave norms at one and logits near zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(noise * (1.3 / parameter.shape[-1] ** 0.5))
            else:
                parameter.add_(0.2 * noise)


def write(directory: Path, case: str, dtype: torch.dtype, seed: int) -> None:
    family, options = CASES[case]
    config = getattr(transformers, f"{family}{'Text' if family == 'Gemma3' else ''}Config")(**options)
    model = AutoModelForCausalLM.from_config(config)
    randomise(model, seed)
    target = directory / f"{case}-{str(dtype).removeprefix('torch.')}"
    model.to(dtype).save_pretrained(target)
    # Loaded anew: the cast has rounded what is no weight as well, such as rotary frequencies.
    model = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(seed + 1)
    sequences = [torch.randint(0, config.vocab_size, (n,), generator=generator) for n in LENGTHS]
    with torch.no_grad():
        logits = [model(ids[None]).logits[0] for ids in sequences]
    (target / "tokens.json").write_text(json.dumps([ids.tolist() for ids in sequences]))
    (target / "logits.f32").write_bytes(torch.cat(logits).float().numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for seed, case in enumerate(CASES):
        for dtype in (torch.float32, torch.bfloat16):
            write(Path(sys.argv[1]), case, dtype, 10 * seed)
