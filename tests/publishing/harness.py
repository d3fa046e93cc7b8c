"""The gateway's write side, with the parts a test turns."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.domain.publishing import EntityRef, MediumKind, Traits
from gateway.events import Event
from gateway.publishing.commands import CreateHighlight, MediumSpec
from gateway.publishing.context import EntityChanged
from gateway.publishing.owners import owner_of
from gateway.publishing.phases import FlowState
from gateway.publishing.service import Publishing
from gateway.publishing.views import WorkflowView
from gateway.publishing.write import CachedEntry
from gateway.queue_place import GATEWAY
from tests.fakes.clock import VirtualClock
from tests.fakes.durable import VolatileDurable
from tests.fakes.publisher import IDEMPOTENT, MemoryPublisher

ACCOUNT = "787132"
CLIENT = "shop"
WEEK = 7 * 86_400.0
ENDED = (FlowState.DONE, FlowState.FAILED, FlowState.CANCELLED)


class Folder:
    """Files by hash, as long as somebody holds them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held: dict[str, set[str]] = {}

    def add(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.path(sha256).write_bytes(data)
        return sha256

    def path(self, sha256: str) -> Path:
        return self._path / sha256

    async def fetch(self, sha256: str, holder: str) -> Path | None:
        return self.path(sha256) if self.path(sha256).exists() else None

    async def hold(self, sha256: str, holder: str) -> None:
        self.held.setdefault(sha256, set()).add(holder)

    async def release(self, sha256: str, holder: str) -> None:
        holders = self.held.get(sha256, set())
        holders.discard(holder)
        if not holders:
            self.path(sha256).unlink(missing_ok=True)


class House:
    """A gateway with a publishing upstream in memory.

    `crash_at` kills the gateway when the upstream is at that moment of that call; `settle` starts it again until all
    flows have ended. The client may no longer publish for the accounts in `withdrawn`.
    """

    def __init__(
        self,
        directory: Path,
        traits: Traits = IDEMPOTENT,
        seed: int = 0,
        engine: type[VolatileDurable] = VolatileDurable,
    ) -> None:
        self.clock = VirtualClock()
        self.events: list[Event] = []
        self.changes: list[EntityChanged] = []
        self.files = Folder(directory)
        self.durable = engine(self.clock, self.events.append, seed)
        self.upstream = MemoryPublisher(self.clock, traits)
        self.crashes = 0
        self.withdrawn: set[str] = set()
        self._moments: dict[tuple[str, str], list[Callable[[], None]]] = {}
        self.upstream.trouble = self._at
        self.publishing = Publishing(
            self.durable,
            self.upstream,
            self.files,
            clock=self.clock,
            hook=self.events.append,
            on_change=self.changes.append,
            rng=random.Random(seed),
            may_write=lambda owner, right, account: owner == owner_of(CLIENT) and account not in self.withdrawn,
            queue_client=lambda owner: GATEWAY,
        )

    async def __aenter__(self) -> House:
        await self.start()
        return self

    async def start(self) -> None:
        self.is_down = False
        await self.durable.launch()

    async def __aexit__(self, *exc: object) -> None:
        await self.durable.aclose()

    def speak(self, traits: Traits) -> None:
        self.upstream.speak(traits)

    def at(self, call: str, moment: str, *acts: Callable[[], None]) -> None:
        """One act for each time that the upstream comes there."""
        self._moments.setdefault((call, moment), []).extend(acts)

    def fail_at(self, call: str, moment: str, *errors: Exception) -> None:
        self.at(call, moment, *(_raising(error) for error in errors))

    def recover(self) -> None:
        """Whatever was to happen happens no more."""
        self._moments.clear()

    def crash(self) -> None:
        self.crashes += 1
        self.is_down = True
        self.durable.crash()

    async def create(self, *media: MediumSpec | str, key: str = "k", **order: Any) -> WorkflowView:
        order = {"title": "Trip", **order}
        media_orders = tuple(link(one) if isinstance(one, str) else one for one in media)
        return await self.publishing.begin(
            CLIENT, CreateHighlight(account=ACCOUNT, media=media_orders, **order), key=key
        )

    async def end(self, id: str) -> WorkflowView:
        """Its receipt once it has ended; the gateway is started again whenever it was killed."""
        for _ in range(3000):
            receipt = await self.publishing.wait(CLIENT, id, 30.0)
            if receipt.state in ENDED:
                return receipt
            if self.is_down:
                await self.start()
        raise AssertionError(f"it does not end: {receipt}")

    async def made(self, *media: MediumSpec | str, **order: Any) -> WorkflowView:
        return await self.end((await self.create(*media, **order)).id)

    def _at(self, call: str, moment: str) -> None:
        if waiting := self._moments.get((call, moment)):
            waiting.pop(0)()


def changed(pk: str | None) -> EntityChanged:
    """What a write of that highlight tells the cache."""
    entity = None if pk is None else EntityRef("Highlight", pk)
    return EntityChanged(ACCOUNT, entity, frozenset(CachedEntry))


def _raising(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def link(name: str) -> MediumSpec:
    return MediumSpec(url=name if "://" in name else f"https://example.com/{name}.jpg")


def clip(name: str) -> MediumSpec:
    return MediumSpec(url=f"https://example.com/{name}.mp4", kind=MediumKind.VIDEO)
