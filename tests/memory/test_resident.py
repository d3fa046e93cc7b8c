"""A gateway as it is run: the memory that the system says it takes, while strangers try to fill it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from tests.commands.process import LIMIT, address, launched
from tests.memory.strangers import (
    Sent,
    extensions_of_many_parts,
    headers_nobody_reads,
    undeclared_variables,
    users_that_are_not_there,
)
from tests.robustness.processes import sandbox, settings

STATUS = Path("/proc/self/status")
CACHE = 4  # MiB
# MiB beside the cache: code that is loaded with the first request of its kind, and what the allocator holds back.
BESIDE = 24


def resident(pid: int) -> float:
    """MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+([0-9]+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1]) / 1024


def send(client: httpx.Client, gateway: str, requests: Iterable[Sent]) -> None:
    for sent in requests:
        url = f"{gateway}/graphql" + (f"?{sent.query}" if sent.query else "")
        client.request(sent.method, url, content=sent.content, headers=sent.headers)


@pytest.mark.skipif(not STATUS.exists(), reason="tells the memory of a process by /proc")
def test_strangers_do_not_grow_the_process_beyond_its_cache(tmp_path: Path) -> None:
    cache = {"GATEWAY_CACHE_BYTES": f"{CACHE} MiB"}
    with (
        httpx.Client(timeout=LIMIT) as client,
        sandbox() as upstream,
        launched(LIMIT, "serve", **settings(upstream, tmp_path), **cache) as (announcement, process),
    ):
        server, pid = address(announcement), process.pid
        for kind in (undeclared_variables, users_that_are_not_there):
            send(client, server, kind(3, 1_000))
        before = resident(pid)
        send(client, server, undeclared_variables(100, 900_000))
        send(client, server, headers_nobody_reads(500, 60_000))
        send(client, server, extensions_of_many_parts(100, 18_000))
        send(client, server, users_that_are_not_there(1_000, 0))
        assert resident(pid) < before + CACHE + BESIDE
