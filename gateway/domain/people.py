"""Objects that name people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.users import UserSummary


class NamesUser(Protocol):
    @property
    def user(self) -> UserSummary: ...


class WithPeople(Protocol):
    """An answered object that names people."""

    @property
    def author(self) -> UserSummary | None: ...
    @property
    def mentions(self) -> Sequence[NamesUser]: ...
    @property
    def sponsors(self) -> Sequence[UserSummary] | None: ...
