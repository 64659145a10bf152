"""siblings/manifest.json: which models of a set are held against which, and what they are to each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

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
TUNED_AGAINST = (("text", "sibling-text"), ("order", "sibling-order"))
TUNINGS = ("light", "normal", "continued")


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


def _pairs(steps: tuple[int, ...]) -> Iterator[tuple[str, int, str, int, str, str | None, str]]:
    """A tuned suspect's steps are those of the base it was made from."""
    for base, suspect, kind in SIBLING_RUNS:
        for base_steps, suspect_steps in product(steps, steps):
            yield base, base_steps, suspect, suspect_steps, kind, None, "sibling"
    for tuning, count in product(TUNINGS, steps):
        yield "base", count, tuning, count, tuning, None, "derivative"
    for earlier, later in product(steps, steps):
        if earlier < later:
            yield "base", earlier, "base", later, "later", None, "derivative"
    for tuning, (run, kind) in product(TUNINGS, TUNED_AGAINST):
        for base_steps, count in product(steps, steps):
            yield run, base_steps, tuning, count, kind, tuning, "sibling"
