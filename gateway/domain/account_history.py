"""The frozen model of what the platform tells of an account's history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import field

from gateway.domain.users import Model


class AccountHistory(Model, frozen=True, gc=False):
    """The history of an account, as texts of the platform."""

    country: str | None = None
    joined_on: str | None = field(name="date", default=None)
    former: tuple[str, ...] | str | None = field(name="former_usernames", default=None)

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"former_usernames": ("former",)}
    # An answer is a list of one history.
    id: ClassVar[str] = "history"

    @property
    def former_usernames(self) -> tuple[str, ...] | None:
        return (self.former,) if isinstance(self.former, str) else self.former
