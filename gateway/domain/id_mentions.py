"""The mentions of a person in recorded data, by one of their ids."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Digits from which an id is found anywhere: a shorter number may be a position, a time or a word of a title.
LONG = 5
TEXTS = frozenset({"title", "message", "warnings"})


class IdMentions:
    """The mentions of these ids in JSON.

    An id of at least LONG digits is found anywhere, as a whole number. A shorter one is found where a value is an id:
    `ID`, `<x>_ID` or `<kind>:ID`, except in free text, or a number under a key that names an id.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        long = [re.escape(id) for id in ids if len(id) >= LONG]
        short = [re.escape(id) for id in ids if len(id) < LONG]
        self._long = re.compile(rf"(?<![0-9])(?:{'|'.join(long)})(?![0-9])") if long else None
        self._short = re.compile(rf"(?:[0-9]+_|[a-z_]+:)?(?:{'|'.join(short)})") if short else None

    def in_json(self, value: Any) -> bool:
        """Return whether one of the ids is in a value of JSON."""
        if self._long is not None and self._long.search(json.dumps(value, ensure_ascii=False)):
            return True
        short = self._short
        return short is not None and any(short.fullmatch(text) for text in _ids_in(value))


def _ids_in(value: Any) -> Iterator[str]:
    """Yield all values that may be ids."""
    waiting = [("", value)]
    while waiting:
        key, one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += one.items()
        elif isinstance(one, list | tuple):
            waiting += ((key, each) for each in one)
        elif isinstance(one, str) and key not in TEXTS:
            yield one
        elif isinstance(one, int) and (key in ("id", "pk") or key.endswith("_id")):
            yield str(one)
