"""The reading gateway in-process and in virtual time, so that a hanging upstream costs a test nothing.

It holds no account to publish for: the engine of the flows has threads of its own, which know no virtual time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from gateway.billing.ledger_file import LedgerFile
from gateway.composition.app import create_app
from gateway.sandbox import Sandbox, create_sandbox
from gateway.sandbox.faults import Fault
from gateway.settings import Settings
from tests.fakes.clock import VirtualClock

DOCS = Path(__file__).parents[2] / "docs"
ORIGIN = "http://gateway.test"
BUG = "INTERNAL_SERVER_ERROR"


class Stage:
    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.client = client
        self.sandbox = sandbox

    async def post(self, query: str, variables: dict[str, Any] | None = None) -> httpx.Response:
        return await self.client.post("/graphql", json={"query": query, "variables": variables or {}})

    async def ready(self, *, strict: bool = False) -> httpx.Response:
        return await self.client.get("/readyz?strict" if strict else "/readyz")

    @property
    def calls(self) -> int:
        """Without the free reads of the balance."""
        return self.sandbox.meter.total_calls - self.sandbox.meter.calls["/sys/balance"]


@contextlib.asynccontextmanager
async def staged(settings: Settings, *, laid: Fault | None = None) -> AsyncIterator[Stage]:
    """`laid` is there before the gateway starts."""
    clock = VirtualClock()
    upstream = create_sandbox(clock=clock, base_url=f"{ORIGIN}/sandbox")
    if laid is not None:
        upstream.state.sandbox.faults.lay(laid)
    settings = dataclasses.replace(settings, hikerapi_key="sandbox")
    app = create_app(settings, transport=httpx.ASGITransport(upstream), clock=clock, base_url=ORIGIN)
    # What the app raises is a failure of the test, not a status.
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=1e6) as client,
    ):
        yield Stage(upstream.state.sandbox, client)


def codes_of(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors", ())]


def documented_codes() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "errors.md").read_text(), re.MULTILINE))


def spent(folder: Path) -> dict[str, int]:
    """Billed requests by endpoint, as the ledger of that data directory has them."""
    with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as file:
        return {row.endpoint: row.billed for row in file.report(date.min, date.max, None)}
