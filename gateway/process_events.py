"""Events of the start and the end of processes."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.events import Event


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The process serves. `upstream` and `publishing` are kinds: `sandbox`, `hikerapi`, a dialect; None for none."""

    version: str
    url: str
    workers: int
    upstream: str
    publishing: str | None


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The process ends. It has cut off so many operations, and left so many running flows to other processes."""

    operations: int
    flows: int


@dataclass(frozen=True, slots=True)
class ShutdownBegan(Event):
    """The process was told to end. It serves for `drain` more seconds, and then finishes what is in progress."""

    drain: float


@dataclass(frozen=True, slots=True)
class WorkerDied(Event):
    """A worker died, or hung and was killed. `process` is its id. It is replaced, unless it failed at its start."""

    process: int | None
    exitcode: int | None
