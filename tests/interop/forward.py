"""Random models of every family that `quality` runs, and the logits of the reference library for them.

  python forward.py models DIRECTORY      DIRECTORY/<case>/{config.json, model.safetensors, tokens.json, logits.f32}
  python forward.py logits DIRECTORY      tokens.json and logits.f32 beside a real model
  python forward.py fixtures DIRECTORY    DIRECTORY/<case>.json: config, shapes, tokens and logits to six digits

Weights are a hash of the tensor's name and the element's index, so that a fixture needs none: tests make the same ones.
Logits [tokens, vocabulary] of two sequences, one after the other, in f32 on the CPU from the weights as they are stored.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

SIZES = dict(hidden_size=32, intermediate_size=40, num_hidden_layers=2, vocab_size=23, max_position_embeddings=256)
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
    "gpt-neox": ("GPTNeoX", dict(**SIZES, num_attention_heads=2)),
    "gpt-neox-sequential": (
        "GPTNeoX",
        dict(**SIZES, num_attention_heads=4, use_parallel_residual=False, hidden_act="gelu_new", attention_bias=False,
             rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5)),
    ),
    "gpt2": ("GPT2", dict(n_embd=32, n_layer=2, n_head=4, n_positions=256, vocab_size=23)),
    "gpt2-wide": ("GPT2", dict(n_embd=32, n_layer=2, n_head=2, n_positions=256, vocab_size=23, n_inner=27, activation_function="relu", scale_attn_weights=False)),
}
LENGTHS = {"models": (150, 12), "fixtures": (9, 4)}
# Of no consequence to the logits.
NOISE = ("_token_id", "dropout", "_pdrop", "initializer_range", "use_cache", "transformers_version", "summary_", "chunk_size", "_function_to")


def hashed(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Uniform numbers from FNV-1a of the name and the finaliser of MurmurHash3 over the index."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    with numpy.errstate(over="ignore"):
        x = numpy.arange(numpy.prod(shape), dtype=numpy.uint32) * numpy.uint32(0x9E3779B9) + numpy.uint32(seed)
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            x = (x ^ (x >> numpy.uint32(shift))) * numpy.uint32(factor)
        x ^= x >> numpy.uint32(16)
    uniform = (x >> numpy.uint32(8)) / 2.0**24 - 0.5
    # Every part must matter: library defaults leave norms at one and logits near zero.
    scaled = uniform * (4.5 / numpy.sqrt(shape[-1])) if len(shape) > 1 else uniform
    return torch.from_numpy(scaled.astype(numpy.float32).reshape(shape))


def build(case: str, target: Path, dtype: torch.dtype) -> AutoModelForCausalLM:
    """The model with hashed weights, saved in `dtype` and loaded again in f32."""
    family, options = CASES[case]
    model = AutoModelForCausalLM.from_config(getattr(transformers, f"{family}Config")(**options))
    model.to(dtype).save_pretrained(target)
    file = target / "model.safetensors"
    weights = {name: hashed(name, tuple(tensor.shape)) for name, tensor in load_file(file).items()}
    # Scales of norms around one; Gemma adds the one itself.
    if "gemma" not in case:
        weights = {name: 1 + w if w.dim() == 1 and name.endswith("weight") else w for name, w in weights.items()}
    save_file({name: w.to(dtype) for name, w in weights.items()}, file, {"format": "pt"})
    return AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32, attn_implementation="eager").eval()


def run(model: AutoModelForCausalLM, lengths: tuple[int, ...]) -> tuple[list[list[int]], torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    sequences = [torch.randint(0, model.config.vocab_size, (n,), generator=generator) for n in lengths]
    with torch.no_grad():
        logits = torch.cat([model(ids[None]).logits[0] for ids in sequences]).float()
    return [ids.tolist() for ids in sequences], logits


def write_logits(directory: Path, model: AutoModelForCausalLM | None = None) -> None:
    if model is None:
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    longest = min(LENGTHS["models"][0], model.config.max_position_embeddings)
    tokens, logits = run(model, (longest, LENGTHS["models"][1]))
    (directory / "tokens.json").write_text(json.dumps(tokens))
    (directory / "logits.f32").write_bytes(logits.numpy().astype("<f4").tobytes())


def write_models(directory: Path) -> None:
    for case in CASES:
        for dtype in (torch.float32, torch.bfloat16):
            target = directory / f"{case}-{str(dtype).removeprefix('torch.')}"
            write_logits(target, build(case, target, dtype))


def write_fixtures(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        with tempfile.TemporaryDirectory() as temporary:
            target = Path(temporary)
            tokens, logits = run(build(case, target, torch.float32), LENGTHS["fixtures"])
            config = json.loads((target / "config.json").read_text())
            config = {key: value for key, value in config.items() if not any(noise in key for noise in NOISE)}
            shapes = {name: list(tensor.shape) for name, tensor in load_file(target / "model.safetensors").items()}
            rounded = [float(f"{value:.5e}") for value in logits.flatten().tolist()]
            fixture = dict(config=config, shapes=shapes, tokens=tokens, logits=rounded)
            (directory / f"{case}.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    {"models": write_models, "logits": write_logits, "fixtures": write_fixtures}[sys.argv[1]](Path(sys.argv[2]))
