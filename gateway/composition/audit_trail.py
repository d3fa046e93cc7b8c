"""The audit trail of the settings, for a process of the gateway and for commands."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial

from gateway.audit.audit_store import AUDIT, AuditStore
from gateway.audit.trail import AuditUnavailable
from gateway.clock import Clock, SystemClock
from gateway.composition.gateway_keys import recorded_audit_key
from gateway.durable.encryption import KeyFileError
from gateway.settings import SQLITE, Settings
from gateway.shared_keys.shared_key import AUDIT as KEY

BESIDE = ("-wal", "-shm")


def audit_trail(settings: Settings, key: Callable[[], bytes], clock: Clock) -> AuditStore:
    """Return the trail, which opens nothing before it is used. `key` blocks."""
    return AuditStore(AUDIT.url(settings.flows_url, settings.data_dir), partial(_readable, key), clock)


@contextlib.contextmanager
def opened_trail(settings: Settings) -> Iterator[AuditStore]:
    """Open the trail for a command. Raise AuditUnavailable and StoreTooNew.

    Where the user root runs the command, the files belong to the owner of the data directory, as the gateway needs it.
    """
    if settings.flows_url.startswith(SQLITE) and not settings.data_dir.is_dir():
        raise AuditUnavailable(f"There is no data directory {settings.data_dir}: set GATEWAY_DATA_DIR.")
    trail = audit_trail(settings, partial(recorded_audit_key, settings), SystemClock())
    with owned_by_gateway(settings, AUDIT.file, KEY.file), contextlib.closing(trail):
        yield trail


@contextlib.contextmanager
def owned_by_gateway(settings: Settings, *files: str) -> Iterator[None]:
    """Give these files, made in the context by the user root, to the owner of the data directory."""
    yield
    if os.geteuid() == 0 and settings.data_dir.is_dir():
        owner = settings.data_dir.stat()
        for path in (settings.data_dir / f"{name}{suffix}" for name in files for suffix in ("", *BESIDE)):
            if path.exists():
                os.chown(path, owner.st_uid, owner.st_gid)


def _readable(key: Callable[[], bytes]) -> bytes:
    try:
        return key()
    except KeyFileError as error:
        raise AuditUnavailable(str(error)) from error
