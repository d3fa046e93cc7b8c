"""Locks of a data directory: each gateway and each backup shares it, and a restore has it alone.

The lock is one of the directory itself, which the kernel releases when its process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.commands.base import CommandError
from gateway.files import check_folder

# The journal of a restore in progress, or of one that was interrupted.
JOURNAL = "restore.json"


def share(directory: Path) -> int:
    """Share the directory until the process ends or the returned descriptor is closed. Create it if it is missing.

    Wait while a restore is in progress. Raise Unusable, and CommandError after a restore that was interrupted.
    """
    check_folder(directory, "GATEWAY_DATA_DIR")
    descriptor = _opened(directory)
    with contextlib.suppress(OSError):  # a file system without locks: a restore fails there
        if not _lock(descriptor, fcntl.LOCK_SH):
            print(f"Waiting until the restore of {directory} has ended.", file=sys.stderr, flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
    if (directory / JOURNAL).exists():
        os.close(descriptor)
        raise CommandError(
            f"A restore of {directory} was interrupted: run `highlights-gateway restore` again to complete it."
        )
    return descriptor


@contextlib.contextmanager
def sharing(directory: Path) -> Iterator[None]:
    """Share the directory as `share` does, as long as the context lasts."""
    descriptor = share(directory)
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Have the directory alone. Create it if it is missing. Raise Unusable, and CommandError if it is in use."""
    check_folder(directory, "GATEWAY_DATA_DIR")
    descriptor = _opened(directory)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX):
            raise CommandError(f"A gateway runs on {directory}, or a backup or a restore is in progress: end it first.")
        yield
    finally:
        os.close(descriptor)


def is_in_use(directory: Path) -> bool:
    """Return whether a gateway, a backup or a restore uses the directory. Raise OSError."""
    descriptor = _opened(directory)
    try:
        return not _lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _opened(directory: Path) -> int:
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY)


def _lock(descriptor: int, kind: int) -> bool:
    """Lock, and return whether that was possible at once. Raise OSError where the file system has no locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
