"""The embedded upstream, which was written from the same contract by other hands, and a publisher that talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import NAMESPACE_OID, uuid5

import httpx
import pytest

from gateway.clock import Clock
from gateway.domain.publishing import ContainerState, LinkedMedium, MediumKind, Source, Story
from gateway.errors import GatewayError
from gateway.events import Event, ResponseSchemaMismatch
from gateway.sandbox import MovableClock, Sandbox, create_sandbox
from gateway.sandbox.faults import AnyFault
from gateway.upstream.platforms.client import PublishingPolicy
from gateway.upstream.platforms.dialects import Dialect, connect_publisher
from tests.fakes.clock import VirtualClock
from tests.upstream.platforms.stub import NATGEO, FullPublisher

BASE = "http://gateway.test/sandbox"
LINK = LinkedMedium("https://images.example.com/reef.jpg", MediumKind.IMAGE)
BOTH = pytest.mark.parametrize("dialect", Dialect)
PLATFORM = pytest.mark.parametrize("dialect", [Dialect.PLATFORM])


class House:
    """A sandbox with one publisher, and what became of its requests."""

    def __init__(self, dialect: Dialect, *, clock: Clock | None = None, quota: int = 50) -> None:
        self.dialect = dialect
        self.clock = MovableClock(clock or VirtualClock())
        app = create_sandbox(clock=self.clock, base_url=BASE, quota=quota)
        self.transport = httpx.ASGITransport(app)
        self.sandbox: Sandbox = app.state.sandbox
        self.events: list[Event] = []
        self.publisher = self.connect()

    def connect(self, token: str = "sandbox") -> FullPublisher:
        publisher = connect_publisher(
            dialect=self.dialect,
            base_url=f"http://sandbox.test/{self.dialect.value}",
            token=token,
            clock=self.clock,
            hook=self.events.append,
            transport=self.transport,
            policy=PublishingPolicy(deadline=20.0),
        )
        return cast(FullPublisher, publisher)

    @property
    def drift(self) -> list[Event]:
        return [event for event in self.events if isinstance(event, ResponseSchemaMismatch)]

    def lay(self, *faults: AnyFault) -> None:
        self.sandbox.faults.lay(*faults)

    async def story(self, source: Source, key: str) -> Story:
        """As a flow makes one, by what the dialect can do."""
        container = await self.publisher.upload(NATGEO, source, key=key_of(f"upload {key}"))
        while container.state is ContainerState.IN_PROGRESS:
            await self.clock.sleep(container.retry_after or 1.0)
            container = await self.publisher.container(NATGEO, container.id)
        assert container.problem is None
        return container.story or await self.publisher.publish(NATGEO, container.id, key=key_of(f"publish {key}"))


@contextmanager
def refused(error: type[GatewayError]) -> Iterator[None]:
    with pytest.raises(GatewayError) as caught:
        yield
    assert type(caught.value) is error


def key_of(name: str) -> str:
    """The contract has them be UUIDs."""
    return str(uuid5(NAMESPACE_OID, name))
