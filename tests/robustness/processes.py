"""The gateway and its upstream as processes of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.commands.process import LIMIT, address, started
from tests.fork_server import Forked


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    process: Forked

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def end(self, number: int) -> tuple[int, str]:
        """Sends the signal; returns the exit code and what was logged."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=LIMIT)
        return self.process.wait(), log


@contextlib.contextmanager
def running(*command: str, **given: str) -> Iterator[Server]:
    with started(*command, **given) as (announcement, process):
        yield Server(address(announcement), process)


def sandbox(port: str = "0") -> contextlib.AbstractContextManager[Server]:
    return running("sandbox", "--port", port)


def gateway(upstream: Server, data: Path, *arguments: str, **more: str) -> contextlib.AbstractContextManager[Server]:
    return running("serve", *arguments, **settings(upstream, data), **more)


def settings(upstream: Server, data: Path) -> dict[str, str]:
    """Of a gateway before it."""
    return {
        "GATEWAY_HIKERAPI_URL": upstream.url,
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_DATA_DIR": str(data),
    }


def lay_faults(upstream: Server, *faults: dict[str, object]) -> None:
    httpx.post(f"{upstream.url}/_control/faults", json={"faults": faults}, timeout=LIMIT).raise_for_status()


def billed(upstream: Server) -> int:
    return int(httpx.get(f"{upstream.url}/_control/meter", timeout=LIMIT).json()["total_billed"])
