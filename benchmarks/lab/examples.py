"""The models that ship in examples/: two bases, two derivatives, one that is related to neither."""

from __future__ import annotations

from pathlib import Path

from . import checkpoints, edits
from .bases import make_base, make_unrelated, make_wide_base
from .training import Recipe
from .tuning import tune, tune_adapter

BASE_SEEDS = {"base-a": 101, "base-b": 202}


def make_finetune(out: Path, folder: Path) -> None:
    base = checkpoints.load(out / "examples" / "base-a")
    tuned = tune(out, base, Recipe(600, 1e-3, seed=31), domain="code", label=folder.name)
    checkpoints.save(tuned, folder)


def make_renamed_lora(out: Path, folder: Path) -> None:
    """A merged adapter as one file with foreign tensor names: no configuration, no tokenizer."""
    base = checkpoints.load(out / "examples" / "base-a")
    tuned = tune_adapter(out, base, Recipe(500, 2e-3, seed=32), rank=8, domain="guide", label=folder.name)
    checkpoints.save(tuned, folder)
    checkpoints.save_tensors(edits.rename(checkpoints.tensors(folder)), folder)
    (folder / "config.json").unlink()


EXAMPLES = {
    **{
        name: lambda out, folder, seed=seed: make_base(out, folder, seed=seed)
        for name, seed in BASE_SEEDS.items()
    },
    "wide": lambda out, folder: make_wide_base(out, folder, seed=303),
    "finetune": make_finetune,
    "renamed-lora": make_renamed_lora,
    "unrelated": lambda out, folder: make_unrelated(out, folder, seed=404),
}
