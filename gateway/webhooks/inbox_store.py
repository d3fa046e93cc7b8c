"""The inbox in SQL. Claims end by the clocks of the processes: a clock that is wrong costs a second processing."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.clock import Clock
from gateway.durable.database import AT_ONCE
from gateway.durable.record_store import RecordStore, version_table
from gateway.migrations import Migration, Version
from gateway.webhooks.body_erasure import mentions, without_accounts
from gateway.webhooks.inbox import (
    CLAIM_SECONDS,
    MOST_BYTES,
    MOST_CLAIMS,
    MOST_DIGESTS,
    MOST_WAITING,
    REMEMBERED,
    InboxUnavailable,
    StoredBody,
    digest_of,
)

METADATA = sa.MetaData()
VERSIONS = version_table("gateway_webhook_migrations", METADATA)
# A body is null once it was processed: its row remembers the digest.
BODIES = sa.Table(
    "gateway_webhook_bodies",
    METADATA,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("body", sa.LargeBinary),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("received_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("claimed_until", sa.Double, nullable=False),
    sa.Column("claims", sa.Integer, nullable=False),
    sa.Index("gateway_webhook_bodies_by_end", "expires_at"),
)
WAITS = BODIES.c.body.is_not(None)
sa.Index("gateway_webhook_bodies_waiting", BODIES.c.received_at, sqlite_where=WAITS, postgresql_where=WAITS)
INBOX = RecordStore(
    title="The inbox of webhooks",
    file="webhooks.sqlite3",
    versions=VERSIONS,
    migrations=(Migration(Version(1, 0), METADATA.create_all),),
    making=0x7765_6268,
    unavailable=InboxUnavailable,
)
FULL = "The inbox of webhooks is full: retry later."


class InboxStore:
    """The store. Methods block, and raise InboxUnavailable; the first one creates the tables, or raises StoreTooNew."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._database = INBOX.opened(url)
        self._clock = clock
        self._is_prepared = False

    def close(self) -> None:
        self._database.close()

    def prepare(self) -> None:
        if not self._is_prepared:
            self._database.prepare()
            self._is_prepared = True

    def put(self, body: bytes) -> bool:
        self.prepare()
        now = self._clock.now()
        row = {"digest": digest_of(body), "body": body, "size": len(body), "received_at": now, "claims": 0}
        insert = self._database.insert(BODIES).values(row | {"expires_at": now + REMEMBERED, "claimed_until": now})
        with self._database.transaction() as db:
            is_new = db.scalar(insert.on_conflict_do_nothing().returning(BODIES.c.digest)) is not None
            if is_new:
                self._check_room(db)
        return is_new

    def claim(self, most: int) -> list[StoredBody]:
        self.prepare()
        now = self._clock.now()
        free = sa.select(BODIES.c.digest).where(WAITS, BODIES.c.claimed_until <= now, BODIES.c.claims < MOST_CLAIMS)
        oldest = free.order_by(BODIES.c.received_at).limit(most).with_for_update(skip_locked=True)
        taken = BODIES.update().where(BODIES.c.digest.in_(oldest))
        claimed = taken.values(claimed_until=now + CLAIM_SECONDS, claims=BODIES.c.claims + 1)
        with self._database.transaction() as db:
            rows = db.execute(claimed.returning(BODIES.c.digest, BODIES.c.body, BODIES.c.received_at)).all()
        return sorted((StoredBody(*row) for row in rows), key=lambda one: one.received_at)

    def finish(self, digest: bytes, *, remembers: bool) -> None:
        self.prepare()
        with self._database.transaction() as db:
            if remembers:
                db.execute(BODIES.update().where(BODIES.c.digest == digest).values(body=None))
            else:
                db.execute(BODIES.delete().where(BODIES.c.digest == digest))

    def tidy(self) -> int:
        """Delete a bounded number of rows: of bodies that have expired or failed too often, and surplus digests."""
        self.prepare()
        now = self._clock.now()
        failed = sa.and_(BODIES.c.claims >= MOST_CLAIMS, BODIES.c.claimed_until <= now)
        ended = sa.select(BODIES.c.digest).where(sa.or_(BODIES.c.expires_at <= now, sa.and_(WAITS, failed)))
        known = sa.select(BODIES.c.digest).where(BODIES.c.body.is_(None))
        with self._database.transaction() as db:
            count = db.scalar(sa.select(sa.func.count()).select_from(known.subquery())) or 0
            surplus = min(max(count - MOST_DIGESTS, 0), AT_ONCE)
            deleted = set(db.scalars(ended.limit(AT_ONCE)))
            deleted.update(db.scalars(known.order_by(BODIES.c.expires_at).limit(surplus)))
            gone = BODIES.delete().where(BODIES.c.digest.in_(deleted)).returning(BODIES.c.body)
            dropped = sum(body is not None for body in db.scalars(gone)) if deleted else 0
        if deleted:
            self._database.truncate_log()
        return dropped

    def erase(self, ids: Sequence[str]) -> int:
        self.prepare()
        with self._database.transaction() as db:
            found = db.execute(sa.select(BODIES.c.digest, BODIES.c.body).where(WAITS)).all()
            named = [row for row in found if mentions(row.body, ids)]
            for row in named:
                rest = without_accounts(row.body, ids)
                db.execute(BODIES.update().where(BODIES.c.digest == row.digest).values(body=rest))
        self._database.truncate_log()
        return len(named)

    def _check_room(self, db: sa.Connection) -> None:
        """Raise InboxUnavailable if there is too much, which undoes the insertion."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(BODIES.c.size), 0)).where(WAITS)
        count, size = db.execute(query).one()
        if count > MOST_WAITING or size > MOST_BYTES:
            raise InboxUnavailable(FULL)
