"""Derivatives that are trained: full fine-tunes, merged LoRA adapters, extended vocabularies."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import PreTrainedModel

from .tokens import token_arrays
from .training import Recipe, held_out_loss, train

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def tune(out: Path, model: PreTrainedModel, recipe: Recipe, *, domain: str, label: str) -> PreTrainedModel:
    """Full fine-tuning, in place, on another domain than the base's."""
    arrays = token_arrays(out / "text")
    before = held_out_loss(model, arrays[f"{domain}-held-out"])
    train(model, arrays[domain], recipe, label)
    after = held_out_loss(model, arrays[f"{domain}-held-out"])
    print(f"{label}: held-out loss on {domain} {before:.3f} -> {after:.3f} nats", flush=True)
    return model


def tune_adapter(
    out: Path, base: PreTrainedModel, recipe: Recipe, *, rank: int, domain: str, label: str
) -> PreTrainedModel:
    """LoRA on every projection, merged into the base's weights."""
    torch.manual_seed(recipe.seed)
    adapter = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=PROJECTIONS, task_type="CAUSAL_LM")
    return tune(out, get_peft_model(base, adapter), recipe, domain=domain, label=label).merge_and_unload()


def extend_vocabulary(model: PreTrainedModel, new_tokens: int, seed: int) -> PreTrainedModel:
    """Appends rows to the (tied) embedding, drawn around the mean row as tools do before tuning."""
    torch.manual_seed(seed)
    model.resize_token_embeddings(model.config.vocab_size + new_tokens, mean_resizing=True)
    return model
