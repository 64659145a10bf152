"""What the sibling curve trains: sizes, the runs from one initialisation, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from transformers import PreTrainedModel

from . import architectures

SNAPSHOTS = (0, 10, 20, 40, 80, 160, 320, 640, 1280)
BATCH, WARMUP = 4, 20
CONTINUED_AT_MOST = 640


@dataclass(frozen=True)
class Size:
    name: str
    start: Callable[[int], PreTrainedModel]  # From a seed.
    rate: float
    seeds: tuple[int, ...]
    without: tuple[str, ...] = ()  # Variations that are not worth their time at this size.
    varied_at: tuple[int, ...] = (80, 320, 640, 1280)


@dataclass(frozen=True)
class Run:
    """A training from the initialisation; `slower` divides the size's rate, `order` tells orders of a text apart.

    Runs of one order read the same windows one after the other, whatever their batch. `momentum` asks for SGD.
    """

    name: str
    domain: str
    order: int
    slower: float = 1
    decay: float = 0.1
    batch: int = BATCH
    steps: int = SNAPSHOTS[-1]
    warmup: int = WARMUP
    betas: tuple[float, float] = (0.9, 0.95)
    momentum: float | None = None


@dataclass(frozen=True)
class Tuning:
    """What is None is as that of the run it starts from: as many steps (at most CONTINUED_AT_MOST), at its rate."""

    name: str
    domain: str
    steps: int | None = None
    rate: float | None = None
    of: str = "base"
    at: tuple[int, ...] | None = None  # None: the size's `varied_at`.
    decay: float = 0.1


# What is cheap comes first: a part of the curve is of use.
SIZES = (
    Size("small", architectures.tiny_llama, 5e-3, (701, 702, 703)),
    Size("neox", lambda seed: architectures.neox(seed, hidden=64, ffn=256, layers=2), 5e-3, (711,)),
    Size(
        "larger",
        architectures.llama,
        3e-3,
        (721, 722),
        without=("betas", "batch-2", "warmup", "slow"),
        varied_at=(320, 1280),
    ),
)
# Projections that begin at zero hold training alone, and the same first steps in all siblings.
ZERO_SIZES = (Size("zero", architectures.from_zero, 5e-3, (731,)),)
# Large batches make first steps still more alike.
LARGE_BATCHES = (
    Run("batch-48", "reference", 7, slower=2.5, batch=48, steps=80),
    Run("batch-48-order", "reference", 8, slower=2.5, batch=48, steps=80),
)
VARIED_SETS = (("small", 701), ("neox", 711), ("larger", 721), ("small", 702))

RUNS = (
    Run("base", "reference", 0),
    Run("text", "code", 1),
    Run("order", "reference", 2),
    Run("text-slow", "code", 3, slower=3),
    Run("order-slow", "reference", 4, slower=3),
)

# `continued` reads what the run `text` read: the two share an initialisation and what they saw last.
TUNINGS = (
    Tuning("light", "guide", 60, 3e-4, at=SNAPSHOTS[2:]),
    Tuning("normal", "guide", 200, 1e-3, at=SNAPSHOTS[2:]),
    Tuning("continued", "code", at=SNAPSHOTS[2:]),
)

# All but `decay-1-order` read the base's text in the base's order: one figure of the recipe is all that differs.
# `batch-16` reads as much text as the base, in a quarter of the steps.
VARIATIONS = (
    Run("decay-1", "reference", 0, decay=1.0),
    Run("decay-0", "reference", 0, decay=0.0),
    Run("decay-2.5", "reference", 0, decay=2.5),
    Run("decay-1-order", "reference", 6, decay=1.0),
    Run("batch-16", "reference", 0, batch=16, steps=320),
    Run("sgd", "reference", 0, slower=0.02, decay=1e-4, momentum=0.9),
    Run("betas", "reference", 0, betas=(0.8, 0.999)),
    Run("batch-2", "reference", 0, batch=2),
    Run("warmup", "reference", 0, warmup=200),
    Run("slow", "reference", 0, slower=3),
)

# Weight decay makes b small in true derivatives as well: those of a decayed run, and a base that is decayed on.
VARIED_TUNINGS = (
    Tuning("decay-1-light", "guide", 60, 3e-4, of="decay-1"),
    Tuning("decay-1-normal", "guide", 200, 1e-3, of="decay-1"),
    Tuning("decay-1-continued", "code", of="decay-1", decay=1.0),
    Tuning("decay-1-released", "code", of="decay-1", decay=0.0),
    Tuning("continued-decay-1", "code", decay=1.0),
)
