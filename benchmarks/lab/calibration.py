"""The calibration set: many tiny models of one architecture, tokenizer and text, each from its own seed.

Their pairs are the hard negatives: everything that independent models can share, they share.
"""

from __future__ import annotations

from pathlib import Path

from . import architectures, checkpoints
from .tokens import token_arrays
from .training import Recipe, held_out_loss, train

COUNT = 112
FIRST_SEED = 10_000
STEPS, RATE, BATCH = 300, 5e-3, 4


def make_calibration(out: Path, count: int = COUNT) -> None:
    """Writes calibration/NNN/model.safetensors; models that are there already are kept."""
    for number in range(count):
        folder = out / "calibration" / f"{number:03}"
        if not (folder / checkpoints.WEIGHTS).exists():
            train_tiny(out, folder, FIRST_SEED + number, domain="reference", order=FIRST_SEED + number)


def train_tiny(out: Path, folder: Path, seed: int, *, domain: str, order: int) -> None:
    """One tiny model: `seed` decides the initial weights, `order` the order of the data."""
    arrays = token_arrays(out / "text")
    model = architectures.tiny_llama(seed)
    train(model, arrays[domain], recipe(order), folder.name)
    loss = held_out_loss(model, arrays[f"{domain}-held-out"])
    print(f"{folder.name}: held-out loss {loss:.3f} nats", flush=True)
    checkpoints.save(model, folder)


def recipe(order: int) -> Recipe:
    return Recipe(STEPS, RATE, order, batch=BATCH)
