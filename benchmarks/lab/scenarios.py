"""Stand-ins for published disputes that no other group makes: see benchmarks/scenarios.mjs for who they stand for."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from . import checkpoints, edits
from .makers import place
from .training import Recipe
from .tuning import tune

RANKS = (8, 16, 32, 64)
NEW_TOKENS = 37
#: Stream and FFN of the pruned model: three quarters, as 4096 to 3072, and a little more, as 14336 to 9216.
STREAM, FFN = 96, 232


def make_scenarios(out: Path) -> None:
    """Writes scenarios/NAME/; what is there already is kept. The examples and the LoRA derivatives come first."""
    for rank in RANKS:
        extended = _extended(checkpoints.tensors(place(out, f"lora-r{rank}")), seed=rank)
        _save(out, f"lora-r{rank}-renamed", edits.rename(extended))
        _save(out, f"lora-r{rank}-renamed-int4", edits.rename(edits.quantize(extended, 4)))
    _save(out, "stranger-renamed", edits.rename(checkpoints.tensors(place(out, "base-b"))))
    _prune_width(out)


def _save(out: Path, name: str, weights: edits.Weights) -> None:
    folder = out / "scenarios" / name
    if not (folder / checkpoints.WEIGHTS).exists():
        checkpoints.save_tensors(weights, folder)


def _extended(weights: edits.Weights, seed: int) -> edits.Weights:
    """Rows around the mean row appended to the (tied) embedding."""
    torch.manual_seed(seed)
    table = weights["model.embed_tokens.weight"]
    exact = table.float()
    rows = exact.mean(0) + 0.1 * exact.std(0) * torch.randn(NEW_TOKENS, exact.shape[1])
    return {**weights, "model.embed_tokens.weight": torch.cat([table, rows.to(table.dtype)])}


def _prune_width(out: Path) -> None:
    """The dimensions of the stream and the neurons of largest norm are kept, in their order; then trained on, as people do."""
    plain, healed = (out / "scenarios" / name for name in ("width-pruned", "width-pruned-healed"))
    origin = place(out, "base-a")
    if not (plain / checkpoints.WEIGHTS).exists():
        checkpoints.save_tensors(edits.prune_width(checkpoints.tensors(origin), STREAM, FFN), plain)
        config = json.loads((origin / "config.json").read_text())
        config.update(hidden_size=STREAM, intermediate_size=FFN, head_dim=32)
        (plain / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if not (healed / checkpoints.WEIGHTS).exists():
        model = checkpoints.load(plain)
        tune(out, model, Recipe(600, 1e-3, 91), domain="reference", label=healed.name)
        checkpoints.save(model, healed)
