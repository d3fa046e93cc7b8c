"""The formats of incremental delivery: graphql-core produces v0.2, which is converted to v0.1 where asked for.

In v0.2 a payload announces pending fragments and lists, later payloads refer to them by id, and completed ones are
listed separately. In v0.1, which Apollo's clients name `deferSpec=20220824`, each entry has the path of its data, and a
fragment is complete once an entry with its path and label has been sent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.http.negotiation import Incremental
from gateway.http.transports.operation_stream import Payload

Path: TypeAlias = tuple[str | int, ...]
Entry: TypeAlias = dict[str, Any]
ONLY_V0_2 = frozenset({"pending", "incremental", "completed"})


async def in_form(form: Incremental, payloads: AsyncGenerator[Payload, None]) -> AsyncGenerator[Payload, None]:
    """Yield `payloads`, which are in v0.2, in the given format."""
    by_path = ByPath()
    async with aclosing(payloads):
        async for payload in payloads:
            yield by_path.payload(payload) if form is Incremental.V0_1 else payload


@dataclass(slots=True)
class Pending:
    """A pending fragment, or a list of which `length` items have been delivered."""

    path: Path
    label: str | None
    length: int | None = None

    def entry(self, below: Sequence[str | int] = (), *, labelled: bool = True, **members: Any) -> Entry:
        label = {"label": self.label} if labelled and self.label is not None else {}
        return {**members, "path": [*self.path, *below], **label}


class Delivered:
    """The data of one payload, by path."""

    def __init__(self) -> None:
        self._values: dict[Path, list[Any]] = {}

    def add(self, path: Path, value: Any) -> None:
        self._values.setdefault(path, []).append(value)

    def length(self, path: Path) -> int | None:
        """Return the length of the list at a path; None if there is no list."""
        for depth in range(len(path), -1, -1):
            for value in self._values.get(path[:depth], ()):
                if isinstance(found := _below(value, path[depth:]), list):
                    return len(found)
        return None


class ByPath:
    """A converter of payloads from v0.2 to v0.1. It must get the payloads of one operation in order."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}

    def payload(self, payload: Payload) -> Payload:
        announced = {one["id"]: Pending(tuple(one["path"]), one.get("label")) for one in payload.get("pending", ())}
        self._pending |= announced
        delivered = Delivered()
        if "data" in payload:
            delivered.add((), payload["data"])
        completed = {one["id"]: one.get("errors") for one in payload.get("completed", ())}
        parts = payload.get("incremental", ())
        entries = [self._part(part, delivered, completed) for part in parts]
        for pending in announced.values():
            if pending.length is None:
                pending.length = delivered.length(pending.path)
        entries += self._completions(completed, delivered_ids={part["id"] for part in parts if not part.get("subPath")})
        others = {name: value for name, value in payload.items() if name not in ONLY_V0_2}
        return {**others, "incremental": entries} if entries else others

    def _part(self, part: Mapping[str, Any], delivered: Delivered, completed: Mapping[str, Any]) -> Entry:
        pending = self._pending[part["id"]]
        errors = {"errors": part["errors"]} if part.get("errors") else {}
        if "items" in part:
            return self._items(pending, part["items"], delivered) | errors
        below = part.get("subPath", ())
        delivered.add((*pending.path, *below), part["data"])
        labelled = not below and part["id"] in completed
        return pending.entry(below, labelled=labelled, data=part["data"], **errors)

    def _items(self, pending: Pending, items: Sequence[Any], delivered: Delivered) -> Entry:
        first = delivered.length(pending.path) or 0 if pending.length is None else pending.length
        pending.length = first + len(items)
        for index, item in enumerate(items, first):
            delivered.add((*pending.path, index), item)
        return pending.entry([first], items=items)

    def _completions(self, completed: Mapping[str, Any], delivered_ids: set[str]) -> Iterator[Entry]:
        """Yield the entries of failures, and of completed fragments whose data came with other entries."""
        for id_, errors in completed.items():
            pending = self._pending.pop(id_)
            if pending.length is not None:
                if errors:
                    yield pending.entry([pending.length], items=None, errors=errors)
            elif errors:
                yield pending.entry(data=None, errors=errors)
            elif id_ not in delivered_ids:
                yield pending.entry(data={})


def _below(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value
