"""Places of an inbox, for the contract of all: in memory, a SQLite file, a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.webhooks.inbox import Inbox
from gateway.webhooks.stored_inbox import StoredInbox
from tests.fakes.clock import ManualClock
from tests.fakes.inbox import VolatileInbox


@dataclass(frozen=True)
class Place:
    """`opened` gives the inbox to one more process."""

    clock: ManualClock
    opened: Callable[[], Inbox]


def in_memory() -> Place:
    clock = ManualClock()
    only = VolatileInbox(clock)
    return Place(clock, lambda: only)


def in_database(url: str) -> Place:
    clock = ManualClock()
    return Place(clock, lambda: StoredInbox(url, clock))
