"""A list of renames that is performed completely, whatever interrupts it: it is written down before the first one.

Until the list is on the disk nothing has changed. From then on `complete` performs what is left of it, in this process
or in another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from gateway.commands.base import CommandError
from gateway.files import make_file, sync_folder


class Move(msgspec.Struct, frozen=True):
    """A rename of `source`, a file or a directory, to `target`, which does not exist, on the same file system."""

    source: str
    target: str


class Moves(msgspec.Struct, frozen=True):
    """Renames in their order. `origin` tells who wants them.

    `aside` makes room: of these a source may have been replaced since. `into_place` fills it.
    """

    origin: str
    aside: tuple[Move, ...]
    into_place: tuple[Move, ...]


def begin(journal: Path, moves: Moves) -> None:
    """Write the list to the disk. From then on it has to be completed. Raise OSError."""
    make_file(journal, msgspec.json.encode(moves))
    sync_folder(journal.parent)


def begun(journal: Path) -> Moves | None:
    """Return the list that has not been completed, if there is one. Raise OSError and CommandError."""
    try:
        return msgspec.json.decode(journal.read_bytes(), type=Moves)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise CommandError(f"{journal} is damaged, so that the restore cannot be completed.") from error


def complete(journal: Path, moves: Moves) -> None:
    """Perform what is left of the list, and remove it. Raise OSError and CommandError."""
    for move in moves.aside:
        _move_aside(Path(move.source), Path(move.target))
    for move in moves.into_place:
        _move_into_place(Path(move.source), Path(move.target))
    _sync_folders(move.target for move in (*moves.aside, *moves.into_place))
    journal.unlink()
    sync_folder(journal.parent)


def _move_aside(source: Path, target: Path) -> None:
    """Move, unless that was done before: a source may be the new one by now, or have never been there."""
    if not os.path.lexists(target) and os.path.lexists(source):
        source.rename(target)


def _move_into_place(source: Path, target: Path) -> None:
    if not os.path.lexists(source):
        if not os.path.lexists(target):
            raise CommandError(f"{source} is lost: the restore cannot be completed.")
        return
    if os.path.lexists(target):
        raise CommandError(f"{target} was created while it was restored: move it away and run the command again.")
    source.rename(target)


def _sync_folders(paths: Iterable[str]) -> None:
    folders: Sequence[Path] = sorted({Path(path).parent for path in paths})
    for folder in folders:
        sync_folder(folder)
