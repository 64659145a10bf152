"""python -m lab OUT [--only NAME ...]: makes what is missing under OUT."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from transformers.utils import logging

from .adapters import make_adapters
from .calibration import COUNT, make_calibration
from .derivatives import DERIVATIVES
from .examples import EXAMPLES
from .makers import Make, place
from .manifest import write_manifest
from .net_siblings import make_net_siblings
from .nets import make_nets
from .scenarios import make_scenarios
from .siblings import make_siblings
from .table import print_table
from .zoo import make_wide, make_zoo, make_zoo_slice

MODELS: dict[str, Make] = {**EXAMPLES, **{row.name: row.make for row in DERIVATIVES if row.make is not None}}
# Tiny derivatives start from calibration models, so those come first.
GROUPS = ("examples", "calibration", "derivatives", "siblings", "manifest", "table")
OPTIONAL = ("nets", "net-siblings", "adapters", "zoo", "zoo-slice", "wide", "scenarios")


def main() -> None:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write to; about 600 MB")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        default=GROUPS,
        help=f"{', '.join(GROUPS + OPTIONAL)}, or models by name",
    )
    parser.add_argument("--count", type=int, default=COUNT, help="models in the calibration set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # Sums in a fixed order: the same machine and versions give the same weights.
    logging.disable_progress_bar()
    for name in arguments.only:
        run(name, arguments.out, arguments.count)


def run(name: str, out: Path, count: int) -> None:
    if name == "examples":
        build(list(EXAMPLES), out)
    elif name == "derivatives":
        build([row.name for row in DERIVATIVES if row.make is not None], out)
    elif name == "calibration":
        make_calibration(out, count)
    elif name == "nets":
        make_nets(out)
    elif name == "net-siblings":
        make_net_siblings(out)
    elif name == "adapters":
        make_adapters(out)
    elif name == "zoo":
        make_zoo(out)
    elif name == "zoo-slice":
        make_zoo_slice(out)
    elif name == "wide":
        make_wide(out)
    elif name == "scenarios":
        make_scenarios(out)
    elif name == "siblings":
        make_siblings(out)
    elif name == "manifest":
        write_manifest(out)
    elif name == "table":
        print_table(out)
    else:
        build([name], out)


def build(names: list[str], out: Path) -> None:
    """Each model is made in a folder beside its own and moved there when whole, so a stopped run can go on."""
    for name in names:
        folder = place(out, name)
        if folder.exists():
            continue
        unfinished = folder.with_name(f"{name}.tmp") / name
        shutil.rmtree(unfinished.parent, ignore_errors=True)
        MODELS[name](out, unfinished)
        unfinished.rename(folder)
        unfinished.parent.rmdir()
        print(f"{name}: made", flush=True)


main()
