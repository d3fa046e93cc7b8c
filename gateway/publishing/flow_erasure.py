"""The flows of a person: how they are found, ended and erased."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.domain.id_mentions import IdMentions
from gateway.durable.port import Durable, Json, Record, Status
from gateway.publishing.presenter import command_of
from gateway.uploads.spool import Spool

BATCH = 100


class PersonFlows:
    """The flows of a person with these ids. Methods raise FlowsUnavailable.

    An erasure concerns those that mention one of the ids, in their input, result, progress or error.
    """

    def __init__(self, durable: Durable, spool: Spool, ids: Sequence[str]) -> None:
        self._durable = durable
        self._spool = spool
        self._ids = frozenset(ids)
        self._mentions = IdMentions(ids)

    async def cancel(self) -> None:
        """End those that run for an account with one of the ids, each after its present step."""
        await self._end(await self._found(lambda record: record.input["account"] in self._ids))

    async def erase(self) -> bool:
        """End and delete them with their files. Return whether none is left: one whose step goes on is."""
        found = await self._found(lambda record: self._mentions.in_json(_content(record)))
        await self._end(found)
        for record in found:
            for sha256 in command_of(record).files:
                await self._spool.release(sha256, record.id)
        return await self._durable.erase([record.id for record in found])

    async def _end(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.status is Status.RUNNING:
                await self._durable.cancel(record.id)

    async def _found(self, concerns: Callable[[Record], bool]) -> list[Record]:
        found, last = list[Record](), None
        while batch := await self._durable.list(limit=BATCH, before=last):
            found += [record for record in batch if concerns(record)]
            last = batch[-1].id
        return found


def _content(record: Record) -> Json:
    faults = [step.fault.message for step in record.steps if step.fault is not None]
    faults += [] if record.fault is None else [record.fault.message]
    return [record.input, record.output, dict(record.notes), {"message": faults}, record.id]
