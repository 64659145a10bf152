"""Small networks for simple tasks: several trainings of one start, and what was tuned from one of them.

What `siblings.py` is for language models. The tasks are simple, as those of such networks are: all that learns one of them
from one start writes much the same directions.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

FEATURES, SAMPLES, BATCH, DECAY = 64, 1800, 128, 0.01
HEADS = (50, 100)
WIDTHS = (64, 128, 192)
STEPS = (120, 300, 800)
RATES = (5e-4, 2e-3)
FIRST_SEED = 30_000


class Net(nn.Module):
    """An encoder with a head for each kind of label."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.encoder, out = ENCODERS[kind](width)
        self.heads = nn.ModuleList([nn.Linear(out, classes) for classes in HEADS])

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        if self.kind == "gru":
            z = self.encoder(x.view(-1, 8, 8))[0][:, -1]
        else:
            z = self.encoder(x.view(-1, 1, 8, 8) if self.kind == "convolutions" else x)
        return [head(z) for head in self.heads]


def perceptron(widths: list[int], activation: Callable[[], nn.Module], norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in zip([FEATURES, *widths], widths, strict=False):
        layers += [nn.Linear(inputs, outputs), *([nn.BatchNorm1d(outputs)] if norm else []), activation()]
    return nn.Sequential(*layers)


def convolutions(width: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, padding=1), nn.ReLU()),
        *(nn.Conv2d(64, width, 3, 2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


# The encoder of each kind for a width, and how wide its output is.
ENCODERS: dict[str, Callable[[int], tuple[nn.Module, int]]] = {
    "relu": lambda w: (perceptron([2 * w, w], nn.ReLU, norm=False), w),
    "tanh": lambda w: (perceptron([2 * w, w], nn.Tanh, norm=False), w),
    "deep": lambda w: (perceptron([w, w + 32, w, w + 32, w], nn.ReLU, norm=False), w),
    "normed": lambda w: (perceptron([w, 2 * w], nn.ReLU, norm=True), 2 * w),
    "gru": lambda w: (nn.GRU(8, w, num_layers=2, batch_first=True), w),
    "convolutions": lambda w: (convolutions(w), w),
    "attention": lambda w: (Attention(w), w),
}


class Attention(nn.Module):
    """Eight tokens of eight features each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(8, width)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).layers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.embed(x.view(-1, 8, 8))
        for layer in self.layers:
            z = layer(z)
        return z.mean(1)


class Task:
    """Points with a label for each head: a teacher's, of as many samples as are asked for or of a fixed set of them."""

    def __init__(self, seed: int, *, endless: bool) -> None:
        torch.manual_seed(seed)
        self.centres = torch.randn(10, FEATURES)
        self.teachers = [
            nn.Sequential(nn.Linear(FEATURES, 40), nn.Tanh(), nn.Linear(40, n)) for n in HEADS
        ]
        self.points = None if endless else self.draw(SAMPLES, torch.Generator().manual_seed(seed))

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        which = torch.randint(len(self.centres), (count,), generator=generator)
        return self.centres[which] + 0.8 * torch.randn(count, FEATURES, generator=generator)

    def batch(self, generator: torch.Generator, part: slice) -> torch.Tensor:
        if self.points is None:
            return self.draw(BATCH, generator)
        points = self.points[part]
        return points[torch.randint(len(points), (BATCH,), generator=generator)]

    @torch.no_grad()
    def labels(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [teacher(x).argmax(1) for teacher in self.teachers]


def fit(net: Net, task: Task, order: int, steps: float, rate: float, part: slice = slice(None)) -> Net:
    """Trains in place; `order` decides which samples come when."""
    generator = torch.Generator().manual_seed(order)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=DECAY)
    net.train()
    for _ in range(max(1, int(steps))):
        x = task.batch(generator, part)
        losses = [functional.cross_entropy(y, label) for y, label in zip(net(x), task.labels(x), strict=True)]
        optimizer.zero_grad()
        sum(losses).backward()
        optimizer.step()
    return net


def with_new_heads(net: Net) -> Net:
    for head in net.heads:
        head.reset_parameters()
    return net


def models(kind: str, width: int, seed: int, steps: int, rate: float, *, endless: bool) -> dict[str, Net]:
    """One training of a start, other trainings of it, and what was tuned from the first."""
    task, other = Task(seed, endless=endless), Task(seed + 500_000, endless=endless)
    first, second = slice(0, SAMPLES // 2), slice(SAMPLES // 2, None)

    def start() -> Net:
        torch.manual_seed(seed)
        return Net(kind, width)

    base = fit(start(), task, 1, steps, rate)
    child = lambda: copy.deepcopy(base)  # noqa: E731
    return {
        "base": base,
        "sibling-order": fit(start(), task, 2, steps, rate),
        "sibling-longer": fit(start(), task, 3, 1.5 * steps, rate),
        "sibling-slower": fit(start(), task, 4, steps, rate / 2),
        "sibling-half": fit(start(), task, 5, steps, rate, first),
        "sibling-task": fit(start(), other, 6, steps, rate),
        "light": fit(child(), task, 11, steps / 4, rate / 4),
        "half": fit(child(), task, 12, steps / 2, rate / 2, second),
        "again": fit(child(), task, 13, steps, rate),
        "heads": fit(with_new_heads(child()), task, 14, steps / 2, rate / 2),
        "task": fit(with_new_heads(child()), other, 15, steps / 2, rate / 2),
        "task-light": fit(child(), other, 16, steps / 4, rate / 4),
    }


PAIRS = (
    *(("base", name, "sibling") for name in ("order", "longer", "slower", "half", "task")),
    *(("light", name, "sibling") for name in ("order", "half")),
    *(("base", name, "derivative") for name in ("light", "half", "again", "heads", "task", "task-light")),
)


def pairs_of(folder: str, about: dict[str, object]) -> Iterator[dict[str, object]]:
    for base, suspect, expected in PAIRS:
        name = f"sibling-{suspect}" if expected == "sibling" else suspect
        kind = name if base == "base" else f"{name} of {base}"
        yield {"base": f"{folder}/{base}", "suspect": f"{folder}/{name}", "kind": kind, "expected": expected, **about}


def make_net_siblings(out: Path) -> None:
    """Writes net-siblings/SET/NAME.safetensors and manifest.json; sets that are there already are kept."""
    root = out / "net-siblings"
    manifest: list[dict[str, object]] = []
    sets = product(ENCODERS, STEPS, RATES, (False, True))
    for number, (kind, steps, rate, endless) in enumerate(sets):
        width = WIDTHS[number % len(WIDTHS)]
        about = {"net": kind, "width": width, "steps": steps, "rate": rate, "endless": endless}
        name = f"{number:03}-{kind}"
        if not (root / name).exists():
            unfinished = root / f"{name}.tmp"
            unfinished.mkdir(parents=True, exist_ok=True)
            made = models(kind, width, FIRST_SEED + number, steps, rate, endless=endless)
            for role, net in made.items():
                weights = {key: value.contiguous() for key, value in net.state_dict().items()}
                save_file(weights, unfinished / f"{role}.safetensors")
            unfinished.rename(root / name)
            print(f"{name}: made", flush=True)
        manifest += pairs_of(name, about)
        (root / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
