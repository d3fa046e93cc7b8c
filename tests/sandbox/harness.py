"""What the sandbox's tests stand on: a clock that only moves when told, and a client that stays in-process."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette

from gateway.sandbox import Sandbox

NOON = 1_790_000_040.0  # a whole minute, so that signed expiries come out exact
KEY = {"x-access-key": "sandbox"}
ORIGIN = "http://sandbox.test"


class SteppedClock:
    """Sleeping moves it, and so does a test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return NOON + self.seconds

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def client_of(app: Starlette, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=KEY if headers is None else headers)


def held(app: Starlette) -> Sandbox:
    sandbox: Sandbox = app.state.sandbox
    return sandbox
