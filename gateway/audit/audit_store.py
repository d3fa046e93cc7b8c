"""The audit trail in SQL. Any number of processes append to one chain: each append waits for the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from gateway.audit.trail import FIRST, Action, AuditEntry, AuditKey, AuditUnavailable, Head, SubjectKind, Verification
from gateway.clock import Clock
from gateway.durable.record_store import RecordStore, version_table
from gateway.migrations import Migration, Version

METADATA = sa.MetaData()
VERSIONS = version_table("gateway_audit_migrations", METADATA)
ENTRIES = sa.Table(
    "gateway_audit_entries",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("mac", sa.LargeBinary, nullable=False),
    sa.Index("gateway_audit_entries_by_subject", "subject"),
)
# One row, from the first entry on.
HEADS = sa.Table(
    "gateway_audit_head",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("mac", sa.LargeBinary, nullable=False),
    sa.Column("proof", sa.LargeBinary, nullable=False),
)
MESSAGE = "the audit trail is append-only"
SQLITE_GUARDS = tuple(
    f"CREATE TRIGGER gateway_audit_no_{act.lower()} BEFORE {act} ON {ENTRIES.name} "
    f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    for act in ("UPDATE", "DELETE")
)
POSTGRES_GUARDS = (
    f"CREATE FUNCTION gateway_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
    f"CREATE TRIGGER gateway_audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {ENTRIES.name} "
    "FOR EACH STATEMENT EXECUTE FUNCTION gateway_audit_refuse()",
)


def _create(db: sa.Connection) -> None:
    METADATA.create_all(db)
    for guard in SQLITE_GUARDS if db.dialect.name == "sqlite" else POSTGRES_GUARDS:
        db.exec_driver_sql(guard)


AUDIT = RecordStore(
    title="The audit trail",
    file="audit.sqlite3",
    versions=VERSIONS,
    migrations=(Migration(Version(1, 0), _create),),
    making=0x6175_6469,
    unavailable=AuditUnavailable,
)
OTHER_KEY = "The audit trail was written with another key, or its last entry was changed: restore audit.key."
COLUMNS = sa.select(*(column for column in ENTRIES.c))


class AuditStore:
    """The store. Methods block, and raise AuditUnavailable and StoreTooNew. `key` may block, and raise the former."""

    def __init__(self, url: str, key: Callable[[], bytes], clock: Clock) -> None:
        self._database = AUDIT.opened(url)
        self._read_key = key
        self._opened_key: AuditKey | None = None
        self._clock = clock
        self._is_prepared = False

    def close(self) -> None:
        self._database.close()

    def pseudonym(self, kind: SubjectKind, name: str) -> str:
        return self.key().pseudonym(kind, name)

    def append(self, actor: str, action: Action, subject: str, details: Mapping[str, object]) -> AuditEntry:
        """Append an entry, which is on the disk when this returns. `subject` is a pseudonym, or empty."""
        key = self.key()
        self._prepare()
        with self._database.transaction() as db:
            if self._database.is_sqlite:
                db.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(AUDIT.making)))
            head = _head_in(db)
            if head is not None and not key.proves(head):
                raise AuditUnavailable(OTHER_KEY)
            before = head or key.head(0, FIRST)
            entry = key.entry(before, self._clock.now(), actor, action, subject, details)
            db.execute(ENTRIES.insert().values(_row(entry)))
            after = key.head(entry.number, entry.mac)
            row = {"id": 1, "number": after.number, "mac": after.mac, "proof": after.proof}
            self._database.upsert(db, HEADS, [row])
        return entry

    def entries(self, subject: str | None = None, limit: int = 1_000) -> list[AuditEntry]:
        """Return the last entries, in their order."""
        self._prepare()
        newest = COLUMNS.order_by(ENTRIES.c.number.desc()).limit(limit)
        with self._database.transaction() as db:
            rows = db.execute(newest if subject is None else newest.where(ENTRIES.c.subject == subject)).all()
        return [AuditEntry(*row) for row in reversed(rows)]

    def verify(self, known: Head | None = None) -> Verification:
        """Check the whole trail, as of one moment."""
        key = self.key()
        self._prepare()
        with self._database.transaction() as db:
            if self._database.is_sqlite:
                db.exec_driver_sql("BEGIN")
            else:
                db.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            head = _head_in(db)
            rows = db.execute(COLUMNS.order_by(ENTRIES.c.number)).yield_per(1_000)
            return key.verify((AuditEntry(*row) for row in rows), head, known)

    def _prepare(self) -> None:
        if not self._is_prepared:
            self._database.prepare()
            self._is_prepared = True

    def key(self) -> AuditKey:
        """Return the key."""
        if self._opened_key is None:
            self._opened_key = AuditKey(self._read_key())
        return self._opened_key


def _head_in(db: sa.Connection) -> Head | None:
    row = db.execute(sa.select(HEADS.c.number, HEADS.c.mac, HEADS.c.proof)).first()
    return None if row is None else Head(*row)


def _row(entry: AuditEntry) -> dict[str, object]:
    return {column.name: getattr(entry, column.name) for column in ENTRIES.c}
