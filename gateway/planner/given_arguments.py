"""Arguments of selections, in the form that the collector reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.domain.ids import EntityId, UserId, UserKey
from gateway.domain.searches import SearchQuery, user_search


def key_in(by: object) -> Mapping[str, Any]:
    """Return the argument of a key; without a name if it is no valid one."""
    if isinstance(by, Mapping):
        return by
    return {"id": by} if isinstance(by, str) else {}


def list_of(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def list_subject(key: UserKey | EntityId, searched: SearchQuery | None) -> UserKey | EntityId:
    """Return the subject of a list of `key`: a search in it is a list of its own."""
    return user_search(key, searched) if searched is not None and isinstance(key, UserId) else key
