"""Processes of the tests end with all they have started."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator

import pytest

from tests.processes import run, started

# Tells its child's number, and waits for it: the child holds the pipes as well.
WRAPPER = ["sh", "-c", "sleep 600 & echo $!; wait"]
LIMIT = 30.0


class Child:
    """Of a wrapper, which alone is known to who started it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def has_ended(self, within: float = LIMIT) -> bool:
        return bool(select.select([self._handle], [], [], within)[0])


@contextlib.contextmanager
def child_of(wrapper: subprocess.Popen[str]) -> Iterator[Child]:
    assert wrapper.stdout is not None
    handle = os.pidfd_open(int(wrapper.stdout.readline()))
    try:
        yield Child(handle)
    finally:
        os.close(handle)


def test_the_child_of_a_wrapper_ends_with_the_block() -> None:
    with contextlib.ExitStack() as stack:
        with started(WRAPPER, seconds=LIMIT, stdout=subprocess.PIPE) as process:
            child = stack.enter_context(child_of(process))
            assert not child.has_ended(within=0)
        assert child.has_ended()


def test_a_child_ends_also_where_its_wrapper_was_killed_alone() -> None:
    with contextlib.ExitStack() as stack:
        with started(WRAPPER, seconds=LIMIT, stdout=subprocess.PIPE) as process:
            child = stack.enter_context(child_of(process))
            process.kill()
            process.wait()
            assert not child.has_ended(within=0)
        assert child.has_ended()


def test_who_reads_reads_to_an_end_once_the_time_is_up() -> None:
    with started(WRAPPER, seconds=0.5, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert len(process.stdout.readlines()) == 1


def test_what_takes_too_long_leaves_nothing_behind() -> None:
    """The child would hold the pipe for ten minutes."""
    reading, writing = os.pipe()
    with open(reading, "rb") as end:
        with open(writing, "wb"), pytest.raises(subprocess.TimeoutExpired):
            run(["sh", "-c", "sleep 600 & wait"], seconds=0.5, pass_fds=(writing,))
        assert end.read() == b""


def test_what_was_printed_and_the_exit_code_are_told() -> None:
    done = run(["sh", "-c", "echo told; echo complained >&2; exit 3"], seconds=LIMIT)
    assert (done.returncode, done.stdout, done.stderr) == (3, "told\n", "complained\n")
