"""The `flows` command: list, show, retry, cancel and prune workflows. A gateway on the same store applies changes."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.clock import SystemClock
from gateway.commands.base import CommandError
from gateway.commands.table import aligned
from gateway.composition.gateway_keys import recorded_flows_key
from gateway.durable.encryption import DecryptionError, JsonCipher, KeyFileError
from gateway.durable.executor import STANDARD, CancellationToken
from gateway.durable.port import Record, Status, StepRecord, StepState
from gateway.durable.store import WorkflowStore
from gateway.errors import FlowsUnavailable
from gateway.settings import Settings

HEADINGS = ("id", "flow", "status", "changed", "error", "steps")
STEP_HEADINGS = ("step", "medium", "state", "error", "attempts", "seconds")
SQLITE = "sqlite:///"


def list_flows(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the workflows, newest first."""
    status = Status(arguments.status) if arguments.status else None
    with _store(environ) as store:
        records = store.page(arguments.prefix, status, arguments.limit, None)
    print(aligned([HEADINGS, *map(_row, records)], numbers_from=5), end="")
    return 0


def show(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print a workflow and its steps, without input and result: these may be private."""
    with _store(environ) as store:
        record = _found(store, arguments.id)
    for name, text in _facts(record):
        print(f"{name:8}{text}")
    print()
    print(aligned([STEP_HEADINGS, *map(_step_row, record.steps)], numbers_from=4), end="")
    return 0


def retry(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    return _change(arguments, environ, lambda store: store.resume(arguments.id, CancellationToken()), Status.RUNNING)


def cancel(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    return _change(arguments, environ, lambda store: store.cancel(arguments.id, CancellationToken()), Status.CANCELLED)


def prune(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    seconds = Settings.read(environ).flow_retention if arguments.older_than is None else arguments.older_than
    total = 0
    with _store(environ) as store:
        while gone := store.prune(SystemClock().now() - seconds):
            total += gone
    print(f"Forgot {total} flows.")
    return 0


def _change(
    arguments: argparse.Namespace, environ: Mapping[str, str], act: Callable[[WorkflowStore], bool], wanted: Status
) -> int:
    """Change a workflow's status. A running gateway may have finished the workflow before its status is read again."""
    with _store(environ) as store:
        _found(store, arguments.id)
        changed = act(store)
        status = _found(store, arguments.id).status
    if not changed and status is not wanted:
        raise CommandError(f"The flow {arguments.id} is {status.value}.")
    print(f"The flow {arguments.id} is {wanted.value} now.")
    return 0


@contextlib.contextmanager
def _store(environ: Mapping[str, str]) -> Iterator[WorkflowStore]:
    settings = Settings.read(environ)
    url = settings.flows_url
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        raise CommandError(
            f"There are no flows in {settings.data_dir}: set GATEWAY_DATA_DIR to the gateway's directory. The gateway "
            "creates their file at its first start."
        )
    try:
        cipher = JsonCipher(recorded_flows_key(settings))
        with contextlib.closing(WorkflowStore(url, cipher, SystemClock(), patience=STANDARD.statement)) as store:
            store.prepare()
            yield store
    except DecryptionError as exc:
        raise CommandError("The flows were written with another key: restore it.") from exc
    except (KeyFileError, FlowsUnavailable) as exc:
        raise CommandError(str(exc)) from exc


def _found(store: WorkflowStore, id: str) -> Record:
    if (record := store.get(id)) is None:
        raise CommandError(f"There is no flow {id}.")
    return record


def _row(record: Record) -> tuple[str, ...]:
    done = sum(step.state is StepState.DONE for step in record.steps)
    code = record.fault.code if record.fault else ""
    return record.id, record.name, record.status.value, _time(record.updated_at), code, f"{done}/{len(record.steps)}"


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    yield "id", record.id
    yield "flow", record.name
    yield "status", record.status.value
    yield "begun", _time(record.created_at)
    yield "changed", _time(record.updated_at)
    if record.fault is not None:
        yield "error", f"{record.fault.code}: {record.fault.message}"


def _step_row(step: StepRecord) -> tuple[str, ...]:
    medium = "" if step.medium is None else str(step.medium)
    code = step.fault.code if step.fault else ""
    seconds = "" if step.finished_at is None else f"{step.finished_at - step.started_at:.1f}"
    return step.name, medium, step.state.value, code, str(step.attempts), seconds


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
