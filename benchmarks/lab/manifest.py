"""manifest.json: every pair of the benchmarks with the verdict that must come out."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .derivatives import DERIVATIVES
from .makers import place


def write_manifest(out: Path) -> None:
    """A list of {name, path, base, basePath, expected, change, layers}; paths are relative to the manifest.

    Pairs with a model that was not made are left out, so that a partial lab is usable.
    """
    folder = out / "derivatives"
    pairs = []
    for row in DERIVATIVES:
        for base, expected in row.against.items():
            suspect_place, base_place = place(out, row.name), place(out, base)
            if not (suspect_place.exists() and base_place.exists()):
                continue
            pairs.append(
                {
                    "name": row.name,
                    "path": os.path.relpath(suspect_place, folder),
                    "base": base,
                    "basePath": os.path.relpath(base_place, folder),
                    "expected": expected,
                    "change": row.change,
                    "layers": row.layers,
                }
            )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(pairs, indent=2) + "\n")
