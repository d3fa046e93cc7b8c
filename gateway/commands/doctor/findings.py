"""The findings of the checks: each with a sentence on what there is, and one on what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from gateway.clock import Clock
from gateway.settings import Settings, SettingSource

MOST_NAMES = 3
# The checks that ask others.
NETWORK = ("upstream", "clock", "key", "balance", "publishing")


class Result(enum.Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class Finding(msgspec.Struct, frozen=True):
    """One result of the check of this name. Without a problem or a warning there is no remedy."""

    check: str
    result: Result
    finding: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation to check: its settings, and the sources of those that are set.

    `is_offline`: nothing is asked over the network.
    """

    settings: Settings
    sources: dict[str, SettingSource]
    clock: Clock
    is_offline: bool = False


Check: TypeAlias = Callable[[Installation], Iterable[Finding]]


def ok(check: str, finding: str) -> Finding:
    return Finding(check, Result.OK, finding)


def warning(check: str, finding: str, remedy: str) -> Finding:
    return Finding(check, Result.WARNING, finding, remedy)


def problem(check: str, finding: str, remedy: str) -> Finding:
    return Finding(check, Result.PROBLEM, finding, remedy)


def skipped(check: str, finding: str) -> Finding:
    return Finding(check, Result.SKIPPED, finding)


def some_of(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
