"""The statistic of the spread mark in numpy and PyTorch, as a reference for speed.

    python correlator.py expert|idiomatic [--threads 2] FILE.safetensors...

What the detector does for the zero-bit class: column scales of the Sinkhorn form from 256 rows, row scales, sums of coin
times weight over blocks of 256 columns, folded into 64 chips by a keyed map; energies too. `expert` works on pieces of 2^18
weights that stay in the cache, one worker per thread with one operator thread each; `idiomatic` on whole matrices, with the
threads inside of the operators. Coins are AES-256-CTR from `cryptography` where it is installed, else bytes read from a
pool drawn before the clock starts, which is in Python's favour.

Prints {"weights", "bytes", "seconds", "cpuSeconds", "coins", "z"}; reading the files is part of the time, importing torch is not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import re
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    Cipher = None

BLOCK = 256
CHIPS = 64
CHUNK = 1 << 18
SUBSET = 256
SMALLEST = 65_536
KEY = hashlib.sha256(b"a key of the benchmark").digest()
MARKED = re.compile(r"\.(q|k|v|o|gate|up|down)_proj\.weight$")
POOL = np.random.default_rng(1).bytes(1 << 25) if Cipher is None else b""
# Eight signs for every byte: cheaper than unpacking bits and scaling them.
SIGNS = torch.from_numpy(1 - 2 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32))


def matrices(path: str) -> list[tuple[str, int, int, int]]:
    """(name, first byte, rows, columns) of the tensors that carry the mark."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    found = []
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "BF16" or not MARKED.search(name):
            continue
        rows, cols = entry["shape"]
        if rows * cols >= SMALLEST:
            found.append((name, 8 + length + entry["data_offsets"][0], rows, cols))
    return found


def keystream(purpose: str, count: int) -> np.ndarray:
    if Cipher is None:
        return np.frombuffer(POOL, np.uint8, count)
    nonce = hashlib.sha256(purpose.encode()).digest()[:8] + bytes(8)
    cipher = Cipher(algorithms.AES(KEY), modes.CTR(nonce)).encryptor()
    return np.frombuffer(cipher.update(bytes(count)), np.uint8)


def column_scales(rows: torch.Tensor) -> torch.Tensor:
    """Four rounds of balancing row and column energies on a sample of rows."""
    squares = rows.square()
    columns = torch.ones(rows.shape[1])
    for _ in range(4):
        row_energy = (squares / columns).mean(1, keepdim=True).clamp_min(1e-30)
        columns = (squares / row_energy).mean(0).clamp_min(1e-30)
    return columns.sqrt()


def expert(view: memoryview, job: tuple[str, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums, energies and counts per chip of one matrix."""
    name, begin, rows, cols = job
    weights = torch.frombuffer(view, dtype=torch.bfloat16, offset=begin, count=rows * cols).view(rows, cols)
    subset = np.random.default_rng(0).choice(rows, min(SUBSET, rows), replace=False)
    scale = 1 / column_scales(weights[torch.from_numpy(np.sort(subset))].float())
    blocks = -(-cols // BLOCK)
    padded = blocks * BLOCK
    sums, energies, counts = np.zeros(CHIPS), np.zeros(CHIPS), np.zeros(CHIPS)
    step = max(1, CHUNK // cols)
    for first in range(0, rows, step):
        count = min(step, rows - first)
        a = weights[first : first + count].float().mul_(scale)
        a /= a.square().mean(1, keepdim=True).sqrt_().clamp_min_(1e-30)
        if padded != cols:
            a = torch.nn.functional.pad(a, (0, padded - cols))
        coins = torch.from_numpy(keystream(f"coins/{name}/{first}", count * padded // 8).astype(np.int32))
        energy = a.view(-1, BLOCK).square().sum(1)
        a.view(-1, 8).mul_(torch.nn.functional.embedding(coins, SIGNS))
        sum_ = a.view(-1, BLOCK).sum(1)
        chip = keystream(f"map/{name}/{first}", 2 * count * blocks).view(np.uint16) % CHIPS
        sums += np.bincount(chip, sum_.numpy(), CHIPS)
        energies += np.bincount(chip, energy.numpy(), CHIPS)
        counts += np.bincount(chip, minlength=CHIPS) * BLOCK
    return sums, energies, counts


def idiomatic(view: memoryview, job: tuple[str, int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of a whole matrix at once."""
    name, begin, rows, cols = job
    weights = torch.frombuffer(view, dtype=torch.bfloat16, offset=begin, count=rows * cols).view(rows, cols).float()
    subset = np.random.default_rng(0).choice(rows, min(SUBSET, rows), replace=False)
    a = weights / column_scales(weights[torch.from_numpy(subset)])
    a = a / a.square().mean(1, keepdim=True).sqrt()
    blocks = -(-cols // BLOCK)
    a = torch.nn.functional.pad(a, (0, blocks * BLOCK - cols))
    bits = np.unpackbits(keystream(f"coins/{name}", a.numel() // 8)).astype(np.float32)
    signs = torch.from_numpy(1 - 2 * bits).view_as(a)
    chip = keystream(f"map/{name}", 2 * rows * blocks).view(np.uint16) % CHIPS
    sums = (a * signs).view(-1, BLOCK).sum(1).numpy()
    energies = (a * a).view(-1, BLOCK).sum(1).numpy()
    counts = np.bincount(chip, minlength=CHIPS) * BLOCK
    return np.bincount(chip, sums, CHIPS), np.bincount(chip, energies, CHIPS), counts


STYLES = {"expert": expert, "idiomatic": idiomatic}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("style", choices=sorted(STYLES))
    arguments.add_argument("files", nargs="+")
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    alone = options.style == "idiomatic"
    torch.set_num_threads(options.threads if alone else 1)
    started, cpu = time.perf_counter(), time.process_time()
    totals, weights = np.zeros((3, CHIPS)), 0
    with ThreadPoolExecutor(1 if alone else options.threads) as workers, torch.inference_mode():
        pending = []
        for path in options.files:
            with open(path, "rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
            for job in matrices(path):
                weights += job[2] * job[3]
                pending.append(workers.submit(STYLES[options.style], view, job))
        for result in pending:
            totals += result.result()
    sums, energies, counts = totals
    values = sums / np.sqrt(counts)
    z = values.sum() / np.sqrt((energies / counts).sum())
    seconds = time.perf_counter() - started
    coins = "random bytes from memory" if Cipher is None else "AES-256-CTR"
    figures = {"weights": weights, "bytes": 2 * weights, "seconds": seconds, "cpuSeconds": time.process_time() - cpu}
    print(json.dumps(figures | {"coins": coins, "z": float(z)}))


if __name__ == "__main__":
    main()
