"""A gateway as a process, and the page of its metrics as a scraper gets it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.commands.process import LIMIT, address
from tests.metrics.harness import Page
from tests.robustness.processes import Server, running


@dataclass(frozen=True, slots=True)
class ScrapedServer:
    gateway: Server
    url: str
    """Of the page."""

    def page(self) -> Page:
        return Page.of(httpx.get(self.url, timeout=LIMIT).raise_for_status().text)

    def until(self, holds: Callable[[Page], object]) -> Page:
        """The first page for which it holds: what is sampled is up to five seconds old."""
        deadline = time.monotonic() + LIMIT
        while not holds(page := self.page()):
            assert time.monotonic() < deadline, page.text
            time.sleep(0.1)
        return page


@contextlib.contextmanager
def scraped(upstream: str, data: Path, *arguments: str, **more: str) -> Iterator[ScrapedServer]:
    given = {
        "GATEWAY_HIKERAPI_URL": upstream,
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_DATA_DIR": str(data),
        "GATEWAY_METRICS": "127.0.0.1:0",
    }
    with running("serve", *arguments, **given, **more) as server:
        assert server.process.stdout is not None
        announcement = server.process.stdout.readline()
        assert announcement.endswith("/metrics\n")
        yield ScrapedServer(server, f"{address(announcement)}/metrics")
