"""The layout of the data directory: which files there are beside the databases, and their form.

These are `spool`, `flows.slots`, `flows.key`, `media.key`, `cursors.key`, `vault.key`, `audit.key` and `cache.unsent`.
The version is in the file `layout`; a directory without that file is of version 1.0.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import Unusable
from gateway.files import identity, make_file, make_folder, replace_file
from gateway.migrations import ABSENT, Migration, StoreVersion, Version, known, pending
from gateway.version import version

NAME = "layout"
FIRST = Version(1, 0)
MIGRATIONS: tuple[Migration[Path], ...] = (Migration(FIRST, make_folder),)
CONTENT = re.compile(r"([0-9]{1,9})\.([0-9]{1,9}) (\S+)\n")


def version_of(directory: Path) -> StoreVersion:
    """Return the version of a data directory. Raise Unusable if its file says none."""
    path = directory / NAME
    try:
        content = path.read_bytes()
    except OSError:  # whatever needs the directory reports more than that it is missing
        return StoreVersion(FIRST if os.path.isdir(directory) else ABSENT, known(MIGRATIONS))
    found = CONTENT.fullmatch(content.decode(errors="replace"))
    if found is None:
        raise Unusable(f"{path} says no version: restore it from the backup.")
    return StoreVersion(Version(int(found[1]), int(found[2])), known(MIGRATIONS), found[3])


def migrate(directory: Path) -> None:
    """Bring a data directory forward, or create it. Processes take turns. Raise OSError, and Unusable as above."""
    make_folder(directory)
    path = directory / NAME
    make_file(path, _content(FIRST))
    while pending(MIGRATIONS, version_of(directory).found):
        with _locked(path) as is_current:
            # Another process may have brought it forward between the look at it and the lock.
            if is_current and (lacking := pending(MIGRATIONS, version_of(directory).found)):
                for migration in lacking:
                    migration.apply(directory)
                replace_file(path, _content(known(MIGRATIONS)))


def _content(of: Version) -> bytes:
    return f"{of} {version()}\n".encode()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold the lock of the file. Yield whether the path still leads to it, or another process has replaced it."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield identity(path) == identity(file.fileno())
