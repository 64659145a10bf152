"""Networks that are no transformers, many of each kind from different seeds on the same generated data.

Their pairs are hard negatives of another sort than the calibration set: first kernels turn into the same gratings, first
layers read the same pixels, and every net learns the same classes.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

FIRST_SEED = 20_000
DATA_SEED = 7
COUNTS = {"convolutions": 40, "perceptrons": 40, "recurrent": 30}
# How many of each kind are tuned further: related pairs.
TUNED = 6
STEPS, RATE, BATCH = 120, 2e-3, 32
TUNING_STEPS, TUNING_RATE = 60, 4e-4
SIDE, CLASSES = 16, 8
SYMBOLS, LENGTH = 32, 24


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, 2, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.layer1 = nn.Sequential(Block(32, 32, 1), Block(32, 32, 1))
        self.layer2 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1))
        self.fc = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, 48)
        self.lstm = nn.LSTM(48, 64, num_layers=2, batch_first=True)
        self.decoder = nn.Linear(64, SYMBOLS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.lstm(self.embedding(x))[0])


def perceptron() -> nn.Module:
    sizes = [3 * SIDE * SIDE, 128, 128, 128, CLASSES]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


KINDS = {"convolutions": Residual, "perceptrons": perceptron, "recurrent": Recurrent}


def make_nets(out: Path) -> None:
    """Writes nets/KIND/NNN.safetensors, and NNN-tuned.safetensors beside some; what is there already is kept."""
    for number in range(max(COUNTS.values())):
        for kind, count in COUNTS.items():
            if number < count:
                make_net(out / "nets" / kind, kind, number)


def make_net(folder: Path, kind: str, number: int) -> None:
    plain, tuned = folder / f"{number:03}.safetensors", folder / f"{number:03}-tuned.safetensors"
    if (tuned if number < TUNED else plain).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    seed = FIRST_SEED + number
    torch.manual_seed(seed)
    model = KINDS[kind]()
    loss = fit(model, kind, STEPS, RATE, seed, noise=0.5)
    save(model, plain)
    print(f"{kind} {number:03}: loss {loss:.3f}", flush=True)
    if number < TUNED:
        child = copy.deepcopy(model)
        fit(child, kind, TUNING_STEPS, TUNING_RATE, seed + 1000, noise=1.0)
        save(child, tuned)


def save(model: nn.Module, path: Path) -> None:
    unfinished = path.with_suffix(".tmp")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, unfinished)
    unfinished.rename(path)


def fit(model: nn.Module, kind: str, steps: int, rate: float, seed: int, *, noise: float) -> float:
    """Trains in place, and returns the mean loss of the last tenth."""
    generator = torch.Generator().manual_seed(seed)
    batch = sequences if kind == "recurrent" else images
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    losses = []
    model.train()
    for _ in range(steps):
        inputs, targets = batch(generator, noise)
        loss = functional.cross_entropy(model(inputs).flatten(0, -2), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    last = losses[-max(1, steps // 10) :]
    return sum(last) / len(last)


def images(generator: torch.Generator, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Coloured gratings of any phase: the class is the orientation and the frequency."""
    classes = torch.randint(CLASSES, (BATCH,), generator=generator)
    angle = (classes % 4) * torch.pi / 4
    frequency = torch.where(classes < 4, 0.7, 1.3)
    phase = 2 * torch.pi * torch.rand(BATCH, generator=generator)
    grid = torch.arange(SIDE, dtype=torch.float32)
    along = (
        torch.cos(angle)[:, None, None] * grid[None, None, :]
        + torch.sin(angle)[:, None, None] * grid[None, :, None]
    )
    wave = torch.sin(frequency[:, None, None] * along + phase[:, None, None])
    colour = torch.randn(BATCH, 3, 1, 1, generator=generator)
    pixels = colour * wave[:, None] + noise * torch.randn(BATCH, 3, SIDE, SIDE, generator=generator)
    return pixels, classes


def sequences(generator: torch.Generator, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A chain in which the last two symbols decide the next one, most of the time."""
    table = torch.randint(SYMBOLS, (SYMBOLS, SYMBOLS), generator=torch.Generator().manual_seed(DATA_SEED))
    symbols = torch.randint(SYMBOLS, (BATCH, LENGTH + 1), generator=generator)
    surprise = torch.rand(BATCH, LENGTH + 1, generator=generator) < 0.2 * noise
    for t in range(2, LENGTH + 1):
        told = table[symbols[:, t - 2] % 4, symbols[:, t - 1]]
        symbols[:, t] = torch.where(surprise[:, t], symbols[:, t], told)
    return symbols[:, :-1], symbols[:, 1:]
