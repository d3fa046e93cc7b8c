"""Redis for tests: a server of the test's own, reached by a socket in a temporary directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

OPTIONS = ("--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning", "--enable-debug-command", "yes")
START_SECONDS = 30.0


class RedisServer:
    """A server that a test may freeze, kill and start again. It keeps nothing over that."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}?db=0"

    def start(self, *options: str) -> None:
        command = [self._program, *OPTIONS, "--unixsocket", str(self._socket), *options]
        self._process = subprocess.Popen(command, cwd=self._socket.parent, stdout=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.command("PING")
            except redis.RedisError:
                assert self._process.poll() is None, "redis-server has ended"
                assert time.monotonic() < end, "redis-server does not answer"
                time.sleep(0.02)
            else:
                return

    def command(self, *words: str) -> object:
        """The answer of the server, to whom nobody else is connected through this."""
        with contextlib.closing(redis.Redis.from_url(self.url, socket_timeout=START_SECONDS)) as client:
            answer: object = client.execute_command(*words)  # type: ignore[no-untyped-call]
            return answer

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As if its machine were gone."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None, "the server runs"
        os.kill(self._process.pid, number)


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A server of the caller's own. Skips where Redis is not installed."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("Redis is needed: `apt-get install redis-server`")
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        made = RedisServer(program, Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.kill()
