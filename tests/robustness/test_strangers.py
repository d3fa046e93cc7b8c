"""A running server, and peers that have no key: whatever they send, others are answered and memory stays as it was."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands.process import LIMIT, address, started

MIB = 2**20
SERVERS = [("serve",), ("serve", "--workers", "2"), ("sandbox",)]
NOWHERE = {"GATEWAY_HIKERAPI_URL": "http://127.0.0.1:9", "GATEWAY_HIKERAPI_KEY": "k"}  # pragma: allowlist secret
# What processes may grow by that are asked for the first time, workers that have just begun too: a fraction of a head.
GROWTH = 64 * MIB


def resident(pid: int) -> int:
    """Bytes, of the process and of those that it has started."""
    family = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    rows = [row for one in family for row in Path(f"/proc/{one}/status").read_text().splitlines()]
    return sum(int(row.split()[1]) for row in rows if row.startswith("VmRSS:")) * 1_024


@pytest.fixture(params=SERVERS, ids=" ".join)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Its URL and its process."""
    with started(*request.param, GATEWAY_DATA_DIR=str(tmp_path), **NOWHERE) as (announcement, process):
        url = address(announcement)
        with httpx.Client(transport=httpx.HTTPTransport(retries=5), timeout=LIMIT) as client:
            client.get(f"{url}/healthz")
        if not Path(f"/proc/{process.pid}/status").exists():
            pytest.skip("/proc is needed to see the memory of a process: run it on Linux")
        yield url, process.pid


@contextlib.contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=LIMIT) as line:
        yield line


def test_a_head_of_200_mib_is_answered_431_and_kept_by_nobody(server: tuple[str, int]) -> None:
    url, pid = server
    before = resident(pid)
    with connected(url) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(b"GET / HTTP/1.1\r\nhost: h\r\nx: ")
            for _ in range(200):
                line.sendall(b"a" * MIB)
        assert line.recv(1_000).startswith(b"HTTP/1.1 431 ")
        assert line.recv(1_000) == b""
    assert resident(pid) - before < GROWTH
    assert httpx.get(f"{url}/healthz", timeout=LIMIT).status_code in (200, 404)
