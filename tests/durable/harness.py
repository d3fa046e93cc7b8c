"""What the contract is tested with: a world outside the flows, and engines that follow each other over one store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.durable.port import Body, Durable, Json, Record, Step
from gateway.errors import MediumRefused, UpstreamUnavailable
from gateway.events import Event

SOON = 20.0
ID = "web:1"


@dataclass
class World:
    """What is outside the flows: it remembers what was done to it, and can be told to fail or to be slow."""

    done: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    most_under_way: int = 0
    pause: float = 0.0
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)

    def gate(self, name: str) -> asyncio.Event:
        """The act of this name waits until it is opened."""
        self.reached[name] = asyncio.Event()
        return self.gates.setdefault(name, asyncio.Event())

    def step(self, name: str, medium: int | None = None, result: Json = None, patience: float = 60.0) -> Step:
        async def act() -> Json:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            try:
                return await self._do(name if medium is None else f"{name} {medium}", result)
            finally:
                self.under_way -= 1

        return Step(name, act, medium, patience)

    async def _do(self, name: str, result: Json) -> Json:
        self.done[name] += 1
        if name in self.gates:
            self.reached[name].set()
            await self.gates[name].wait()
        await asyncio.sleep(self.pause)
        if failures := self.failures.get(name):
            raise failures.pop(0)
        return result


@dataclass
class Lives:
    """Engines, one after the other, over one store."""

    make: Callable[[Callable[[Event], None]], Durable]
    clock: Clock
    bodies: dict[str, Body] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    engine: Durable | None = None

    async def begin(self, body: Body) -> Durable:
        self.bodies["body"] = body
        return await self.again()

    @property
    def current(self) -> Durable:
        assert self.engine is not None
        return self.engine

    async def again(self) -> Durable:
        """Ends the engine, whatever it is at, and launches the next."""
        await self.end()
        self.engine = self.make(self.events.append)
        for name, body in self.bodies.items():
            self.engine.define(name, body)
        await self.engine.launch()
        return self.engine

    async def end(self) -> None:
        if self.engine is not None:
            await self.engine.aclose()
            self.engine = None


async def ended(durable: Durable, id: str = ID) -> Record:
    record = await durable.wait(id, SOON)
    assert record is not None
    assert record.status.is_final, record
    return record


async def pruned(durable: Durable, older_than: float) -> None:
    """One flow, when it has quite stopped: it may have ended a moment before its engine knows."""
    async with asyncio.timeout(SOON):
        while await durable.prune(older_than) != 1:  # noqa: ASYNC110 (the event is the engine's own)
            await asyncio.sleep(0.02)


async def until(reached: asyncio.Event) -> None:
    async with asyncio.timeout(SOON):
        await reached.wait()


def refused() -> MediumRefused:
    return MediumRefused("The image is too large.", medium=1)


def down(retry_after: float | None = None) -> UpstreamUnavailable:
    return UpstreamUnavailable("The upstream is down.", retry_after=retry_after)


async def wait_for(durable: Durable, holds: Callable[[Record], bool], id: str = ID) -> Record:
    async with asyncio.timeout(SOON):
        async for record in durable.watch(id):
            if holds(record):
                return record
    raise AssertionError("the flow ended before")
