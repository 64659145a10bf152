"""The table of kinship statistics over the manifest: are these models fit to calibrate a verdict?"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import load_file

from . import edits, kinship

SLICE_ROWS = 64


def print_table(out: Path) -> None:
    """One Markdown line per testable pair; other architectures have no such names and are left out."""
    folder = out / "derivatives"
    print(
        "| suspect | base | expected | z | rho_top | rho_bulk | R | abs ln R | R, 64 rows | abs ln R, 64 rows |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for pair in json.loads((folder / "manifest.json").read_text()):
        base, suspect = (_matrices(folder / pair[key]) for key in ("basePath", "path"))
        if not suspect:
            continue
        depth = 1 + max(layer for layer, _ in suspect)
        base_depth = 1 + max(layer for layer, _ in base)
        layers = pair["layers"] or list(range(min(depth, base_depth)))
        z = kinship.residual_z(base, suspect, layers)
        whole = kinship.retention(base, suspect, layers)
        sliced = kinship.retention(base, suspect, layers, SLICE_ROWS)
        print(
            f"| {pair['name']} | {pair['base']} | {pair['expected']} | {z:.1f} | {whole['top']:.3f} "
            f"| {whole['bulk']:.3f} | {whole['R']:.2f} | {whole['unevenness']:.2f} "
            f"| {sliced['R']:.2f} | {sliced['unevenness']:.2f} |",
            flush=True,
        )


def _matrices(folder: Path) -> dict:
    """Matrices by layer and role, with the lab's own renamings undone."""
    weights = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights.update(load_file(file))
    return kinship.matrices(edits.original_names(weights))
