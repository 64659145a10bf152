"""The zoo: other architectures and other widths than the calibration set's, strangers and what descends from them.

ZOO/KIND/NN are models of one seed each, trained alike; two of every kind are bases, from which `light`, `normal`,
`continued` and `sibling` are made. The manifest names the kind, which says what may be moved in such a model.
The slice is a part of it that takes minutes: two kinds, two models each, of the first a light fine-tune and a sibling.
Wide models are a set of their own: their streams are mapped in another way, and a step of theirs takes as long as fifty.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from . import architectures, checkpoints
from .tokens import VOCABULARY, token_arrays
from .training import Recipe, train

FIRST_SEED = 40_000
BASES = 2
BATCH = 4
HIDDEN, FFN, LAYERS, HEADS = 64, 192, 2, 4
STEPS = 400


@dataclass(frozen=True)
class Kind:
    name: str
    start: Callable[[int], PreTrainedModel]
    models: int
    steps: int
    rate: float = 4e-3
    has_descendants: bool = True


def _started(make: Callable[[], PreTrainedModel]) -> Callable[[int], PreTrainedModel]:
    def start(seed: int) -> PreTrainedModel:
        torch.manual_seed(seed)
        return make()

    return start


COMMON = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 0}


def _qwen2() -> PreTrainedModel:
    """Biases on q, k and v, grouped heads, tied embeddings."""
    config = Qwen2Config(
        hidden_size=HIDDEN,
        intermediate_size=FFN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        max_position_embeddings=architectures.CONTEXT,
        tie_word_embeddings=True,
        **COMMON,
    )
    return Qwen2ForCausalLM(config)


def _gpt2() -> PreTrainedModel:
    """LayerNorm, learned positions, linears stored [in, out], one plain FFN."""
    config = GPT2Config(
        n_embd=HIDDEN,
        n_inner=4 * HIDDEN,
        n_layer=LAYERS,
        n_head=HEADS,
        n_positions=architectures.CONTEXT,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        **COMMON,
    )
    return GPT2LMHeadModel(config)


def _mixtral() -> PreTrainedModel:
    """Four experts of which a token meets two."""
    config = MixtralConfig(
        hidden_size=HIDDEN,
        intermediate_size=FFN // 2,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        num_local_experts=4,
        num_experts_per_tok=2,
        max_position_embeddings=architectures.CONTEXT,
        tie_word_embeddings=False,
        **COMMON,
    )
    return MixtralForCausalLM(config)


def _llama(hidden: int) -> Callable[[int], PreTrainedModel]:
    return lambda seed: architectures.llama_of_width(seed, hidden)


KINDS = (
    Kind("qwen2", _started(_qwen2), 8, STEPS),
    Kind("gpt2", _started(_gpt2), 8, STEPS),
    Kind("neox", lambda seed: architectures.neox(seed, hidden=HIDDEN, ffn=4 * HIDDEN, layers=LAYERS), 8, STEPS),
    Kind("mixtral", _started(_mixtral), 8, STEPS),
    Kind("llama-32", _llama(32), 12, 300, has_descendants=False),
    Kind("llama-128", _llama(128), 12, 300, rate=3e-3, has_descendants=False),
)
#: Name, steps, rate and text of what is made of a base; `None` is the base's own.
TUNINGS = (("light", 60, 3e-4), ("normal", 200, 1e-3), ("continued", STEPS, 4e-3))
SLICE = ("qwen2", "gpt2")
WIDE_STEPS = 1280
WIDE = Kind("llama-832", lambda seed: architectures.llama_of_width(seed, 832), 2, WIDE_STEPS, rate=1e-3)
WIDE_TUNINGS = (("light", 60, 1e-4), ("normal", 200, 3e-4), ("continued", WIDE_STEPS, 1e-3))


def make_zoo(out: Path) -> None:
    """Writes zoo/KIND/NN/ and zoo/manifest.json; models that are there already are kept."""
    _make(out, "zoo", KINDS, BASES, TUNINGS)


def make_zoo_slice(out: Path) -> None:
    """The same of the slice, below zoo-slice/."""
    _make(out, "zoo-slice", [replace(kind, models=2) for kind in KINDS if kind.name in SLICE], 1, TUNINGS[:1])


def make_wide(out: Path) -> None:
    """The same of models of 17 M parameters in two layers, below wide/."""
    _make(out, "wide", [WIDE], 1, WIDE_TUNINGS)


def _make(out: Path, name: str, kinds, bases: int, tunings) -> None:
    arrays = token_arrays(out / "text")
    manifest = []
    for kind in kinds:
        folder = out / name / kind.name
        for number in range(kind.models):
            seed = FIRST_SEED + number
            model = folder / f"{number:02}"
            _trained(model, lambda: kind.start(seed), arrays["reference"], Recipe(kind.steps, kind.rate, seed, BATCH))
            manifest.append({"kind": kind.name, "name": model.name, "path": f"{kind.name}/{model.name}"})
        for number in range(bases if kind.has_descendants else 0):
            manifest += _descendants(folder, kind, f"{number:02}", FIRST_SEED + number, arrays, tunings)
    (out / name / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _descendants(folder: Path, kind: Kind, base: str, seed: int, arrays, tunings) -> list[dict]:
    made = []
    for name, steps, rate in tunings:
        path = folder / f"{base}-{name}"
        _trained(path, lambda: checkpoints.load(folder / base), arrays["code"], Recipe(steps, rate, seed + 500, BATCH))
        made.append((path, "derivative", name))
    sibling = folder / f"{base}-sibling"
    _trained(sibling, lambda: kind.start(seed), arrays["code"], Recipe(kind.steps, kind.rate, seed + 900, BATCH))
    made.append((sibling, "sibling", "sibling"))
    return [
        {"kind": kind.name, "name": path.name, "path": f"{kind.name}/{path.name}", "base": f"{kind.name}/{base}",
         "truth": truth, "change": change}
        for path, truth, change in made
    ]


def _trained(path: Path, start: Callable[[], PreTrainedModel], tokens, recipe: Recipe) -> None:
    if (path / checkpoints.WEIGHTS).exists():
        return
    model = start()
    train(model, tokens, recipe, f"{path.parent.name}/{path.name}")
    checkpoints.save(model, path)
