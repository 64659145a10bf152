"""LoRA adapters as peft saves them, with the bases that they were trained on, relatives and siblings of those, and strangers.

Each set is one initialisation: `base`, `tuned` (the base, trained on), `sibling` (another training of the same start).
Adapters of some calibration models are strangers to all the others.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import PreTrainedModel

from . import architectures, checkpoints
from .tokens import token_arrays
from .training import Recipe, train
from .tuning import PROJECTIONS

SEEDS = (41_001, 41_002)
STEPS, RATE, BATCH = 640, 3e-3, 4
TUNING = Recipe(160, 1e-3, 41_900, BATCH, 20)


@dataclass(frozen=True)
class Adapter:
    name: str
    of: str
    targets: tuple[str, ...]
    rank: int
    steps: int
    rate: float = 2e-3
    domain: str = "guide"
    dora: bool = False


QUERIES_VALUES = ("q_proj", "v_proj")
ADAPTERS = (
    Adapter("qv-r8", "base", QUERIES_VALUES, 8, 300),
    Adapter("qv-r4-short", "base", QUERIES_VALUES, 4, 100),
    Adapter("all-r16", "base", tuple(PROJECTIONS), 16, 300),
    Adapter("all-r8-dora", "base", tuple(PROJECTIONS), 8, 150, dora=True),
    Adapter("of-tuned-qv-r8", "tuned", QUERIES_VALUES, 8, 300, domain="code"),
    Adapter("of-sibling-qv-r8", "sibling", QUERIES_VALUES, 8, 300),
)


TINY = (
    Adapter("qv-r8", "", QUERIES_VALUES, 8, 200),
    Adapter("all-r8", "", tuple(PROJECTIONS), 8, 200),
)
TINY_BASES = 6


def make_adapters(out: Path) -> None:
    """Writes adapters/SEED/NAME and manifest.json, the pairs of adapters and bases of one shape; what is there is kept."""
    arrays = token_arrays(out / "text")
    root = out / "adapters"
    for seed in SEEDS:
        folder = root / str(seed)
        made = {"base": ("reference", seed), "sibling": ("code", seed + 500)}
        for name, (domain, order) in made.items():
            _keep(folder / name, lambda place, d=domain, o=order: _train_base(place, seed, arrays[d], o))
        _keep(folder / "tuned", lambda place: _tune(place, folder / "base", arrays["guide"]))
        for number, adapter in enumerate(ADAPTERS):
            make = lambda place, a=adapter, n=number: train_adapter(  # noqa: E731
                checkpoints.load(folder / a.of), arrays[a.domain], a, seed + n, place
            )
            _keep(folder / adapter.name, make)
    models = sorted(path.name for path in (out / "calibration").iterdir() if path.name.isdigit())
    for number, model in enumerate(models[:TINY_BASES]):
        adapter = TINY[number % len(TINY)]
        make = lambda place, m=model, a=adapter, n=number: train_adapter(  # noqa: E731
            checkpoints.load(out / "calibration" / m), arrays[a.domain], a, SEEDS[0] + 100 + n, place
        )
        _keep(root / "tiny" / model, make)
    pairs = [*_pairs(), *_tiny_pairs(models)]
    (root / "manifest.json").write_text(json.dumps(pairs, indent=1) + "\n")


def train_adapter(model: PreTrainedModel, tokens, adapter: Adapter, seed: int, place: Path) -> None:
    torch.manual_seed(seed)
    config = LoraConfig(
        r=adapter.rank,
        lora_alpha=2 * adapter.rank,
        target_modules=list(adapter.targets),
        use_dora=adapter.dora,
        task_type="CAUSAL_LM",
    )
    tuned = get_peft_model(model, config)
    train(tuned, tokens, Recipe(adapter.steps, adapter.rate, seed, BATCH, 10, decay=0.0), adapter.name)
    tuned.save_pretrained(place)


def _train_base(place: Path, seed: int, tokens, order: int) -> None:
    model = architectures.many_values_llama(seed)
    train(model, tokens, Recipe(STEPS, RATE, order, BATCH, 20), f"{seed}/{place.stem}")
    checkpoints.save(model, place)


def _tune(place: Path, base: Path, tokens) -> None:
    model = checkpoints.load(base)
    train(model, tokens, TUNING, place.stem)
    checkpoints.save(model, place)


def _keep(place: Path, make) -> None:
    """Whole or not at all, so that a stopped run can go on."""
    if place.exists():
        return
    unfinished = place.with_name(f"{place.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    make(unfinished)
    unfinished.rename(place)
    print(f"{place.parent.name}/{place.name}: made", flush=True)


def _pairs():
    for seed in SEEDS:
        for adapter in ADAPTERS:
            for other in SEEDS:
                for base in ("base", "tuned", "sibling"):
                    yield {
                        "adapter": f"{seed}/{adapter.name}",
                        "base": f"{other}/{base}",
                        "kind": _kind(adapter.of, base) if seed == other else "stranger",
                        "change": adapter.name,
                    }


def _tiny_pairs(models: list[str]):
    for number, adapter in enumerate(models[:TINY_BASES]):
        for base in models:
            yield {
                "adapter": f"tiny/{adapter}",
                "base": f"../calibration/{base}",
                "kind": "own" if base == adapter else "stranger",
                "change": f"tiny {TINY[number % len(TINY)].name}",
            }


def _kind(of: str, base: str) -> str:
    if of == base:
        return "own"
    return "sibling" if "sibling" in (of, base) else "relative"
