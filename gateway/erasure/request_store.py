"""The store of the requests in SQL. The ids and names of a person are encrypted, and deleted with the last step."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable
from typing import Any

import sqlalchemy as sa

from gateway.audit.trail import AuditKey, SubjectKind
from gateway.clock import Clock
from gateway.durable.encryption import DecryptionError, JsonCipher
from gateway.durable.record_store import RecordStore, version_table
from gateway.erasure.requests import RETAINED_SECONDS, DataRequest, Person, RequestKind, RequestsUnavailable
from gateway.migrations import Migration, Version

CODE_BYTES = 16
CLAIM_SECONDS = 60.0
# A process that was not seen for so long has ended, and its caches with it.
SEEN_SECONDS = 60.0
METADATA = sa.MetaData()
VERSIONS = version_table("gateway_erasure_migrations", METADATA)
REQUESTS = sa.Table(
    "gateway_erasure_requests",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("code", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("person", sa.Text),
    sa.Column("pseudonym", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("requested_at", sa.Double, nullable=False),
    sa.Column("finished_at", sa.Double),
    sa.Column("steps", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, unique=True),
    sa.Column("claimed_until", sa.Double, nullable=False),
    sa.Column("issued_at", sa.Double),
    sqlite_autoincrement=True,
)
PROCESSES = sa.Table(
    "gateway_erasure_processes",
    METADATA,
    sa.Column("process", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("applied", sa.Text, nullable=False),
)


def _add_issued_at(db: sa.Connection) -> None:
    """Add the column to a table that the first migration made before it knew of it."""
    if all(column["name"] != "issued_at" for column in sa.inspect(db).get_columns(REQUESTS.name)):
        db.exec_driver_sql(f"ALTER TABLE {REQUESTS.name} ADD COLUMN issued_at DOUBLE PRECISION")


ERASURES = RecordStore(
    title="The store of the erasures",
    file="erasures.sqlite3",
    versions=VERSIONS,
    migrations=(Migration(Version(1, 0), METADATA.create_all), Migration(Version(1, 1), _add_issued_at)),
    making=0x6572_6173,
    unavailable=RequestsUnavailable,
)
COLUMNS = (
    *(REQUESTS.c.number, REQUESTS.c.code, REQUESTS.c.kind, REQUESTS.c.person, REQUESTS.c.pseudonym, REQUESTS.c.actor),
    *(REQUESTS.c.requested_at, REQUESTS.c.finished_at, REQUESTS.c.steps, REQUESTS.c.issued_at),
)
IS_OPEN = REQUESTS.c.finished_at.is_(None)


class RequestStore:
    """The store. Methods block, and raise RequestsUnavailable, AuditUnavailable and StoreTooNew."""

    def __init__(self, url: str, key: Callable[[], AuditKey], clock: Clock) -> None:
        self._database = ERASURES.opened(url)
        self._read_key = key
        self._clock = clock
        self._is_prepared = False

    def close(self) -> None:
        self._database.close()

    def add(
        self,
        kind: RequestKind,
        person: Person,
        actor: str,
        digest: bytes | None = None,
        issued_at: float | None = None,
    ) -> DataRequest:
        """Record a request, or return the one that there is: with this digest, or unfinished about the same person.

        `digest` is that of a signed request, which may be sent again, and `issued_at` its time in Unix seconds.
        """
        self._prepare()
        pseudonym = self._read_key().pseudonym(SubjectKind.ACCOUNT, person.ids[0])
        is_same = sa.and_(IS_OPEN, REQUESTS.c.kind == kind.value, REQUESTS.c.pseudonym == pseudonym)
        if kind is RequestKind.DEAUTHORIZATION and issued_at is not None:
            # The owner may have consented again since an earlier one, which does not end that consent.
            is_same = sa.and_(is_same, REQUESTS.c.issued_at >= issued_at)
        now = self._clock.now()
        row = {
            **{"code": secrets.token_urlsafe(CODE_BYTES), "kind": kind.value, "person": self._sealed(person)},
            **{"pseudonym": pseudonym, "actor": actor, "requested_at": now, "steps": "[]", "digest": digest},
            **{"claimed_until": now, "issued_at": issued_at},
        }
        with self._database.transaction() as db:
            if self._database.is_sqlite:
                db.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(ERASURES.making)))
            is_known = is_same if digest is None else sa.or_(is_same, REQUESTS.c.digest == digest)
            code = db.scalar(sa.select(REQUESTS.c.code).where(is_known).limit(1))
            if code is None:
                code = db.scalar(REQUESTS.insert().values(row).returning(REQUESTS.c.code))
            return self._request(db.execute(sa.select(*COLUMNS).where(REQUESTS.c.code == code)).one())

    def find(self, code: str) -> DataRequest | None:
        self._prepare()
        with self._database.transaction() as db:
            row = db.execute(sa.select(*COLUMNS).where(REQUESTS.c.code == code)).first()
        return None if row is None else self._request(row)

    def unfinished(self) -> list[DataRequest]:
        """Return the requests that are not done, the oldest first."""
        return self._all(IS_OPEN)

    def latest(self, limit: int) -> list[DataRequest]:
        return self._all(sa.true())[-limit:]

    def claim(self, besides: Collection[int] = ()) -> DataRequest | None:
        """Return an unfinished request that no process works on. None other gets it for CLAIM_SECONDS.

        Deauthorizations come first, then the oldest. `besides` are the numbers of those that are not wanted now.
        """
        self._prepare()
        now = self._clock.now()
        is_free = IS_OPEN, REQUESTS.c.claimed_until <= now, REQUESTS.c.number.not_in(besides)
        order = sa.case((REQUESTS.c.kind == RequestKind.DEAUTHORIZATION.value, 0), else_=1), REQUESTS.c.number
        free = sa.select(REQUESTS.c.number).where(*is_free).order_by(*order)
        taken = REQUESTS.update().where(
            REQUESTS.c.number == free.limit(1).with_for_update(skip_locked=True).scalar_subquery()
        )
        with self._database.transaction() as db:
            row = db.execute(taken.values(claimed_until=now + CLAIM_SECONDS).returning(*COLUMNS)).first()
        return None if row is None else self._request(row)

    def note(self, request: DataRequest) -> None:
        """Record the steps that are done and the person; this process keeps its claim."""
        person = None if request.person is None else self._sealed(request.person)
        claimed = self._clock.now() + CLAIM_SECONDS
        self._update(request.code, steps=json.dumps(request.steps), person=person, claimed_until=claimed)

    def release(self, code: str) -> None:
        """Give up the claim, so that any process may go on."""
        self._update(code, claimed_until=self._clock.now())

    def finish(self, code: str) -> None:
        """Record that all is done. Nothing of the person is left."""
        self._update(code, finished_at=self._clock.now(), person=None)
        self._database.truncate_log()

    def see(self, process: str, applied: Iterable[int]) -> None:
        """Record that a process runs, and for which unfinished requests it has emptied its caches."""
        self._prepare()
        row = {"process": process, "seen_at": self._clock.now(), "applied": json.dumps(sorted(applied))}
        with self._database.transaction() as db:
            self._database.upsert(db, PROCESSES, [row])

    def end(self, process: str) -> None:
        with self._database.transaction() as db:
            db.execute(PROCESSES.delete().where(PROCESSES.c.process == process))

    def is_applied(self, number: int) -> bool:
        """Return whether all processes that run have emptied their caches for a request."""
        alive = PROCESSES.c.seen_at > self._clock.now() - SEEN_SECONDS
        with self._database.transaction() as db:
            return all(number in json.loads(text) for text in db.scalars(sa.select(PROCESSES.c.applied).where(alive)))

    def finished_since(self, moment: float) -> frozenset[int]:
        """Return the numbers of the erasures that were finished since a time in Unix seconds."""
        self._prepare()
        is_erasure = REQUESTS.c.kind == RequestKind.ERASURE.value
        with self._database.transaction() as db:
            found = sa.select(REQUESTS.c.number).where(is_erasure, REQUESTS.c.finished_at >= moment)
            return frozenset(db.scalars(found))

    def tidy(self) -> None:
        """Delete requests that were finished long ago, and processes that ended long ago."""
        now = self._clock.now()
        with self._database.transaction() as db:
            db.execute(REQUESTS.delete().where(REQUESTS.c.finished_at <= now - RETAINED_SECONDS))
            db.execute(PROCESSES.delete().where(PROCESSES.c.seen_at <= now - 2 * SEEN_SECONDS))

    def _update(self, code: str, **values: Any) -> None:
        self._prepare()
        with self._database.transaction() as db:
            db.execute(REQUESTS.update().where(REQUESTS.c.code == code, IS_OPEN).values(values))

    def _all(self, which: sa.ColumnElement[bool]) -> list[DataRequest]:
        self._prepare()
        with self._database.transaction() as db:
            rows = db.execute(sa.select(*COLUMNS).where(which).order_by(REQUESTS.c.number)).all()
        return [self._request(row) for row in rows]

    def _prepare(self) -> None:
        if not self._is_prepared:
            self._database.prepare()
            self._is_prepared = True

    def _cipher(self) -> JsonCipher:
        return JsonCipher(self._read_key().sealing)

    def _sealed(self, person: Person) -> str:
        return self._cipher().close([person.ids, person.names])

    def _request(self, row: Any) -> DataRequest:
        try:
            ids, names = ((), ()) if row.person is None else self._cipher().open(row.person)
        except DecryptionError as exc:
            raise RequestsUnavailable("The erasures were written with another key: restore audit.key.") from exc
        person = None if row.person is None else Person(tuple(ids), tuple(names))
        kind, steps = RequestKind(row.kind), tuple(json.loads(row.steps))
        moments = row.requested_at, row.finished_at
        return DataRequest(row.number, row.code, kind, person, row.pseudonym, row.actor, *moments, steps, row.issued_at)
