"""The flows of a person: how they are found, ended and erased."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from gateway.durable.port import Durable, Record, Status
from gateway.publishing.presenter import command_of
from gateway.uploads.spool import Spool

BATCH = 100


class PersonFlows:
    """The flows that mention one of these ids, in their input, result, progress or error. Raise FlowsUnavailable."""

    def __init__(self, durable: Durable, spool: Spool, ids: Sequence[str]) -> None:
        self._durable = durable
        self._spool = spool
        self._mentions = re.compile(rf"(?<![0-9])(?:{'|'.join(map(re.escape, ids))})(?![0-9])")

    async def cancel(self) -> int:
        """End those that run, each after its present step, and return how many there were."""
        running = [record for record in await self._found() if record.status is Status.RUNNING]
        for record in running:
            await self._durable.cancel(record.id)
        return len(running)

    async def erase(self) -> bool:
        """End and delete them with their files. Return whether none is left: one whose step goes on is."""
        await self.cancel()
        found = await self._found()
        for record in found:
            for sha256 in command_of(record).files:
                await self._spool.release(sha256, record.id)
        return await self._durable.erase([record.id for record in found])

    async def _found(self) -> list[Record]:
        found, last = list[Record](), None
        while batch := await self._durable.list(limit=BATCH, before=last):
            found += [record for record in batch if self._mentions.search(_text(record))]
            last = batch[-1].id
        return found


def _text(record: Record) -> str:
    faults = [step.fault.message for step in record.steps if step.fault is not None]
    faults += [] if record.fault is None else [record.fault.message]
    return json.dumps([record.input, record.output, dict(record.notes), faults, record.id], ensure_ascii=False)
