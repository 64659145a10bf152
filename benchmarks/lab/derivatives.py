"""Every derivative, sibling and negative of the benchmarks, and the verdict that must come out against each base."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from . import edits
from .examples import BASE_SEEDS
from .makers import (
    Make,
    adapter,
    edit,
    fresh,
    full_tune,
    mix,
    more_tokens,
    restack,
    three_shards,
    tiny_continued,
    tiny_sibling,
)

# Training lengths differ on purpose: base-c is short, sibling-b saw half of what its base saw.
SHORT_STEPS, HALF_STEPS, DEEP_STEPS = 800, 1250, 600
BASE_C_SEED, DEEP_SEED = 303, 505


@dataclass(frozen=True)
class Derivative:
    """`against` maps a base to the expected verdict; layer n came from the base's layer `layers[n]`."""

    name: str
    change: str
    against: dict[str, str]
    make: Make | None = None  # None: made by another row or by the examples.
    layers: tuple[int, ...] | None = None


def _of_a(name: str, change: str, make: Make, expected: str = "derived", **more) -> Derivative:
    return Derivative(name, change, {"base-a": expected, "base-b": "no-evidence"}, make, **more)


TRAINED_BASES = [
    Derivative(
        "base-c",
        "none: a third initialisation, trained a third as long",
        {"base-a": "no-evidence", "base-b": "no-evidence"},
        fresh(BASE_C_SEED, steps=SHORT_STEPS),
    ),
    Derivative("base-b", "none: another initialisation", {"base-a": "no-evidence"}),
    Derivative("unrelated", "none: another architecture", {"base-a": "no-evidence", "base-b": "no-evidence"}),
]

SIBLINGS = [
    Derivative(
        f"sibling-{letter}",
        f"the initial weights of base-{letter}, trained on {domain} instead",
        {f"base-{letter}": "shared-init"},
        fresh(seed, domain=domain, order=seed + 1000, steps=steps),
    )
    for letter, seed, domain, steps in (
        ("a", BASE_SEEDS["base-a"], "code", None),
        ("b", BASE_SEEDS["base-b"], "guide", HALF_STEPS),
        ("c", BASE_C_SEED, "code", SHORT_STEPS),
    )
] + [
    Derivative(
        "sibling-a-int4",
        "sibling-a after an int4 round trip",
        {"base-a": "shared-init", "sibling-a": "recast"},
        edit("sibling-a", partial(edits.quantize, bits=4)),
    ),
]

TUNED = [
    Derivative("finetune", "full fine-tune on code", {"base-a": "derived", "base-b": "no-evidence"}),
    Derivative(
        "renamed-lora", "merged LoRA r=8, tensors renamed", {"base-a": "derived", "base-b": "no-evidence"}
    ),
    _of_a("sft-light", "full fine-tune, 150 steps at 2e-4", full_tune("base-a", 150, 2e-4, 41)),
    _of_a("sft-normal", "full fine-tune, 500 steps at 5e-4", full_tune("base-a", 500, 5e-4, 42)),
    Derivative(
        "sft-normal-b",
        "full fine-tune, 500 steps at 5e-4",
        {"base-b": "derived", "base-a": "no-evidence"},
        full_tune("base-b", 500, 5e-4, 43),
    ),
    *(
        _of_a(f"lora-r{rank}", f"merged LoRA r={rank}", adapter("base-a", rank, 50 + rank))
        for rank in (4, 8, 16, 32, 64)
    ),
    Derivative(
        "lora-r16-b",
        "merged LoRA r=16",
        {"base-b": "derived", "base-a": "no-evidence"},
        adapter("base-b", 16, 66),
    ),
]

EDITED = [
    _of_a("cast-f16", "cast to f16", edit("base-a", partial(edits.cast, dtype=torch.float16)), "recast"),
    _of_a(
        "cast-f32",
        "cast to f32, lossless",
        edit("base-a", partial(edits.cast, dtype=torch.float32)),
        "recast",
    ),
    _of_a(
        "int8", "int8 round trip in groups of 32", edit("base-a", partial(edits.quantize, bits=8)), "recast"
    ),
    _of_a(
        "int4", "int4 round trip in groups of 32", edit("base-a", partial(edits.quantize, bits=4)), "recast"
    ),
    _of_a(
        "pruned-50",
        "half of every matrix zeroed by magnitude",
        edit("base-a", partial(edits.prune, share=0.5)),
    ),
    _of_a(
        "noise-5",
        "Gaussian noise, 5 % of each matrix's sd",
        edit("base-a", partial(edits.add_noise, relative=0.05, seed=1)),
    ),
    _of_a(
        "noise-20",
        "Gaussian noise, 20 % of each matrix's sd",
        edit("base-a", partial(edits.add_noise, relative=0.2, seed=2)),
    ),
    _of_a("three-shards", "three shards with an index", three_shards("base-a"), "identical"),
    _of_a("renamed", "every tensor renamed by rule", edit("base-a", edits.rename, config=False), "identical"),
    _of_a(
        "scrambled", "every tensor's name a hash", edit("base-a", edits.scramble, config=False), "identical"
    ),
]

RESTACKED = [
    _of_a("layers-dropped", "layers 1 and 2 of 4 dropped", restack("base-a", (0, 3)), layers=(0, 3)),
    _of_a(
        "layers-dropped-healed",
        "layer 2 of 4 dropped, then tuned",
        restack("base-a", (0, 1, 3), heal=71),
        layers=(0, 1, 3),
    ),
    _of_a(
        "layers-duplicated",
        "layers 1 and 2 repeated",
        restack("base-a", (0, 1, 2, 1, 2, 3)),
        layers=(0, 1, 2, 1, 2, 3),
    ),
    _of_a(
        "layers-duplicated-healed",
        "layers 1 and 2 repeated, then tuned",
        restack("base-a", (0, 1, 2, 1, 2, 3), heal=72),
        layers=(0, 1, 2, 1, 2, 3),
    ),
    _of_a(
        "vocabulary-extended", "37 rows appended to the embedding, then tuned", more_tokens("base-a", 37, 73)
    ),
]

# Pretraining continued on code at the base's own rate, for as long as the base was trained.
CONTINUED = [
    Derivative(
        f"continued-{letter}",
        "continued pretraining on code, as long and at the same rate as the base's own training",
        {f"base-{letter}": "derived", f"sibling-{letter}": "shared-init", "base-b": "no-evidence"},
        full_tune(f"base-{letter}", steps, None, seed, "code"),
    )
    for letter, steps, seed in (("c", SHORT_STEPS, 45), ("a", None, 44))
]

# The same questions at another size and length, where seeds are cheap.
TINY = [
    row
    for number in range(6)
    for row in (
        Derivative(
            f"tiny-sibling-{number}",
            f"the initial weights of calibration model {number}, trained on code instead",
            {f"calibration/{number:03}": "shared-init"},
            tiny_sibling(number, "code"),
        ),
        Derivative(
            f"tiny-continued-{number}",
            f"calibration model {number} trained on by its own recipe, on code",
            {f"calibration/{number:03}": "derived", f"tiny-sibling-{number}": "shared-init"},
            tiny_continued(number, "code"),
        ),
    )
]

MIXED = [
    Derivative(
        f"average-{first}-{second}",
        f"{first} % of base-a and {second} % of base-b",
        {"base-a": "derived", "base-b": "derived"},
        mix("base-a", "base-b", first / 100),
    )
    for first, second in ((90, 10), (50, 50), (10, 90))
]

DEEP = [
    Derivative(
        "base-deep",
        "none: an initialisation of its own, eight layers",
        {"base-a": "no-evidence"},
        fresh(DEEP_SEED, layers=8, steps=DEEP_STEPS),
    ),
    Derivative(
        "deep-dropped",
        "layers 2, 4 and 5 of 8 dropped",
        {"base-deep": "derived"},
        restack("base-deep", (0, 1, 3, 6, 7)),
        (0, 1, 3, 6, 7),
    ),
    Derivative(
        "deep-dropped-healed",
        "layers 3 and 4 of 8 dropped, then tuned",
        {"base-deep": "derived"},
        restack("base-deep", (0, 1, 2, 5, 6, 7), heal=74),
        (0, 1, 2, 5, 6, 7),
    ),
    Derivative(
        "deep-upscaled",
        "layers 0-5 and 2-7 of 8 stacked",
        {"base-deep": "derived"},
        restack("base-deep", (0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7)),
        (0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7),
    ),
]

# In this order every source is made before what is made from it.
DERIVATIVES = [*TUNED, *EDITED, *RESTACKED, *MIXED, *TRAINED_BASES, *SIBLINGS, *CONTINUED, *DEEP, *TINY]
