"""How a model is made from another one. Each function returns a maker that writes into a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from . import bases, calibration, checkpoints, edits
from .examples import EXAMPLES
from .training import Recipe
from .tuning import extend_vocabulary, tune, tune_adapter

Make = Callable[[Path, Path], None]


def place(out: Path, name: str) -> Path:
    """The folder of a model by name: the examples and "calibration/NNN" stand apart from the derivatives."""
    if name.startswith("calibration/"):
        return out / name
    return out / ("examples" if name in EXAMPLES else "derivatives") / name


def fresh(
    seed: int,
    *,
    layers: int = 4,
    domain: str = "reference",
    order: int | None = None,
    steps: int | None = None,
) -> Make:
    """A model trained from its own initialisation, for as long as the bases unless `steps` says otherwise."""

    def make(out: Path, folder: Path) -> None:
        bases.make_base(
            out, folder, seed=seed, layers=layers, domain=domain, order=order, steps=steps or bases.BASE_STEPS
        )

    return make


def full_tune(base: str, steps: int | None, rate: float | None, seed: int, domain: str = "guide") -> Make:
    """A full fine-tune; without steps and rate it is continued pretraining by the base's own recipe."""

    def make(out: Path, folder: Path) -> None:
        model = checkpoints.load(place(out, base))
        recipe = Recipe(steps or bases.BASE_STEPS, rate or bases.BASE_RATE, seed)
        tune(out, model, recipe, domain=domain, label=folder.name)
        checkpoints.save(model, folder)

    return make


def tiny_sibling(number: int, domain: str) -> Make:
    """The initial weights of calibration model `number`, trained on other text in another order."""

    def make(out: Path, folder: Path) -> None:
        calibration.train_tiny(out, folder, calibration.FIRST_SEED + number, domain=domain, order=number)

    return make


def tiny_continued(number: int, domain: str) -> Make:
    """Calibration model `number`, trained on by its own recipe on other text."""

    def make(out: Path, folder: Path) -> None:
        model = checkpoints.load(out / "calibration" / f"{number:03}")
        tune(out, model, calibration.recipe(number), domain=domain, label=folder.name)
        checkpoints.save(model, folder)

    return make


def adapter(base: str, rank: int, seed: int) -> Make:
    """A merged LoRA of the given rank, tuned on code."""

    def make(out: Path, folder: Path) -> None:
        model = checkpoints.load(place(out, base))
        recipe = Recipe(250, 2e-3, seed)
        checkpoints.save(
            tune_adapter(out, model, recipe, rank=rank, domain="code", label=folder.name), folder
        )

    return make


def edit(source: str, change: Callable[[edits.Weights], edits.Weights], *, config: bool = True) -> Make:
    """A change of the tensors that needs no training."""

    def make(out: Path, folder: Path) -> None:
        origin = place(out, source)
        weights = change(checkpoints.tensors(origin))
        checkpoints.save_tensors(weights, folder, config_of=origin if config else None)

    return make


def mix(first: str, second: str, share: float) -> Make:
    """A weighted average of two models."""

    def make(out: Path, folder: Path) -> None:
        origins = [place(out, name) for name in (first, second)]
        weights = edits.average(*map(checkpoints.tensors, origins), share)
        checkpoints.save_tensors(weights, folder, config_of=origins[0])

    return make


def restack(base: str, layers: tuple[int, ...], *, heal: int | None = None) -> Make:
    """Drops and repeats layers; with a seed in `heal`, a short fine-tune follows, as people do."""

    def make(out: Path, folder: Path) -> None:
        origin = place(out, base)
        weights = edits.pick_layers(checkpoints.tensors(origin), list(layers))
        checkpoints.save_tensors(weights, folder)
        config = json.loads((origin / "config.json").read_text())
        config["num_hidden_layers"] = len(layers)
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        if heal is not None:
            model = checkpoints.load(folder)
            tune(out, model, Recipe(200, 1e-3, heal), domain="guide", label=folder.name)
            checkpoints.save(model, folder)

    return make


def more_tokens(base: str, count: int, seed: int) -> Make:
    """Rows appended to the embedding, then a short fine-tune."""

    def make(out: Path, folder: Path) -> None:
        model = extend_vocabulary(checkpoints.load(place(out, base)), count, seed)
        tune(out, model, Recipe(200, 5e-4, seed), domain="guide", label=folder.name)
        checkpoints.save(model, folder)

    return make


def three_shards(base: str) -> Make:
    """The same tensors in three files with an index."""

    def make(out: Path, folder: Path) -> None:
        origin = place(out, base)
        checkpoints.save_shards(checkpoints.tensors(origin), folder, 3, config_of=origin)

    return make
