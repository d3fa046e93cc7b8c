"""The SQL store of workflows. Every method is one transaction, and blocks: the engine calls them in threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.clock import Clock
from gateway.durable.database import AT_ONCE, Database
from gateway.durable.database_leases import DatabaseLease
from gateway.durable.encryption import DecryptionError, JsonCipher
from gateway.durable.executor import CancellationToken
from gateway.durable.leases import FileLease, WorkerLease
from gateway.durable.port import Fault, Json, Record, Status, StepRecord, Tally
from gateway.durable.rerun import Numbered, steps_to_rerun
from gateway.durable.serialization import fault_from, fault_to, step_from, step_to
from gateway.durable.tables import ACTIVE, FLOWS, KEYS, NOTES, PENDING, STEPS, Engine
from gateway.errors import FlowsUnavailable, IdempotencyKeyReused

PROBE = "highlights-gateway"
SCHEMA = "dbos"
# Run before each step and for all waiting clients: to build a statement takes as long as to run it.
STATUS = sa.select(FLOWS.c.status).where(FLOWS.c.id == sa.bindparam("flow"))
VERSION = sa.select(FLOWS.c.version).where(FLOWS.c.id == sa.bindparam("flow"))


@dataclass(slots=True)
class Changed:
    """The pending changes of one workflow: steps by their position, with their group, and notes."""

    steps: dict[int, tuple[int, StepRecord]] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)


class WorkflowStore:
    """The store. Methods raise FlowsUnavailable if the database is unavailable, or was written with another key."""

    def __init__(self, url: str, cipher: JsonCipher, clock: Clock, *, patience: float) -> None:
        self._database = Database(url, patience=patience)
        self._cipher = cipher
        self._clock = clock
        self._dbos = Engine(None if self._database.is_sqlite else SCHEMA)
        self._lease: WorkerLease | None = None

    def close(self) -> None:
        self._database.close()

    def lease(self, directory: Path, seconds: float, monotonic: Callable[[], float]) -> WorkerLease:
        """Take a worker lease, without which nothing is recorded about runs. Raise NoSlot and FlowsUnavailable."""
        lease = (
            FileLease(directory)
            if self._database.is_sqlite
            else DatabaseLease(directory, self._database, self._dbos, seconds, monotonic)
        )
        self._lease = lease
        return lease

    def ping(self) -> None:
        """Check that the database can be written, without writing."""
        self._database.ping()

    def prepare(self) -> None:
        """Bring the tables forward. Raises StoreTooNew, and DecryptionError if another key wrote them."""
        self._database.prepare(self._check_key)

    def accept(
        self, name: str, id: str, input: Json, ticket: CancellationToken, *, notes: Mapping[str, Json] | None = None
    ) -> bool:
        """Insert a workflow with its first notes, and return whether it is new. Raises IdempotencyKeyReused."""
        now = self._clock.now()
        row = {
            "id": id,
            "name": name,
            "fingerprint": self._cipher.fingerprint(name, input),
            "input": self._cipher.close(input),
            "status": Status.RUNNING.value,
            "created_at": now,
            "updated_at": now,
            "version": 0,
        }
        with self._database.transaction() as db:
            insertion = self._database.insert(FLOWS).values(row).on_conflict_do_nothing().returning(FLOWS.c.id)
            is_new = db.scalar(insertion) is not None
            known = db.scalar(sa.select(FLOWS.c.fingerprint).where(FLOWS.c.id == id))
            if is_new:
                self._database.upsert(db, NOTES, self._note_rows(id, notes or {}))
            ticket.check()
        if known != row["fingerprint"]:
            raise IdempotencyKeyReused("This idempotency key was used before with another input: use a new key.")
        if is_new:
            self._undo_if_withdrawn(id, ticket)
        return is_new

    def get(self, id: str) -> Record | None:
        with self._database.transaction() as db:
            row = db.execute(sa.select(FLOWS).where(FLOWS.c.id == id)).one_or_none()
            return None if row is None else self._records(db, [row])[0]

    def page(self, prefix: str, status: Status | None, limit: int, before: str | None) -> Sequence[Record]:
        query = sa.select(FLOWS).order_by(FLOWS.c.created_at.desc(), FLOWS.c.id.desc()).limit(limit)
        if prefix:
            # LIKE ignores case on SQLite.
            query = query.where(sa.func.substr(FLOWS.c.id, 1, len(prefix)) == prefix)
        if status is not None:
            query = query.where(FLOWS.c.status == status.value)
        if before is not None:
            age = sa.select(FLOWS.c.created_at).where(FLOWS.c.id == before).scalar_subquery()
            query = query.where(
                sa.or_(FLOWS.c.created_at < age, sa.and_(FLOWS.c.created_at == age, FLOWS.c.id < before))
            )
        with self._database.transaction() as db:
            return self._records(db, db.execute(query).all())

    def tally(self) -> Tally:
        running = FLOWS.c.status == Status.RUNNING.value
        with self._database.transaction() as db:
            counts = db.execute(sa.select(FLOWS.c.status, sa.func.count()).group_by(FLOWS.c.status)).all()
            oldest = db.scalar(sa.select(sa.func.min(FLOWS.c.created_at)).where(running))
        return Tally({Status(status): count for status, count in counts}, oldest)

    def status_for_run(self, id: str, token: int) -> Status | None:
        """Return the status. Raise LeaseLost unless the lease of this token is held."""
        with self._database.transaction() as db:
            self._check_lease(db, token, until_commit=False)
            found = db.scalar(STATUS, {"flow": id})
        return None if found is None else Status(found)

    def version(self, id: str) -> int | None:
        with self._database.transaction() as db:
            return db.scalar(VERSION, {"flow": id})

    def steps(self, id: str) -> dict[int, tuple[int, StepRecord]]:
        with self._database.transaction() as db:
            return self._steps(db, [id]).get(id, {})

    def write(self, changes: Mapping[str, Changed], token: int = 0) -> None:
        """Write the changes of those workflows that still exist. Raise LeaseLost unless the token's lease is held."""
        with self._database.transaction() as db:
            self._check_lease(db, token)
            existing = self._update(db, FLOWS.c.id.in_(changes))
            steps = [row for id in existing for row in self._step_rows(id, changes[id])]
            notes = [row for id in existing for row in self._note_rows(id, changes[id].notes)]
            self._database.upsert(db, STEPS, steps)
            self._database.upsert(db, NOTES, notes)

    def end(
        self,
        id: str,
        status: Status,
        *,
        output: Json = None,
        fault: Fault | None = None,
        group: int | None = None,
        token: int = 0,
    ) -> None:
        """End a running workflow. One that has ended stays as it is: a cancelled workflow stays cancelled.

        Raise LeaseLost unless the lease of this token is held.
        """
        values = {
            "status": status.value,
            "output": self._cipher.close(output),
            "fault": self._cipher.close(fault_to(fault)) if fault else None,
            "failed_group": group,
        }
        with self._database.transaction() as db:
            self._check_lease(db, token)
            self._update(db, FLOWS.c.id == id, FLOWS.c.status == Status.RUNNING.value, **values)

    def cancel(self, id: str, ticket: CancellationToken) -> bool:
        """Cancel a running workflow, and return whether it was running."""
        with self._database.transaction() as db:
            running = FLOWS.c.status == Status.RUNNING.value
            changed = self._update(db, FLOWS.c.id == id, running, status=Status.CANCELLED.value)
            ticket.check()
        return bool(changed)

    def resume(self, id: str, ticket: CancellationToken) -> bool:
        """Set a failed or cancelled workflow to run, and return whether it was one.

        The results of failed steps are deleted in the same transaction.
        """
        with self._database.transaction() as db:
            ended = FLOWS.c.status.in_((Status.FAILED.value, Status.CANCELLED.value))
            row = db.execute(sa.select(FLOWS).where(FLOWS.c.id == id, ended).with_for_update()).one_or_none()
            fresh = {"status": Status.RUNNING.value, "fault": None, "failed_group": None}
            if row is not None:
                self._update(db, FLOWS.c.id == id, ended, **fresh)
                if row.status == Status.FAILED.value:
                    self._delete_results_to_rerun(db, id, row.failed_group)
            ticket.check()
        return row is not None

    def prune(self, older_than: float) -> int:
        """Delete a bounded number of ended workflows with their steps, notes and results. Returns how many.

        Workflows that DBOS still runs stay.
        """
        workflows = self._dbos.workflows
        active = sa.select(workflows.c.workflow_uuid).where(workflows.c.status.in_(ACTIVE))
        ended = FLOWS.c.status != Status.RUNNING.value
        old = sa.select(FLOWS.c.id).where(ended, FLOWS.c.updated_at < older_than, FLOWS.c.id.not_in(active))
        with self._database.transaction() as db:
            ids = db.scalars(old.limit(AT_ONCE)).all()
            self._delete(db, ids)
        if ids:
            self._database.truncate_log()
        return len(ids)

    def erase(self, ids: Sequence[str]) -> bool:
        """Delete ended workflows, and return whether none of `ids` is left. Those that DBOS still runs stay."""
        workflows = self._dbos.workflows
        active = sa.select(workflows.c.workflow_uuid).where(workflows.c.status.in_(ACTIVE))
        ended = FLOWS.c.status != Status.RUNNING.value
        with self._database.transaction() as db:
            named = sa.select(FLOWS.c.id).where(FLOWS.c.id.in_(ids))
            self._delete(db, db.scalars(named.where(ended, FLOWS.c.id.not_in(active))).all())
            is_done = db.scalar(named.limit(1)) is None
        self._database.truncate_log()
        return is_done

    def _delete(self, db: sa.Connection, ids: Sequence[str]) -> None:
        for table in self._dbos.all:
            db.execute(sa.delete(table).where(table.c.workflow_uuid.in_(ids)))
        db.execute(sa.delete(FLOWS).where(FLOWS.c.id.in_(ids)))

    def idle(self, older_than: float) -> dict[str, str | None]:
        """Return the workflows that should run and do not, with their DBOS status.

        Workflows accepted after `older_than` are left out: DBOS may be about to start them.
        """
        workflows = self._dbos.workflows
        query = (
            sa.select(FLOWS.c.id, workflows.c.status)
            .select_from(FLOWS.outerjoin(workflows, FLOWS.c.id == workflows.c.workflow_uuid))
            .where(FLOWS.c.status == Status.RUNNING.value)
            .where(
                sa.or_(
                    sa.and_(workflows.c.status.is_(None), FLOWS.c.updated_at < older_than),
                    workflows.c.status.not_in(ACTIVE),
                )
            )
        )
        with self._database.transaction() as db:
            return {row.id: row.status for row in db.execute(query)}

    def held(self, executor: str) -> frozenset[str]:
        """Return the workflows that DBOS records as running on the executor."""
        workflows = self._dbos.workflows
        query = sa.select(workflows.c.workflow_uuid).where(
            workflows.c.status == PENDING, workflows.c.executor_id == executor
        )
        with self._database.transaction() as db:
            return frozenset(db.scalars(query))

    def _check_lease(self, db: sa.Connection, token: int, *, until_commit: bool = True) -> None:
        if self._lease is not None:
            self._lease.check(db, token, until_commit=until_commit)

    def _check_key(self, db: sa.Connection) -> None:
        probe = db.scalar(sa.select(KEYS.c.probe))
        if probe is None:
            db.execute(KEYS.insert().values(probe=self._cipher.close(PROBE)))
        else:
            self._cipher.open(probe)

    def _update(self, db: sa.Connection, *where: sa.ColumnElement[bool], **values: object) -> list[str]:
        """Update workflows, and return the ids of those that were changed."""
        changed = (
            FLOWS.update().where(*where).values(version=FLOWS.c.version + 1, updated_at=self._clock.now(), **values)
        )
        return list(db.scalars(changed.returning(FLOWS.c.id)))

    def _undo_if_withdrawn(self, id: str, ticket: CancellationToken) -> None:
        """Delete the workflow if its commit ended after the caller had timed out, and so reported a failure."""
        try:
            ticket.check()
        except FlowsUnavailable:
            with self._database.transaction() as db:
                db.execute(FLOWS.delete().where(FLOWS.c.id == id))
            raise

    def _delete_results_to_rerun(self, db: sa.Connection, id: str, failed_group: int | None) -> None:
        results = self._dbos.results
        steps = self._steps(db, [id]).get(id, {})
        places = db.scalar(sa.select(sa.func.max(results.c.function_id)).where(results.c.workflow_uuid == id)) or 0
        deleted = steps_to_rerun(steps, failed_group, places)
        db.execute(sa.delete(results).where(results.c.workflow_uuid == id, results.c.function_id.in_(deleted)))
        db.execute(STEPS.delete().where(STEPS.c.flow == id, STEPS.c.place.in_(deleted)))

    def _records(self, db: sa.Connection, rows: Sequence[Any]) -> list[Record]:
        ids = [row.id for row in rows]
        steps, notes = self._steps(db, ids), self._notes(db, ids)
        return [self._record(row, steps.get(row.id, {}), notes.get(row.id, {})) for row in rows]

    def _record(self, row: Any, steps: Numbered, notes: Mapping[str, Json]) -> Record:
        return Record(
            id=row.id,
            name=row.name,
            status=Status(row.status),
            input=self._decrypt(row.input),
            output=self._decrypt(row.output),
            fault=fault_from(self._decrypt(row.fault)),
            steps=tuple(record for _, (_, record) in sorted(steps.items())),
            notes=notes,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def _steps(self, db: sa.Connection, ids: Collection[str]) -> dict[str, dict[int, tuple[int, StepRecord]]]:
        found: dict[str, dict[int, tuple[int, StepRecord]]] = {}
        for row in db.execute(sa.select(STEPS).where(STEPS.c.flow.in_(ids))).mappings():
            found.setdefault(row["flow"], {})[row["place"]] = row["group"], step_from(self._decrypt(row["record"]))
        return found

    def _notes(self, db: sa.Connection, ids: Collection[str]) -> dict[str, dict[str, Json]]:
        found: dict[str, dict[str, Json]] = {}
        for row in db.execute(sa.select(NOTES).where(NOTES.c.flow.in_(ids)).order_by(NOTES.c.key)).mappings():
            found.setdefault(row["flow"], {})[row["key"]] = self._decrypt(row["value"])
        return found

    def _step_rows(self, id: str, changed: Changed) -> Iterator[dict[str, object]]:
        for place, (group, record) in changed.steps.items():
            yield {"flow": id, "place": place, "group": group, "record": self._cipher.close(step_to(record))}

    def _note_rows(self, id: str, notes: Mapping[str, Json]) -> list[dict[str, object]]:
        return [{"flow": id, "key": key, "value": self._cipher.close(value)} for key, value in notes.items()]

    def _decrypt(self, text: str | None) -> Json:
        try:
            return None if text is None else self._cipher.open(text)
        except DecryptionError as exc:
            raise FlowsUnavailable(
                "Flows were encrypted with another key: contact the operator of the gateway."
            ) from exc
