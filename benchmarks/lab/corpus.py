"""Real text, collected deterministically from packages that are installed anyway."""

from __future__ import annotations

import ast
import importlib.util
import sysconfig
from collections.abc import Iterator
from pathlib import Path

# Packages whose docstrings are the "reference" domain; all BSD-3-Clause.
REFERENCE_PACKAGES = ("networkx", "numpy", "sympy", "torch")
# Packages whose docstrings are the "guide" domain, with the language reference; Apache-2.0 and PSF-2.0.
GUIDE_PACKAGES = ("peft", "tokenizers", "transformers")
SHORTEST_DOCSTRING = 200
LONGEST_DOCUMENT = 200_000
HELD_OUT_EVERY = 20


def documents(domain: str) -> tuple[list[str], list[str]]:
    """Training and held-out documents of "reference", "guide" or "code", without duplicates, in a fixed order."""
    found = list(dict.fromkeys(_DOMAINS[domain]()))
    held_out = found[::HELD_OUT_EVERY]
    training = [text for index, text in enumerate(found) if index % HELD_OUT_EVERY]
    return training, held_out


def _reference() -> Iterator[str]:
    for package in REFERENCE_PACKAGES:
        yield from _docstrings(_package_root(package))


def _guide() -> Iterator[str]:
    from pydoc_data.topics import topics  # The Python language reference as plain text.

    yield from (topics[name] for name in sorted(topics))
    for package in GUIDE_PACKAGES:
        yield from _docstrings(_package_root(package))


def _code() -> Iterator[str]:
    root = Path(sysconfig.get_path("stdlib"))
    for path in _python_files(root):
        # topics.py is the guide domain's prose, the codec tables are one long table each.
        if path.parts[len(root.parts)] in {"pydoc_data", "encodings"}:
            continue
        yield _read(path)


def _docstrings(root: Path) -> Iterator[str]:
    for path in _python_files(root):
        try:
            tree = ast.parse(_read(path))
        except SyntaxError:
            continue  # Template files with a .py name.
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_docstring(node)
                if text and len(text) >= SHORTEST_DOCSTRING:
                    yield text


def _python_files(root: Path) -> Iterator[Path]:
    skipped = {"tests", "test", "idlelib", "site-packages", "lib2to3", "__pycache__"}
    for path in sorted(root.rglob("*.py")):
        if skipped.isdisjoint(path.relative_to(root).parts) and path.stat().st_size <= LONGEST_DOCUMENT:
            yield path


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _package_root(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"install the packages of requirements.txt: {name} is missing")
    return Path(spec.origin).parent


_DOMAINS = {"reference": _reference, "guide": _guide, "code": _code}
