"""The place of one process among those of a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One of `workers` processes, which share the upstream's rate limit and the ledger.

    `address` is the address listened on, where it is not the host of the URL; `sockets` is the directory in which the
    workers listen to each other.
    """

    workers: int = 1
    address: str | None = None
    sockets: Path | None = None


ALONE = Process()
