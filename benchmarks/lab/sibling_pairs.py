"""siblings/manifest.json: which models of a set are held against which, and what they are to each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from .sibling_runs import TUNINGS, VARIED_TUNINGS

# Base, its steps, suspect, its steps, kind, tuning and what is expected.
Pair = tuple[str, int, str, int, str, str | None, str]

# Base, suspect and what they are. Some are asked from both sides: a verdict must not depend on the order.
SIBLING_RUNS = (
    ("base", "text", "sibling-text"),
    ("base", "order", "sibling-order"),
    ("base", "text-slow", "sibling-text"),
    ("base", "order-slow", "sibling-order"),
    ("text", "base", "sibling-text"),
    ("order", "base", "sibling-order"),
    ("text-slow", "order-slow", "sibling-text"),
)
# Both at every step that both have.
LARGE_BATCH_RUNS = (("batch-48", "batch-48-order", "sibling-order"),)
TUNED_AGAINST = (("text", "sibling-text"), ("order", "sibling-order"))

# The variations at all steps. `sibling-decayed` below are alike in all but the order, and both decayed.
VARIED_RUNS = (
    ("base", "decay-0", "sibling-decay"),
    ("base", "decay-1", "sibling-decay"),
    ("base", "decay-2.5", "sibling-decay"),
    ("base", "decay-1-order", "sibling-decay-order"),
    ("order", "decay-1", "sibling-decay-order"),
)
# The rest at fewer steps: they are many, and steps of a factor of two are much alike.
SPARSE = (20, 80, 320, 640, 1280)
SPARSE_RUNS = (
    ("decay-1", "base", "sibling-decay"),
    ("decay-0", "decay-1", "sibling-decay"),
    ("decay-1", "decay-2.5", "sibling-decay"),
    ("order", "decay-2.5", "sibling-decay-order"),
    ("decay-0", "decay-1-order", "sibling-decay-order"),
    ("decay-1", "decay-1-order", "sibling-decayed"),
    ("text", "decay-1", "sibling-decay-text"),
    ("base", "batch-16", "sibling-batch"),
    ("base", "batch-2", "sibling-batch"),
    ("base", "sgd", "sibling-optimiser"),
    ("base", "betas", "sibling-optimiser"),
    ("base", "warmup", "sibling-schedule"),
    ("base", "slow", "sibling-schedule"),
)
# What the tuned suspects of each base are held against.
SPARSER = (80, 320, 1280)
VARIED_AGAINST = {
    "base": (
        ("decay-0", "sibling-decay"),
        ("decay-1", "sibling-decay"),
        ("decay-2.5", "sibling-decay"),
        ("decay-1-order", "sibling-decay-order"),
        ("batch-16", "sibling-batch"),
        ("sgd", "sibling-optimiser"),
    ),
    "decay-1": (
        ("base", "sibling-decay"),
        ("order", "sibling-decay-order"),
        ("decay-1-order", "sibling-decayed"),
    ),
}


def write_sibling_manifest(
    folder: Path, sets: Iterable[tuple[str, int, dict[str, float]]], steps: tuple[int, ...]
) -> None:
    """Pairs of models that exist: {base, baseSteps, baseRate, suspect, suspectSteps, kind, tuned, size, seed, rate,
    expected}.

    A set is its size, its seed and the rate of every run and tuning. `tuned` names the tuning of a suspect that is
    held against a sibling of its base, else it is null.
    """
    pairs = []
    for size, seed, rates in sets:
        for base, base_steps, suspect, suspect_steps, kind, tuned, expected in _pairs(steps):
            paths = [
                f"{size}-{seed}/{name}-{count:04}"
                for name, count in ((base, base_steps), (suspect, suspect_steps))
            ]
            if all((folder / path).exists() for path in paths):
                pairs.append(
                    {
                        "base": paths[0],
                        "baseSteps": base_steps,
                        "baseRate": rates[base],
                        "suspect": paths[1],
                        "suspectSteps": suspect_steps,
                        "kind": kind,
                        "tuned": tuned,
                        "size": size,
                        "seed": seed,
                        "rate": rates[suspect],
                        "expected": expected,
                    }
                )
    unfinished = folder / "manifest.json.tmp"
    unfinished.write_text("[\n" + ",\n".join(map(json.dumps, pairs)) + "\n]\n")
    unfinished.rename(folder / "manifest.json")


def _pairs(steps: tuple[int, ...]) -> Iterator[Pair]:
    """A tuned suspect's steps are those of the base it was made from."""
    yield from _siblings(SIBLING_RUNS, steps)
    yield from _siblings(LARGE_BATCH_RUNS, steps)
    for tuning, count in product(TUNINGS, steps):
        yield tuning.of, count, tuning.name, count, tuning.name, None, "derivative"
    yield from _later("base", "later", steps)
    for tuning, (run, kind) in product(TUNINGS, TUNED_AGAINST):
        yield from _tuned(tuning.name, run, kind, steps)
    yield from _siblings(VARIED_RUNS, steps)
    yield from _siblings(SPARSE_RUNS, SPARSE)
    for tuning, count in product(VARIED_TUNINGS, steps):
        yield tuning.of, count, tuning.name, count, tuning.name, None, "derivative"
    yield from _later("decay-1", "decay-1-later", SPARSE)
    for tuning in TUNINGS + VARIED_TUNINGS:
        for run, kind in VARIED_AGAINST[tuning.of]:
            yield from _tuned(tuning.name, run, kind, SPARSER)


def _siblings(runs: tuple[tuple[str, str, str], ...], steps: tuple[int, ...]) -> Iterator[Pair]:
    for base, suspect, kind in runs:
        for base_steps, suspect_steps in product(steps, steps):
            yield base, base_steps, suspect, suspect_steps, kind, None, "sibling"


def _later(run: str, kind: str, steps: tuple[int, ...]) -> Iterator[Pair]:
    for earlier, later in product(steps, steps):
        if earlier < later:
            yield run, earlier, run, later, kind, None, "derivative"


def _tuned(tuning: str, run: str, kind: str, steps: tuple[int, ...]) -> Iterator[Pair]:
    for base_steps, count in product(steps, steps):
        yield run, base_steps, tuning, count, kind, tuning, "sibling"
