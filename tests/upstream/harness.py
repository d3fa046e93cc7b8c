"""An upstream at the wire: replies in the order given, every request kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, cast

import httpx
import msgspec

from gateway.domain.models import Highlight, Tray
from gateway.events import Event, UpstreamAttempt
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome, SharedRate
from gateway.upstream.client.client import Policy
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.client import HikerApi, connect
from tests.fakes.clock import VirtualClock

KEY = "k3y-that-must-never-be-seen"
RECORDED = Path(__file__).parent.parent / "recorded"
HIGHLIGHT = (RECORDED / "highlight_by_url.json").read_bytes()
TRAY = (RECORDED / "user_highlights.json").read_bytes()
TRAY_BY_USERNAME = (RECORDED / "user_highlights_by_username.json").read_bytes()
NATGEO = Call(endpoints.TRAY, "787132")
SALWA = Call(endpoints.HIGHLIGHT, "18085475671830440")
PROFILE = Call(endpoints.PROFILE, "787132")

Step = httpx.Response | Exception | Callable[[httpx.Request], Awaitable[httpx.Response]]
E = TypeVar("E", bound=Event)


def answer(status: int = 200, body: object = None, **headers: str) -> httpx.Response:
    """`body` is sent as JSON unless it is bytes. Underscores in header names stand for hyphens."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return httpx.Response(status, content=content, headers={k.replace("_", "-"): v for k, v in headers.items()})


class Upstream:
    """Plays `steps` one a request and repeats the last one for ever."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []
        self.events: list[Event] = []
        self.clock = VirtualClock()

    def api(
        self, *, rate: float | None = 1_000.0, policy: Policy | None = None, shared_rate: SharedRate | None = None
    ) -> HikerApi:
        return connect(
            base_url="https://hiker.test/",
            key=KEY,
            clock=self.clock,
            hook=self._note,
            rate=rate,
            transport=httpx.MockTransport(self._play),
            policy=policy or Policy(),
            shared_rate=shared_rate,
        )

    def seen(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def attempts(self) -> list[UpstreamAttempt]:
        return self.seen(UpstreamAttempt)

    def _note(self, event: Event) -> None:
        self.events.append(event)

    async def _play(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(self.clock.monotonic())
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        if isinstance(step, httpx.Response):
            return httpx.Response(step.status_code, content=step.content, headers=step.headers)
        return await step(request)


def tray_of(outcome: ReadOutcome) -> Tray:
    """Return the value of an outcome that is a tray."""
    assert isinstance(outcome.value, tuple)
    assert all(isinstance(entry, Highlight) for entry in outcome.value)
    return cast(Tray, outcome.value)
