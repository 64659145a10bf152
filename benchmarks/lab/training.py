"""Next-token training on one CPU thread: AdamW (or SGD), linear warm-up, cosine decay."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from .architectures import CONTEXT


@dataclass(frozen=True)
class Recipe:
    """What to train with. `seed` orders the data; the model's own seed is decided where it is made.

    `decay` is of matrices only. `momentum` asks for SGD, whose `decay` is part of the gradient.
    """

    steps: int
    rate: float
    seed: int
    batch: int = 16
    warmup: int = 50
    final_rate: float = 0.1
    decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    momentum: float | None = None


def train(
    model: torch.nn.Module,
    tokens: np.ndarray,
    recipe: Recipe,
    label: str,
    after_step: Callable[[int], None] | None = None,
) -> None:
    """Trains in place; `tokens` is one array of token numbers, windows are drawn uniformly.

    `after_step` is told how many steps the model has taken; it may read the model.
    """
    generator = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)  # LoRA dropout and any other noise drawn inside the model.
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = _optimizer(parameters, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    started = time.monotonic()
    model.train()
    for step in range(recipe.steps):
        loss = _loss(model, _windows(tokens, generator, recipe.batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if after_step is not None:
            after_step(step + 1)
        if (step + 1) % 250 == 0 or step + 1 == recipe.steps:
            seconds = time.monotonic() - started
            print(
                f"{label}: step {step + 1}/{recipe.steps} loss {loss.item():.3f} {seconds:.0f} s", flush=True
            )
    model.eval()


@torch.no_grad()
def held_out_loss(model: torch.nn.Module, tokens: np.ndarray, batches: int = 16) -> float:
    """Mean next-token loss in nats on the same windows for every model."""
    generator = np.random.default_rng(0)
    model.eval()
    return float(np.mean([_loss(model, _windows(tokens, generator, 16)).item() for _ in range(batches)]))


def unigram_entropy(training: np.ndarray, held_out: np.ndarray) -> float:
    """Loss in nats of the best predictor that ignores context: what a trained model must beat by far."""
    counts = np.bincount(training, minlength=int(held_out.max()) + 1) + 1.0
    return float(-np.log(counts / counts.sum())[held_out].mean())


def _optimizer(parameters: list[torch.nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": recipe.decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    if recipe.momentum is None:
        return torch.optim.AdamW(groups, lr=recipe.rate, betas=recipe.betas, fused=True)
    return torch.optim.SGD(groups, lr=recipe.rate, momentum=recipe.momentum)


def _windows(tokens: np.ndarray, generator: np.random.Generator, batch: int) -> torch.Tensor:
    starts = generator.integers(0, len(tokens) - CONTEXT - 1, size=batch)
    return torch.from_numpy(np.stack([tokens[s : s + CONTEXT + 1] for s in starts]).astype(np.int64))


def _loss(model: torch.nn.Module, windows: torch.Tensor) -> torch.Tensor:
    logits = model(input_ids=windows[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def _rate(step: int, recipe: Recipe) -> float:
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    progress = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.final_rate + (1 - recipe.final_rate) * 0.5 * (1 + math.cos(math.pi * progress))
