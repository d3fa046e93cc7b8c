"""The ledger's store in a SQLite file, which the processes of one machine share."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import Key, LedgerUnusable, Row, unavailable


class SqliteLedger:
    """The file at `path`, by two connections: that of the ledger's thread, and that of the event loop."""

    is_remote = False

    def __init__(self, path: Path) -> None:
        """Open the file, or create it. Raise LedgerUnusable and StoreTooNew."""
        self._path = path
        with contextlib.ExitStack() as opened:
            self._file = opened.enter_context(contextlib.closing(LedgerFile(path)))
            # It must not wait for the thread's work.
            self._view = opened.enter_context(contextlib.closing(LedgerFile(path, waits=False)))
            self._opened = opened.pop_all()

    @property
    def is_lost(self) -> bool:
        return not self._view.is_in_place(all_files=True)

    def is_in_place(self) -> bool:
        return self._view.is_in_place()

    def leased(self, key: Key) -> int:
        """Read the disk (4 us). Raise LedgerUnavailable."""
        return self._view.leased(*key)

    def transaction(self) -> contextlib.AbstractContextManager[LedgerFile]:
        return self._file.transaction()

    def is_committed(self) -> bool:
        """Return True: a commit on this machine has a certain end, so there is none that would be undone."""
        return True

    def report(self, since: date, until: date, client: str | None) -> list[Row]:
        """Read by a connection of its own, which waits for nobody. Raise LedgerUnavailable."""
        try:
            with contextlib.closing(LedgerFile(self._path, waits=False)) as file:
                return file.report(since, until, client)
        except LedgerUnusable as exc:
            raise unavailable() from exc

    def made(self) -> float | None:
        return self._view.made()

    def close(self) -> None:
        self._opened.close()
