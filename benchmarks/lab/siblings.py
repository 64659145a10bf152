"""The sibling curve: how alike two trainings of one initialisation are, from the first steps to the last.

A set is one initialisation. Five runs start from it, one of them the base, and are saved along the way; every
saved base is then tuned on in three ways. Siblings must never pass for derivatives; derivatives of a trained base
should.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from . import architectures, checkpoints
from .sibling_pairs import write_sibling_manifest
from .tokens import token_arrays
from .training import Recipe, train

SNAPSHOTS = (0, 10, 20, 40, 80, 160, 320, 640, 1280)
TUNED = SNAPSHOTS[2:]
BATCH, WARMUP = 4, 20
CONTINUED_AT_MOST = 640


@dataclass(frozen=True)
class Size:
    name: str
    start: Callable[[int], PreTrainedModel]  # From a seed.
    rate: float
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Tuning:
    """What is None is as the base's: as many steps (at most CONTINUED_AT_MOST), at its rate."""

    name: str
    domain: str
    steps: int | None = None
    rate: float | None = None


# `continued` reads what the run `text` read: the two share an initialisation and what they saw last.
TUNINGS = (
    Tuning("light", "guide", 60, 3e-4),
    Tuning("normal", "guide", 200, 1e-3),
    Tuning("continued", "code"),
)

# What is cheap comes first: a part of the curve is of use.
SIZES = (
    Size("small", architectures.tiny_llama, 5e-3, (701, 702, 703)),
    Size("neox", lambda seed: architectures.neox(seed, hidden=64, ffn=256, layers=2), 5e-3, (711,)),
    Size("larger", architectures.llama, 3e-3, (721, 722)),
)


@dataclass(frozen=True)
class Run:
    """A training from the initialisation; `slower` divides the size's rate, `order` tells orders of a text apart."""

    name: str
    domain: str
    order: int
    slower: int = 1


RUNS = (
    Run("base", "reference", 0),
    Run("text", "code", 1),
    Run("order", "reference", 2),
    Run("text-slow", "code", 3, slower=3),
    Run("order-slow", "reference", 4, slower=3),
)


def make_siblings(out: Path) -> None:
    """Writes siblings/SIZE-SEED/RUN-STEPS/ and, after every run, the manifest of the pairs that exist so far."""
    arrays = token_arrays(out / "text")
    for size in SIZES:
        for seed in size.seeds:
            folder = out / "siblings" / f"{size.name}-{seed}"
            for run in RUNS:
                _train_run(folder, size, seed, run, arrays[run.domain])
                _write_manifest(out)
            for steps in TUNED:
                _tune_base(folder, size, seed, steps, arrays)
                _write_manifest(out)


def _train_run(folder: Path, size: Size, seed: int, run: Run, tokens) -> None:
    """One run is one schedule: its snapshots are what lies on the way, not short trainings of their own."""
    if (folder / f"{run.name}-{SNAPSHOTS[-1]:04}").exists():
        return
    model = size.start(seed)
    recipe = Recipe(SNAPSHOTS[-1], size.rate / run.slower, 10 * seed + run.order, BATCH, WARMUP)

    def snapshot(step: int) -> None:
        if step in SNAPSHOTS:
            _save(model, folder / f"{run.name}-{step:04}")

    snapshot(0)
    train(model, tokens, recipe, f"{folder.name}/{run.name}", after_step=snapshot)


def _tune_base(folder: Path, size: Size, seed: int, steps: int, arrays) -> None:
    for tuning in TUNINGS:
        place = folder / f"{tuning.name}-{steps:04}"
        if place.exists():
            continue
        model = checkpoints.load(folder / f"base-{steps:04}")
        count = tuning.steps or min(steps, CONTINUED_AT_MOST)
        recipe = Recipe(count, tuning.rate or size.rate, 10 * seed + 5, BATCH, min(WARMUP, count // 4))
        train(model, arrays[tuning.domain], recipe, f"{folder.name}/{place.name}")
        _save(model, place)


def _save(model: PreTrainedModel, place: Path) -> None:
    """Whole or not at all, so that a stopped run can go on."""
    unfinished = place.with_name(f"{place.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    checkpoints.save(model, unfinished)
    shutil.rmtree(place, ignore_errors=True)
    unfinished.rename(place)


def _write_manifest(out: Path) -> None:
    sets = []
    for size in SIZES:
        rates = {run.name: size.rate / run.slower for run in RUNS}
        rates |= {tuning.name: tuning.rate or size.rate for tuning in TUNINGS}
        sets += [(size.name, seed, rates) for seed in size.seeds]
    write_sibling_manifest(out / "siblings", sets, SNAPSHOTS[1:])
