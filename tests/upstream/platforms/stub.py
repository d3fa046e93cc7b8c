"""A publishing upstream at the wire: JSON after the contract, and every request kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import httpx
import msgspec

from gateway.domain.publishing import LinkedMedium, MediumKind
from gateway.events import Event
from gateway.upstream.platforms.client import PublishingPolicy
from gateway.upstream.platforms.dialects import STANDARD, Dialect, connect_publisher
from gateway.upstream.platforms.port import Highlights, MediaUploads, Quotas, Stories
from tests.fakes.clock import VirtualClock

TOKEN = "t0ken-that-must-never-be-seen"
NATGEO = "787132"
PICTURE = LinkedMedium("https://images.test/reef.jpg?sig=S3cret-signature", MediumKind.IMAGE)
FILM = LinkedMedium("https://images.test/reef.mp4", MediumKind.VIDEO)
SELF = {"id": NATGEO, "username": "natgeo", "media_count": 1}
KEY = "0f6f2b0e-6d0b-5b8e-9b53-9a7f6d1c2f11"
E = TypeVar("E", bound=Event)

Step = httpx.Response | Exception | Callable[[httpx.Request], Awaitable[httpx.Response]]


def answer(status: int = 200, body: object = None, **headers: str) -> httpx.Response:
    """`body` is sent as JSON unless it is bytes. Underscores in header names stand for hyphens."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return httpx.Response(status, content=content, headers={k.replace("_", "-"): v for k, v in headers.items()})


def problem(
    code: int | str | None,
    subcode: int | None = None,
    status: int = 400,
    *,
    is_transient: bool = False,
    type: str = "OAuthException",
    **headers: str,
) -> httpx.Response:
    """A refusal in the Platform API's envelope."""
    error: dict[str, Any] = {"message": "The upstream's own words", "type": type, "is_transient": is_transient}
    error |= {"code": code, "error_subcode": subcode, "fbtrace_id": "AxYz"}
    return answer(status, {"error": {k: v for k, v in error.items() if v is not None}}, **headers)


def highlight(pk: str = "17900000000000001", *media: int, **members: object) -> dict[str, object]:
    """As the read API tells one."""
    whole: dict[str, object] = {"pk": pk, "id": f"highlight:{pk}", "title": "Reef", "media_count": len(media)}
    return whole | {"media_ids": list(media), "items": []} | members


class FullPublisher(MediaUploads, Stories, Quotas, Highlights, Protocol):
    """All that a dialect may be able to do: a test calls what its dialect can."""


@dataclass
class Upstream:
    """Plays `steps` one a request and repeats the last one for ever; says whose token it is beside them."""

    steps: list[Step]
    dialect: Dialect = Dialect.PLATFORM
    policy: PublishingPolicy = STANDARD
    rate: float = 1_000.0
    whoami: Step = field(default_factory=lambda: answer(200, SELF))
    requests: list[httpx.Request] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)
    asked_self: int = 0

    def publisher(self) -> FullPublisher:
        publisher = connect_publisher(
            dialect=self.dialect,
            base_url="https://platform.test/",
            token=TOKEN,
            clock=self.clock,
            hook=self.events.append,
            transport=httpx.MockTransport(self._play),
            policy=self.policy,
            rate=self.rate,
        )
        return cast(FullPublisher, publisher)

    def seen(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def sent(self) -> Any:
        """The JSON of the latest request."""
        return msgspec.json.decode(self.requests[-1].content)

    async def _play(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.url.path in ("/users/self", "/account"):
            self.asked_self += 1
            return await _act(self.whoami, request)
        self.requests.append(request)
        self.times.append(self.clock.monotonic())
        return await _act(self.steps.pop(0) if len(self.steps) > 1 else self.steps[0], request)


async def _act(step: Step, request: httpx.Request) -> httpx.Response:
    if isinstance(step, Exception):
        raise step
    if isinstance(step, httpx.Response):
        return httpx.Response(step.status_code, content=step.content, headers=step.headers)
    return await step(request)


def upstream(*steps: Step, **options: Any) -> Upstream:
    return Upstream(list(steps), **options)
