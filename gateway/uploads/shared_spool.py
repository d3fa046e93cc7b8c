"""The spool of several hosts: the directory of each, and object storage for what flows hold.

A request's files are checked and normalized in the directory. When a flow is to hold one, its content is put into
object storage, as `flows/HOLDER/SHA256`; whichever host runs the flow fetches it from there. Each flow has an object
of its own for each file, so that an object has one holder, and no two hosts can disagree on whether it is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import FlowsUnavailable
from gateway.uploads.object_storage import Objects
from gateway.uploads.spool import GRACE, LARGEST, TOTAL, Spool

FOLDER = "flows"
DELETED_AT_ONCE = 500
# A download that was cut is begun again so often.
ATTEMPTS = 3


class SharedSpool(Spool):
    """A spool whose flows may run on another host. Methods also raise FlowsUnavailable if the storage fails."""

    def __init__(
        self, directory: Path, objects: Objects, clock: Clock, *, total: int = TOTAL, largest: int = LARGEST
    ) -> None:
        super().__init__(directory, total=total, largest=largest)
        self._objects = objects
        self._clock = clock
        self._fetching: dict[tuple[str, str], asyncio.Lock] = {}

    async def hold(self, sha256: str, holder: str) -> None:
        await super().hold(sha256, holder)
        if not await self._objects.exists(_name(sha256, holder)):
            await self._objects.put(_name(sha256, holder), self.path(sha256))

    async def release(self, sha256: str, holder: str) -> None:
        await super().release(sha256, holder)
        await self._objects.delete([_name(sha256, holder)])

    async def fetch(self, sha256: str, holder: str) -> Path | None:
        lock = self._fetching.setdefault((sha256, holder), asyncio.Lock())
        try:
            async with lock:
                if (found := await super().fetch(sha256, holder)) is not None:
                    return found
                return await self._downloaded(sha256, holder)
        finally:
            self._fetching.pop((sha256, holder), None)

    async def sweep(self, keep: Collection[str], *, grace: float = GRACE) -> int:
        count = await super().sweep(keep, grace=grace)
        old, flows = self._clock.now() - grace, frozenset(keep)
        unneeded = [name async for name in self._names(old) if name.split("/")[1] not in flows]
        for begin in range(0, len(unneeded), DELETED_AT_ONCE):
            await self._objects.delete(unneeded[begin : begin + DELETED_AT_ONCE])
        return count + len(unneeded)

    async def _names(self, before: float) -> AsyncIterator[str]:
        """Yield the names of all objects that were put before that time."""
        async for entry in self._objects.entries(FOLDER):
            if entry.modified_at <= before:
                yield entry.name

    async def _downloaded(self, sha256: str, holder: str) -> Path | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self.adopt(self._objects.read(_name(sha256, holder)), sha256, holder)
                return self.path(sha256)
            except FileNotFoundError:
                return None
            except FlowsUnavailable:
                if attempt == ATTEMPTS:
                    raise
            await self._clock.sleep(attempt)
        raise AssertionError("the last attempt has ended")


def _name(sha256: str, holder: str) -> str:
    return f"{FOLDER}/{holder}/{sha256}"
