"""Publishing accounts and their tokens, which are also the session ids of the other dialect."""

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
# The minimum age of a token to be refreshed, and the lifetime of the new token, in seconds.
OLD_ENOUGH = DAY
LIFETIME = 5_183_944.0
RANDOM_BYTES = 24


@dataclass(frozen=True, slots=True)
class Grant:
    """A token. Times are Unix time; a configured token counts as old enough, and does not expire."""

    pk: int
    since: float = 0.0
    until: float = float("inf")


class Accounts:
    """The accounts. `tokens` map a token to a user pk. Raises ValueError for an unknown pk."""

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
        """Return the account of a token. Raises WriteError."""
        return self.named(str(self._grant(token).pk))

    def refreshed(self, token: str) -> str:
        """Return a new token of the same account; the old one remains valid. Raises WriteError."""
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
        """Return the user `id`, whose content the caller may read: public or the caller's own. Raises WriteError."""
        user = caller if id == SELF else self.named(id)
        if user.is_private and user.pk != caller.pk:
            raise WriteError(PERMISSION)
        return user

    def own(self, caller: User, id: str) -> User:
        """Return the caller. Raises WriteError if `id` is another user."""
        user = caller if id == SELF else self.named(id)
        if user.pk != caller.pk:
            raise WriteError(PERMISSION)
        return user

    def named(self, id: str) -> User:
        """Return the user `id`. Raises WriteError."""
        user = self._world.user_by_pk(int(id)) if id.isascii() and id.isdigit() and len(id) <= 20 else None
        if user is None:
            raise WriteError(MISSING)
        return user
