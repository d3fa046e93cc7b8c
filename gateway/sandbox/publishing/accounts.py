"""Who may publish: the accounts behind the tokens, which are the session ids of the other dialect as well."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.sandbox.entities import User
from gateway.sandbox.publishing.containers import DAY
from gateway.sandbox.publishing.problems import INVALID, MISSING, PERMISSION, TOKEN_EXPIRED, TOKEN_INVALID, WriteError
from gateway.sandbox.world import World

SELF = "self"
# How old a token has to be to be refreshed, and how long what is given for it lives, in seconds.
OLD_ENOUGH = DAY
LIFETIME = 5_183_944.0
RANDOM_BYTES = 24


@dataclass(frozen=True, slots=True)
class Grant:
    """Times are Unix time; what was configured is as old as need be, and does not expire."""

    pk: int
    since: float = 0.0
    until: float = float("inf")


class Accounts:
    """`tokens` are token -> user pk. Raises ValueError for a pk that the world does not have."""

    def __init__(self, world: World, tokens: Mapping[str, int], clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._configured = {token: Grant(pk) for token, pk in tokens.items()}
        self._grants = dict(self._configured)
        if unknown := [pk for pk in tokens.values() if world.user_by_pk(pk) is None]:
            raise ValueError(f"no such users: {unknown}")

    def clear(self) -> None:
        self._grants = dict(self._configured)

    def of(self, token: str) -> User:
        """Raises Denied."""
        return self.named(str(self._grant(token).pk))

    def refreshed(self, token: str) -> str:
        """Another token of the same account. The old one stays what it is. Raises Denied."""
        grant, now = self._grant(token), self._clock.now()
        if now - grant.since < OLD_ENOUGH:
            raise WriteError(INVALID, "The token must be at least 24 hours old")
        fresh = secrets.token_urlsafe(RANDOM_BYTES)
        self._grants[fresh] = Grant(grant.pk, now, now + LIFETIME)
        return fresh

    def _grant(self, token: str) -> Grant:
        grant = self._grants.get(token)
        if grant is None:
            raise WriteError(TOKEN_INVALID)
        if grant.until <= self._clock.now():
            raise WriteError(TOKEN_EXPIRED)
        return grant

    def seen(self, caller: User, id: str) -> User:
        """Whose public things, or own ones, the caller may read. Raises Denied."""
        user = caller if id == SELF else self.named(id)
        if user.is_private and user.pk != caller.pk:
            raise WriteError(PERMISSION)
        return user

    def own(self, caller: User, id: str) -> User:
        """Raises Denied for anybody else."""
        user = caller if id == SELF else self.named(id)
        if user.pk != caller.pk:
            raise WriteError(PERMISSION)
        return user

    def named(self, id: str) -> User:
        """Raises Denied."""
        user = self._world.user_by_pk(int(id)) if id.isascii() and id.isdigit() and len(id) <= 20 else None
        if user is None:
            raise WriteError(MISSING)
        return user
