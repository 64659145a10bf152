"""The sibling curve: how alike two trainings of one initialisation are, from the first steps to the last.

A set is one initialisation. Several runs start from it, one of them the base, and are saved along the way; saved
bases are then tuned on. Siblings must never pass for derivatives; derivatives of a trained base should.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from transformers import PreTrainedModel

from . import checkpoints
from .sibling_pairs import write_sibling_manifest
from .sibling_runs import (
    BATCH,
    CONTINUED_AT_MOST,
    LARGE_BATCHES,
    RUNS,
    SIZES,
    SNAPSHOTS,
    TUNINGS,
    VARIATIONS,
    VARIED_SETS,
    VARIED_TUNINGS,
    WARMUP,
    ZERO_SIZES,
    Run,
    Size,
    Tuning,
)
from .tokens import token_arrays
from .training import Recipe, train


def make_siblings(out: Path) -> None:
    """Writes siblings/SIZE-SEED/RUN-STEPS/ and, after every run, the manifest of the pairs that exist so far."""
    arrays = token_arrays(out / "text")
    for size in SIZES:
        for seed in size.seeds:
            _make_set(out, size, seed, RUNS, TUNINGS, arrays)
    for size in ZERO_SIZES:
        for seed in size.seeds:
            _make_set(out, size, seed, RUNS + LARGE_BATCHES, TUNINGS, arrays)
    sizes = {size.name: size for size in SIZES}
    for name, seed in VARIED_SETS:
        runs = tuple(run for run in VARIATIONS if run.name not in sizes[name].without)
        _make_set(out, sizes[name], seed, runs, VARIED_TUNINGS, arrays)


def _make_set(out: Path, size: Size, seed: int, runs: tuple[Run, ...], tunings: tuple[Tuning, ...], arrays) -> None:
    folder = out / "siblings" / f"{size.name}-{seed}"
    for run in runs:
        _train_run(folder, size, seed, run, arrays[run.domain])
        _write_manifest(out)
    for steps in SNAPSHOTS:
        for tuning in tunings:
            if steps in (tuning.at or size.varied_at):
                _tune(folder, size, seed, steps, tuning, arrays[tuning.domain])
        _write_manifest(out)


def _train_run(folder: Path, size: Size, seed: int, run: Run, tokens) -> None:
    """One run is one schedule: its snapshots are what lies on the way, not short trainings of their own."""
    if (folder / f"{run.name}-{run.steps:04}").exists():
        return
    model = size.start(seed)
    recipe = Recipe(
        run.steps,
        size.rate / run.slower,
        10 * seed + run.order,
        run.batch,
        run.warmup,
        decay=run.decay,
        betas=run.betas,
        momentum=run.momentum,
    )

    def snapshot(step: int) -> None:
        if step in SNAPSHOTS:
            _save(model, folder / f"{run.name}-{step:04}")

    snapshot(0)
    train(model, tokens, recipe, f"{folder.name}/{run.name}", after_step=snapshot)


def _tune(folder: Path, size: Size, seed: int, steps: int, tuning: Tuning, tokens) -> None:
    place = folder / f"{tuning.name}-{steps:04}"
    if place.exists():
        return
    model = checkpoints.load(folder / f"{tuning.of}-{steps:04}")
    count = tuning.steps or min(steps, CONTINUED_AT_MOST)
    recipe = Recipe(
        count, tuning.rate or size.rate, 10 * seed + 5, BATCH, min(WARMUP, count // 4), decay=tuning.decay
    )
    train(model, tokens, recipe, f"{folder.name}/{place.name}")
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
    for size in SIZES + ZERO_SIZES:
        rates = {run.name: size.rate / run.slower for run in RUNS + VARIATIONS + LARGE_BATCHES}
        rates |= {tuning.name: tuning.rate or size.rate for tuning in TUNINGS + VARIED_TUNINGS}
        sets += [(size.name, seed, rates) for seed in size.seeds]
    write_sibling_manifest(out / "siblings", sets, SNAPSHOTS[1:])
