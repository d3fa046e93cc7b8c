"""What is not installed with the rest: each is for a lane or for single tests, which are left out without it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator

import pytest

# The module that the lane's tests need, and how to get it.
PACKAGES = {"aiograpi": ("aiograpi_rest", "`make test-aiograpi` installs aiograpi-rest, with Python 3.13 or newer")}
# The program that single tests need, and the Debian package that has it.
PROGRAMS = {
    "caddy": "caddy",
    "nginx": "nginx",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "redis-server": "redis-server",
    "systemd-analyze": "systemd",
}


def has_package(lane: str) -> bool:
    return importlib.util.find_spec(PACKAGES[lane][0]) is not None


def missing() -> Iterator[str]:
    """What is left out for want of a package, and the way to it."""
    yield from (f"left out  the lane {lane}: {way}" for lane, (_, way) in PACKAGES.items() if not has_package(lane))


def program(name: str) -> str:
    """The path of a program; the test that needs it is skipped where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is needed: `apt-get install {PROGRAMS[name]}`")
    return path
