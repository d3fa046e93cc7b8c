"""The gateway and its upstream as processes of their own, the way they are run."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.commands.process import LIMIT, address, started


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    def end(self, number: int) -> tuple[int, str]:
        """Sends the signal; returns the exit code and what was logged."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, log


@contextlib.contextmanager
def running(*command: str, **settings: str) -> Iterator[Server]:
    with started(*command, **settings) as (announcement, process):
        yield Server(address(announcement), process)


def sandbox(port: str = "0") -> contextlib.AbstractContextManager[Server]:
    return running("sandbox", "--port", port)


def gateway(upstream: Server, data: Path, *arguments: str, **more: str) -> contextlib.AbstractContextManager[Server]:
    settings = {
        "GATEWAY_HIKERAPI_URL": upstream.url,
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_DATA_DIR": str(data),
    }
    return running("serve", *arguments, **settings, **more)


def lay_faults(upstream: Server, *faults: dict[str, object]) -> None:
    httpx.post(f"{upstream.url}/_control/faults", json={"faults": faults}, timeout=LIMIT).raise_for_status()


def billed(upstream: Server) -> int:
    return int(httpx.get(f"{upstream.url}/_control/meter", timeout=LIMIT).json()["total_billed"])
