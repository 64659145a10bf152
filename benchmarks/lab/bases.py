"""Bases: trained from their own initialisation, and siblings that share one and see other data."""

from __future__ import annotations

from pathlib import Path

from . import architectures, checkpoints
from .tokens import token_arrays
from .training import Recipe, held_out_loss, train, unigram_entropy

BASE_STEPS = 2500
BASE_RATE = 3e-3


def make_base(
    out: Path,
    folder: Path,
    *,
    seed: int,
    domain: str = "reference",
    order: int | None = None,
    layers: int = 4,
    steps: int = BASE_STEPS,
) -> None:
    """A Llama-style base. `seed` decides the initial weights, `order` (else the seed) the order of the data."""
    arrays = token_arrays(out / "text")
    model = architectures.llama(seed, layers=layers)
    recipe = Recipe(steps, BASE_RATE, seed if order is None else order)
    _train_and_save(out, folder, model, arrays, domain, recipe)


def make_wide_base(out: Path, folder: Path, *, seed: int) -> None:
    """A Llama of fewer and wider layers, trained briefly, on small batches."""
    arrays = token_arrays(out / "text")
    _train_and_save(out, folder, architectures.wide_llama(seed), arrays, "reference", Recipe(500, BASE_RATE, seed, batch=4))


def make_unrelated(out: Path, folder: Path, *, seed: int) -> None:
    """A GPT-NeoX of similar size, trained on the same text for a while."""
    arrays = token_arrays(out / "text")
    _train_and_save(out, folder, architectures.neox(seed), arrays, "reference", Recipe(1000, BASE_RATE, seed))


def _train_and_save(out: Path, folder: Path, model, arrays, domain: str, recipe: Recipe) -> None:
    held_out = arrays[f"{domain}-held-out"]
    entropy = unigram_entropy(arrays[domain], held_out)
    initial = held_out_loss(model, held_out)
    train(model, arrays[domain], recipe, folder.name)
    final = held_out_loss(model, held_out)
    print(
        f"{folder.name}: held-out loss {initial:.3f} -> {final:.3f} nats, unigram entropy {entropy:.3f}",
        flush=True,
    )
    checkpoints.save(model, folder, tokenizer=out / "text" / "tokenizer.json")
