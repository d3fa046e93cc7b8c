"""The files of the repository, as a clone holds them: found without git, so that an archive is checked as well."""

from __future__ import annotations

import ast
import fnmatch
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Relative to ROOT, sorted; without what .gitignore names."""
    return tuple(sorted(_walk(ROOT)))


def texts(suffix: str = "") -> Iterator[tuple[Path, str]]:
    for path in files():
        if path.name.endswith(suffix):
            data = (ROOT / path).read_bytes()
            if b"\0" not in data:
                yield path, data.decode()


@cache
def trees() -> tuple[tuple[Path, ast.Module], ...]:
    """The modules of the product."""
    return tuple((path, ast.parse(text)) for path, text in texts(".py") if path.parts[0] in ("gateway", "schema"))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        path = Path(entry.path).relative_to(ROOT)
        if entry.name == ".git" or ignored(path, is_folder=entry.is_dir()):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path))
        else:
            yield path


def ignored(path: Path, *, is_folder: bool) -> bool:
    return any(_matches(pattern, path, is_folder) for pattern in _patterns())


@cache
def _patterns() -> tuple[str, ...]:
    return tuple((ROOT / ".gitignore").read_text().split())


def _matches(pattern: str, path: Path, is_folder: bool) -> bool:
    """As git reads the kinds of pattern used here: `name`, `*.suffix`, `folder/` and `/anchored/`."""
    if pattern.endswith("/") and not is_folder:
        return False
    subject = str(path) if pattern.startswith("/") else path.name
    return fnmatch.fnmatchcase(subject, pattern.strip("/"))
