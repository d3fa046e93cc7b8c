"""The gateway's version, and its name in requests to others."""

from __future__ import annotations

from functools import cache
from importlib import metadata

NAME = "highlights-gateway"


@cache
def version() -> str:
    """Return the installed version. Finding it reads and parses the package's metadata."""
    return metadata.version(NAME)


def user_agent() -> str:
    return f"{NAME}/{version()}"
