"""Worker leases in PostgreSQL: rows that end by the clock of the database unless they are renewed.

A process that sleeps, or cannot reach the database, loses its lease without being told. Its token tells then: each
transaction that records something for a flow checks it, and locks the row, so that the lease changes hands after it.

The file lock of the data directory is held as well. Where it is free its process is dead, so that another one on the
same directory need not wait until the lease ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gateway.durable.database import Database
from gateway.durable.leases import FileLease, LeaseLost, place_of
from gateway.durable.tables import PENDING, TOKENS, WORKERS, Engine
from gateway.errors import FlowsUnavailable

NOW = sa.func.clock_timestamp()
# The expiry that this process reckons with is earlier than that of the row, by a share of the lease.
CAUTION = 0.1
TIDY_SECONDS = 3_600.0
FORGOTTEN = timedelta(days=1)


class DatabaseLease:
    """The lease of one slot of a data directory, in a database that several machines share."""

    def __init__(
        self, directory: Path, database: Database, dbos: Engine, seconds: float, monotonic: Callable[[], float]
    ) -> None:
        """Take the first free slot. Raise NoSlot and FlowsUnavailable. `seconds` is how long it is held unrenewed."""
        self._database = database
        self._workflows = dbos.workflows
        self._seconds = seconds
        self._monotonic = monotonic
        self._directory = directory
        self._until = float("-inf")
        self._tidied_at = monotonic()
        self.token = 0
        self._file = FileLease(directory, self._take)

    @property
    def executor(self) -> str:
        return self._file.executor

    def remaining(self) -> float:
        return self._until - self._monotonic()

    def renew(self) -> None:
        began = self._monotonic()
        held = self._mine(self.executor).where(WORKERS.c.expires_at > NOW)
        with self._database.transaction() as db:
            if db.scalar(held.values(expires_at=self._expiry()).returning(WORKERS.c.token)) is None:
                self._until = float("-inf")
                raise LeaseLost
        self._extend(began)

    def retake(self) -> None:
        self._until = float("-inf")
        if not self._take(self.executor):
            raise LeaseLost

    def check(self, db: sa.Connection, token: int, *, until_commit: bool) -> None:
        held = sa.select(WORKERS.c.token).where(
            WORKERS.c.executor == self.executor, WORKERS.c.token == token, WORKERS.c.expires_at > NOW
        )
        if db.scalar(held.with_for_update(read=True) if until_commit else held) is None:
            raise LeaseLost

    @contextlib.contextmanager
    def abandoned(self) -> Iterator[tuple[str, ...]]:
        with self._file.abandoned() as dead, contextlib.ExitStack() as taken:
            found = list(dead)
            for executor in self._expired():
                if executor not in found and (token := self._seize(executor)) is not None:
                    taken.callback(self._return, executor, token)
                    found.append(executor)
            yield tuple(found)

    def close(self) -> None:
        """Release the lease; a database that cannot be reached lets it end by itself."""
        if self.remaining() > 0:
            self._until = float("-inf")
            with contextlib.suppress(FlowsUnavailable):
                self._return(self.executor, self.token)
        self._file.close()

    def _take(self, executor: str) -> bool:
        """Take the lease unless another process has it; a dead one of the same data directory has none any more."""
        began, place, expiry = self._monotonic(), place_of(self._directory), self._expiry()
        row = insert(WORKERS).values(executor=executor, token=TOKENS.next_value(), expires_at=expiry, place=place)
        new = {name: row.excluded[name] for name in ("token", "expires_at", "place")}
        is_free = sa.or_(WORKERS.c.expires_at <= NOW, WORKERS.c.place == place)
        taken = row.on_conflict_do_update(index_elements=[WORKERS.c.executor], set_=new, where=is_free)
        with self._database.transaction() as db:
            token = db.scalar(taken.returning(WORKERS.c.token))
        if token is None:
            return False
        self.token = token
        self._extend(began)
        return True

    def _expired(self) -> list[str]:
        """Return the processes whose lease has ended, and that have left flows."""
        left = sa.select(self._workflows.c.executor_id).where(self._workflows.c.status == PENDING)
        query = sa.select(WORKERS.c.executor).where(
            WORKERS.c.executor != self.executor, WORKERS.c.expires_at <= NOW, WORKERS.c.executor.in_(left)
        )
        with self._database.transaction() as db:
            self._tidy(db, left)
            return list(db.scalars(query))

    def _tidy(self, db: sa.Connection, left: sa.Select[tuple[str]]) -> None:
        """Delete the rows of processes that ended long ago and left nothing: a data directory may never come back."""
        if self._monotonic() - self._tidied_at >= TIDY_SECONDS:
            self._tidied_at = self._monotonic()
            db.execute(WORKERS.delete().where(WORKERS.c.expires_at < NOW - FORGOTTEN, WORKERS.c.executor.not_in(left)))

    def _seize(self, executor: str) -> int | None:
        """Take an ended lease for as long as its flows are taken over, and return the token."""
        ended = WORKERS.update().where(WORKERS.c.executor == executor, WORKERS.c.expires_at <= NOW)
        new = ended.values(token=TOKENS.next_value(), expires_at=self._expiry(), place="")
        with self._database.transaction() as db:
            token: int | None = db.scalar(new.returning(WORKERS.c.token))
            return token

    def _return(self, executor: str, token: int) -> None:
        mine = WORKERS.update().where(WORKERS.c.executor == executor, WORKERS.c.token == token)
        with self._database.transaction() as db:
            db.execute(mine.values(expires_at=NOW))

    def _mine(self, executor: str) -> sa.Update:
        return WORKERS.update().where(WORKERS.c.executor == executor, WORKERS.c.token == self.token)

    def _expiry(self) -> sa.ColumnElement[object]:
        return NOW + timedelta(seconds=self._seconds)

    def _extend(self, began: float) -> None:
        """Reckon from before the statement: the database dates the lease later."""
        self._until = began + self._seconds * (1.0 - CAUTION)
