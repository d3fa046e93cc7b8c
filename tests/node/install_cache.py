"""What is made once, for all processes and runs, and kept as long as what it is made of is the same."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from tests.meta.tree import ROOT

KEPT = ROOT / "build/node"


def place_of(sources: Iterable[Path]) -> Path:
    """Named by what the files are called and what they say."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(str(source.relative_to(ROOT)).encode() + hashlib.sha256(source.read_bytes()).digest())
    return KEPT / digest.hexdigest()[:16]


def once(place: Path, make: Callable[[Path], None]) -> None:
    """Has it made, unless it is there. Whoever asks meanwhile waits; it has its name once it is complete."""
    if place.exists():
        return
    with _alone():
        if not place.exists():
            unfinished = place.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(place)


def clear(kept: Collection[Path]) -> None:
    """Removes all else: what was made of other sources than today's."""
    with _alone():
        for place in KEPT.iterdir():
            if place.is_dir() and place not in kept:
                shutil.rmtree(place)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
