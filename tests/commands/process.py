"""The command as its own process: forked from one that has imported the program, unless it says otherwise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx

from tests import fork_server, processes
from tests.fork_server import Forked

PROGRAM = [sys.executable, "-m", "gateway"]
LIMIT = 240.0  # seconds: measured for coverage, on a busy machine, a server is slow


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Neither this machine's settings nor its proxies."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return {name: value for name, value in mine.items() if not name.lower().endswith("_proxy")} | dict(given)


def run(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    with fork_server.started(arguments, environment(given), seconds=LIMIT) as process:
        output, errors = process.communicate(LIMIT)
        return subprocess.CompletedProcess(arguments, process.wait(), output, errors)


def started(command: str, *arguments: str, **given: str) -> AbstractContextManager[tuple[str, Forked]]:
    """A server and its announcement, on a free port unless the arguments name one.

    It listens before it announces, so nothing has to wait.
    """
    return started_for(LIMIT, command, *arguments, **given)


@contextmanager
def started_for(seconds: float, command: str, *arguments: str, **given: str) -> Iterator[tuple[str, Forked]]:
    """As `started`. It is killed after so many seconds, so that whoever reads its output reads to an end."""
    words = [command, "--port", "0", *arguments]
    with fork_server.started(words, environment(given), seconds=seconds) as process:
        assert process.stdout is not None
        yield process.stdout.readline(), process


@contextmanager
def launched(
    seconds: float, command: str, *arguments: str, **given: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """As `started_for`, but the program itself, from its first instruction."""
    words = [*PROGRAM, command, "--port", "0", *arguments]
    pipe = subprocess.PIPE
    with processes.started(words, seconds=seconds, env=environment(given), stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        yield process.stdout.readline(), process


def address(announcement: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", announcement)
    assert found, announcement
    return found[0]


def logged(process: Forked, what: str) -> str:
    """The next line of the log that holds `what`."""
    assert process.stderr is not None
    return next(line for line in process.stderr if what in line)


def ask(url: str, query: str, key: str | None = None, **variables: Any) -> httpx.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return httpx.post(f"{url}/graphql", json={"query": query, "variables": variables}, headers=headers, timeout=LIMIT)
