"""Text that every Python installation holds, as token arrays, and the loss of a model on it."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import numpy as np
import torch
from pydoc_data import topics
from tokenizers import Tokenizer
from torch.nn import functional

CONTEXT = 256


def prose(tokenizer: Tokenizer) -> np.ndarray:
    """The Python language reference: English with examples. About 150,000 tokens."""
    return _encode(tokenizer, [topics.topics[name] for name in sorted(topics.topics)])


def code(tokenizer: Tokenizer, files: int = 120) -> np.ndarray:
    """Source of the standard library, the first files in the order of their names."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:files]
    return _encode(tokenizer, [path.read_text("utf-8", "replace") for path in paths])


def windows(tokens: np.ndarray, generator: np.random.Generator, count: int) -> torch.Tensor:
    """`count` windows [count, CONTEXT + 1] drawn uniformly."""
    starts = generator.integers(0, len(tokens) - CONTEXT - 1, size=count)
    return torch.from_numpy(np.stack([tokens[s : s + CONTEXT + 1] for s in starts]).astype(np.int64))


def loss(model: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """Mean loss of the next token in nats."""
    logits = model(input_ids=batch[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())


@torch.no_grad()
def perplexity(model: torch.nn.Module, tokens: np.ndarray) -> float:
    """Over consecutive windows of CONTEXT + 1 tokens."""
    model.eval()
    count = len(tokens) // (CONTEXT + 1)
    pieces = torch.from_numpy(tokens[: count * (CONTEXT + 1)].reshape(count, -1).astype(np.int64))
    return float(np.exp(np.mean([loss(model, piece[None]).item() for piece in pieces])))


def _encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    return np.concatenate([np.array(e.ids, dtype=np.int32) for e in tokenizer.encode_batch(texts)])
