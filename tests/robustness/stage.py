"""The gateway in-process and in virtual time, so that a hanging upstream costs a test nothing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from gateway.app import create_app
from gateway.planner.ledger_file import LedgerFile
from gateway.sandbox import Sandbox
from gateway.settings import Settings
from tests.fakes.clock import VirtualClock

DOCS = Path(__file__).parents[2] / "docs"
ORIGIN = "http://gateway.test"
BUG = "INTERNAL_SERVER_ERROR"


class Stage:
    def __init__(self, app: Starlette, client: httpx.AsyncClient) -> None:
        self.client = client
        sandboxes: list[Any] = [route.app for route in app.routes if isinstance(route, Mount)]
        self.sandbox: Sandbox = sandboxes[0].state.sandbox

    async def post(self, query: str, variables: dict[str, Any] | None = None) -> httpx.Response:
        return await self.client.post("/graphql", json={"query": query, "variables": variables or {}})

    async def ready(self) -> httpx.Response:
        return await self.client.get("/readyz")

    @property
    def calls(self) -> int:
        """Without the free reads of the balance."""
        return self.sandbox.meter.total_calls - self.sandbox.meter.calls["/sys/balance"]


@contextlib.asynccontextmanager
async def staged(settings: Settings) -> AsyncIterator[Stage]:
    app = create_app(settings, clock=VirtualClock(), base_url=ORIGIN)
    # What the app raises is a failure of the test, not a status.
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=1e6) as client,
    ):
        yield Stage(app, client)


def codes_of(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors", ())]


def documented_codes() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "errors.md").read_text(), re.MULTILINE))


def spent(folder: Path) -> dict[str, int]:
    """Billed requests by endpoint, as the ledger of that data directory has them."""
    with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as file:
        return {row.endpoint: row.billed for row in file.report(date.min, date.max, None)}
