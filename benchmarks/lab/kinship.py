"""A second, independent implementation of the residual-axis z and of the retention ratio R, in numpy.

It reads standard Llama names only and has no part in any verdict: it tells whether the lab's models are fit
to calibrate one.
"""

from __future__ import annotations

import re

import numpy as np
import torch

ROLES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
READS_RESIDUAL = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
SKETCH_ROWS = 8
LEADING_PAIRS = 8


def matrices(weights: dict[str, torch.Tensor]) -> dict[tuple[int, str], np.ndarray]:
    """(layer, role) to [out, in] in f64."""
    found = {}
    for name, value in weights.items():
        match = re.match(r"model\.layers\.(\d+)\.\w+\.(\w+)\.weight$", name)
        if match and match[2] in ROLES:
            found[int(match[1]), match[2]] = value.double().numpy()
    return found


def residual_z(base: dict, suspect: dict, layers: list[int]) -> float:
    """z of the sign sketches over the residual axis; `layers[n]` is the base layer that suspect layer n is held against."""
    first, second = [], []
    for layer, source in enumerate(layers):
        for role in READS_RESIDUAL:
            a, b = base[source, role], suspect[layer, role]
            rows = np.arange(SKETCH_ROWS) * len(a) // SKETCH_ROWS
            first.append(np.sign(a[rows]))
            second.append(np.sign(b[rows]))
    a, b = np.concatenate(first), np.concatenate(second)
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return float((a * b).sum() / np.sqrt(((a.T @ b) ** 2).sum() / (a.shape[1] - 1)))


def retention(base: dict, suspect: dict, layers: list[int], rows: int | None = None) -> dict[str, float]:
    """Medians over tensors of rho_top, rho_bulk, R and |ln R|, on all rows or on `rows` contiguous ones from the middle.

    The last one, the unevenness, is about 0 when every tensor kept its leading and its bulk directions alike. After long
    training siblings of one initialisation have R scattered around a median near 1, and only the scatter tells.
    """
    tops, bulks = [], []
    for layer, source in enumerate(layers):
        for role in ROLES:
            a, b = base[source, role], suspect[layer, role]
            if rows is not None and rows < len(a):
                start = (len(a) - rows) // 2
                a, b = a[start : start + rows], b[start : start + rows]
            top, bulk = _retained(a, b)
            tops.append(top)
            bulks.append(bulk)
    ratios = np.array(tops) / np.array(bulks)
    # A ratio that is not positive keeps nothing alike: as uneven as can be.
    unevenness = np.abs(np.log(np.maximum(ratios, 1e-9)))
    medians = {"top": tops, "bulk": bulks, "R": ratios, "unevenness": unevenness}
    return {name: float(np.median(values)) for name, values in medians.items()}


def _retained(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    u, s, vt = u[:, :LEADING_PAIRS], s[:LEADING_PAIRS], vt[:LEADING_PAIRS]
    leading = float((s * np.einsum("ik,ij,kj->k", u, b, vt)).sum())
    energy = float((s**2).sum())
    return leading / energy, (float((a * b).sum()) - leading) / (float((a**2).sum()) - energy)
