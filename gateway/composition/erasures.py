"""The requests about persons' data in one process: their routes, and the work on them.

A gateway on SQLite opens their store when there is one: most gateways never get such a request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.routing import Route

from gateway.clock import Clock, until_first
from gateway.composition import record_stores
from gateway.composition.background import background
from gateway.control.port import RecordedErasure
from gateway.erasure.requests import DataRequest, Person, RequestsUnavailable
from gateway.errors import AccountsUnavailable
from gateway.http.routes.data_requests import DataRequestRoutes, SignedRequest
from gateway.settings import SQLITE

if TYPE_CHECKING:
    from gateway.composition.app import Gateway
    from gateway.composition.control import Control
    from gateway.composition.erasure_steps import ErasureParts

POLL_SECONDS = 5.0


class Erasures:
    """The requests of one process. `control` empties its caches, and those of the other workers."""

    def __init__(self, gateway: Gateway, control: Control, clock: Clock) -> None:
        self._gateway = gateway
        self._control = control
        self._clock = clock
        self._started_at = clock.now()
        self._parts: ErasureParts | None = None
        self._begins = asyncio.Lock()
        self._opened = asyncio.Event()
        settings = gateway.settings
        self._routes = DataRequestRoutes(
            settings.platform_app_secret, settings.public_url or gateway.url, self._add, self.find, clock=clock
        )

    def routes(self) -> list[Route]:
        return self._routes.routes()

    def problems(self) -> dict[str, str]:
        problem = None if self._parts is None else self._parts.runner.problem
        return {} if problem is None else {"erasures": problem}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with background(self._run):
                yield
        finally:
            if self._parts is not None:
                await self._parts.aclose()

    async def find(self, code: str) -> DataRequest | None:
        """Return a request by its code. Raise RequestsUnavailable."""
        if self._parts is None and not self._is_in_use():
            return None
        parts = await self._begun()
        return await parts.guarded(partial(parts.store.find, code))

    async def request(self, user: str, client: str) -> RecordedErasure:
        try:
            parts = await self._begun()
            found = await parts.requested(Person((user,)), f"client {client}")
        except RequestsUnavailable as error:
            raise AccountsUnavailable("The erasure cannot be recorded now: retry later.") from error
        parts.runner.wake()
        return RecordedErasure(found.code, self._routes.page_of(found.code), found.requested_at)

    async def _add(self, request: SignedRequest) -> DataRequest:
        parts = await self._begun()
        given = request.kind, Person((request.user_id,)), "platform", request.digest, request.issued_at
        found = await parts.guarded(partial(parts.store.add, *given))
        parts.runner.wake()
        return found

    async def _run(self) -> None:
        while self._parts is None and not self._is_in_use():
            await until_first(self._opened.wait(), self._clock.sleep(POLL_SECONDS))
        await (await self._begun()).runner.run()

    def _is_in_use(self) -> bool:
        """Return whether there may be requests: in PostgreSQL, or in a file that some process has made."""
        if not self._gateway.settings.flows_url.startswith(SQLITE):
            return True
        return Path(self._gateway.settings.data_dir / record_stores.FILES["erasures"]).exists()

    async def _begun(self) -> ErasureParts:
        async with self._begins:
            if self._parts is None:
                from gateway.composition.erasure_steps import ErasureParts  # it imports the databases

                self._parts = ErasureParts(self._gateway, self._control, self._clock, self._started_at)
                self._opened.set()
        return self._parts
