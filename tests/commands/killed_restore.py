"""Restores that are killed, each in front of another one of its operations on files, and then completed.

    python -m tests.commands.killed_restore FOLDER

prints how many of them had left the old state, a restore to be completed, and the new state.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path

from gateway.commands.base import CommandError
from gateway.commands.data_directory import JOURNAL, share
from tests.commands.copies import MANIFEST, copied, environment, filled, restored, tree

# What Python tells an audit hook before it does it.
EVENTS = frozenset({"open", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"})
MOST = 500
STEP = 8  # while nothing has changed yet
OWN = (".restore-", "restore.json", "before-restore-")


def killed(number: int, copy: Path, data: Path) -> bool:
    """Restore in a process that is killed in front of its operation of this number; whether it had so many."""
    if (pid := os.fork()) == 0:
        left = number

        def count(event: str, _: object) -> None:
            nonlocal left
            left -= event in EVENTS
            if left < 0 and event in EVENTS:  # the kill itself is told, too
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        restored(copy, environment(data), replace=True)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.waitstatus_to_exitcode(status) != 0


def state(data: Path) -> str:
    if (data / JOURNAL).exists():
        try:
            os.close(share(data))
        except CommandError:
            return "to be completed"
        raise AssertionError("a gateway would start")
    return "new" if any(path for path in data.glob("before-restore-*/*")) else "old"


def held(data: Path) -> dict[str, tuple[int, str]]:
    """All that a gateway would find."""
    return {name: entry for name, entry in tree(data).items() if not name.startswith(OWN)}


def tried(number: int, old: Path, copy: Path, data: Path) -> str:
    """The state that a kill in front of this operation left, after which the restore was completed."""
    before, after = tree(old), {name: entry for name, entry in tree(copy).items() if name != MANIFEST}
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(old, data)
    left = state(data) if killed(number, copy, data) else "not killed"
    if left == "old":
        assert held(data) == before, number
    if left in ("old", "to be completed"):
        restored(copy, environment(data), replace=True)
        assert not [*data.glob(".restore-*"), *data.glob("restore.json*")], number
    assert held(data) == after, number
    (aside,) = data.glob("before-restore-*")
    assert tree(aside) == before, number
    return left


def main(folder: Path) -> None:
    old, data = filled(folder / "old", 7), folder / "data"
    copy = copied(folder / "copy", environment(filled(folder / "source", 12)))
    found, number, step = Counter[str](), 0, STEP
    while not found["not killed"] and number < MOST:
        left = tried(number, old, copy, data)
        if left != "old" and step > 1:
            number, step = number - step, 1  # of the last ones, each
        else:
            found[left] += 1
        number += step
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
