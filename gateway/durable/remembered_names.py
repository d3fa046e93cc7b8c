"""Names that are remembered for a while, such as of signed events that were received already."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.clock import Clock
from gateway.durable.database import AT_ONCE, Database
from gateway.durable.encryption import JsonCipher
from gateway.durable.tables import REMEMBERED

MOST = 100_000  # names: about 20 MB


class RememberedNames:
    """The names, as fingerprints. Methods raise FlowsUnavailable."""

    def __init__(self, database: Database, cipher: JsonCipher, clock: Clock) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock

    def remember(self, name: str, seconds: float) -> bool:
        """Remember a name for `seconds`, and return whether it is new or had expired."""
        now = self._clock.now()
        row = {"fingerprint": self._cipher.fingerprint("remembered", name), "expires_at": now + seconds}
        insert = self._database.insert(REMEMBERED).values(row)
        taken = insert.on_conflict_do_update(
            index_elements=[REMEMBERED.c.fingerprint],
            set_={"expires_at": row["expires_at"]},
            where=REMEMBERED.c.expires_at <= now,
        )
        with self._database.transaction() as db:
            return db.scalar(taken.returning(REMEMBERED.c.fingerprint)) is not None

    def forget(self) -> int:
        """Delete a bounded number of names that have expired or exceed MOST. Returns how many."""
        by_end = sa.select(REMEMBERED.c.fingerprint).order_by(REMEMBERED.c.expires_at)
        with self._database.transaction() as db:
            surplus = (db.scalar(sa.select(sa.func.count()).select_from(REMEMBERED)) or 0) - MOST
            deleted = set(db.scalars(by_end.where(REMEMBERED.c.expires_at <= self._clock.now()).limit(AT_ONCE)))
            deleted.update(db.scalars(by_end.limit(min(max(surplus, 0), AT_ONCE))))
            db.execute(REMEMBERED.delete().where(REMEMBERED.c.fingerprint.in_(deleted)))
        return len(deleted)
