"""A byte-level BPE tokenizer of 1,024 tokens, and texts as arrays of token numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from . import corpus

VOCABULARY = 1024
END = "<|end|>"
DOMAINS = ("reference", "guide", "code")


def train_tokenizer() -> Tokenizer:
    """BPE over bytes, trained on a tenth of every domain: no text is out of its vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    sample = [text for domain in DOMAINS for text in corpus.documents(domain)[0][::10]]
    tokenizer.train_from_iterator(sample, trainer)
    return tokenizer


def token_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Token numbers (uint16) of "<domain>" and "<domain>-held-out"; cached in `folder` with tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer_file = folder / "tokenizer.json"
    if not tokenizer_file.exists():
        train_tokenizer().save(str(tokenizer_file))
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    arrays = {}
    for domain in DOMAINS:
        parts = {domain: 0, f"{domain}-held-out": 1}
        if not all((folder / f"{name}.npy").exists() for name in parts):
            texts = corpus.documents(domain)
            for name, part in parts.items():
                np.save(folder / f"{name}.npy", _encode(tokenizer, texts[part]))
        for name in parts:
            arrays[name] = np.load(folder / f"{name}.npy")
    return arrays


def _encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    end = tokenizer.token_to_id(END)
    ids: list[int] = []
    for encoding in tokenizer.encode_batch(texts):
        ids.extend(encoding.ids)
        ids.append(end)
    return np.asarray(ids, dtype=np.uint16)
