"""The vendor's three documented responses, served as they are; their shortened URLs are not valid."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec

from gateway.sandbox.entities import User
from gateway.sandbox.fixture_users import NATGEO, SALWAAA, SALWAAA_HIGHLIGHT

Json = dict[str, Any]


class Recordings:
    """Recorded responses, raw and decoded, because other responses are derived from them."""

    def __init__(self) -> None:
        self._by_id = _read("user_highlights.json")
        self._by_name = _read("user_highlights_by_username.json")
        self._by_url = _read("highlight_by_url.json")

    def tray(self, user: User, *, by_name: bool) -> bytes | None:
        """Return the recorded tray of a user, by name or by id; the two differ in their URLs' hosts."""
        if user.pk == NATGEO.pk:
            return self._by_name if by_name else self._by_id
        if user.pk == SALWAAA.pk:
            return msgspec.json.encode([self._salwaaa_entry()])
        return None

    def highlight(self, pk: int) -> bytes | None:
        return self._by_url if pk == SALWAAA_HIGHLIGHT else None

    def item(self, pk: int) -> Json | None:
        items: list[Json] = msgspec.json.decode(self._by_url)["items"]
        return next((item for item in items if item["pk"] == str(pk)), None)

    def _salwaaa_entry(self) -> Json:
        """Return the recorded highlight in its list form: nothing loaded, and the date with `Z`."""
        highlight: Json = msgspec.json.decode(self._by_url)
        created_at = highlight["created_at"].replace("+00:00", "Z")
        return highlight | {"created_at": created_at, "media_ids": [], "items": []}


@cache
def _read(name: str) -> bytes:
    return (resources.files("gateway.sandbox") / "recorded" / name).read_bytes()
