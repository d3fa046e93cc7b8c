"""Packages that are not installed with the rest: each is for one lane, whose tests are not collected without it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

# The module that the lane's tests need, and how to get it.
PACKAGES = {"aiograpi": ("aiograpi_rest", "`make test-aiograpi` installs aiograpi-rest, with Python 3.13 or newer")}


def has_package(lane: str) -> bool:
    return importlib.util.find_spec(PACKAGES[lane][0]) is not None


def missing() -> Iterator[str]:
    """What is left out for want of a package, and the way to it."""
    yield from (f"left out  the lane {lane}: {way}" for lane, (_, way) in PACKAGES.items() if not has_package(lane))
