"""The port to the store of the ledger: the amounts leased per client and window, and the itemised spending.

For clients with an allowance per day a report fills the gap between the two: what is leased in that day and not
itemised is a row of its own, so that a day's total is never lower than what was spent. That row also includes the idle
blocks of running processes; it is gone after a clean close. Clients without an allowance per day have their itemised
spending only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeAlias

from gateway.errors import LedgerUnavailable, Unusable

UNITEMISED = "(not itemised)"

Key: TypeAlias = tuple[str, str, int]
"""A client, a window and its start in Unix seconds."""


class LedgerUnusable(Unusable):
    """The ledger cannot be used at all: the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Row:
    """The spending of one client on one endpoint in one day (UTC). `calls` counts the billed ones."""

    day: date
    client: str
    endpoint: str
    calls: int
    billed: int


class LedgerSetBack(LedgerUnavailable):
    """The store's content was replaced while it was open, by an older copy or another ledger."""


class LedgerUncertain(LedgerUnavailable):
    """The connection broke during a commit: `LedgerStore.is_committed` tells its outcome."""


class Transaction(Protocol):
    """An atomic transaction of the store. What it writes is on disk, or nothing of it, when it has ended."""

    def lock(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Return the amounts that all processes have leased. No other process changes them until the end."""

    def read(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Return the same amounts without locking them."""

    def add(self, amounts: Mapping[Key, int]) -> None:
        """Add to amounts that are locked; a negative amount is handed back."""

    def spend(self, rows: Iterable[Row]) -> None:
        """Add rows to the itemised spending."""

    def prune(self, before: int) -> None:
        """Delete the leases of minutes and hours before a Unix second."""


class LedgerStore(Protocol):
    """One process's access to the store. Methods raise LedgerUnavailable while the store cannot be read or written.

    The ledger's thread alone calls `transaction` and `is_committed`. The event loop calls the methods that do not wait.
    """

    @property
    def is_remote(self) -> bool:
        """True if the store is behind a network.

        Only its transactions read it, and what is leased is spent while it cannot be reached.
        """

    @property
    def is_lost(self) -> bool:
        """True if the store or its content was deleted or replaced since it was opened. This does not wait."""

    def is_in_place(self) -> bool:
        """Return whether what is leased may be spent: not from a store that was replaced. This does not wait."""

    def leased(self, key: Key) -> int | None:
        """Return the amount that all processes have leased; None where only a transaction can read it.

        This does not wait.
        """

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Run a transaction. Its end raises LedgerUncertain if it is unknown whether it was committed."""

    def is_committed(self) -> bool:
        """Return whether the last transaction was committed, after LedgerUncertain."""

    def report(self, since: date, until: date, client: str | None) -> list[Row]:
        """Return the rows of the days from `since` to `until`, both included, by day, client and endpoint.

        What is leased in a day and not itemised is a row of its own. Any thread may call this.
        """

    def made(self) -> float | None:
        """Return when the store was made, in Unix seconds, if it is known. This does not wait."""

    def close(self) -> None: ...


def unavailable() -> LedgerUnavailable:
    return LedgerUnavailable("Spending cannot be recorded now, so nothing may be bought. Ask again later.")
