"""Publishing accounts and their tokens, which are also the session ids of the other dialect."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.sandbox.entities import User
from gateway.sandbox.publishing.containers import DAY
from gateway.sandbox.publishing.permissions import ALL, Permission
from gateway.sandbox.publishing.problems import (
    INVALID,
    MISSING,
    PERMISSION,
    SCOPE,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    Problem,
    WriteError,
)
from gateway.sandbox.world import World

SELF = "self"
# The minimum age of a token to be refreshed, and the lifetimes of a new one, in seconds.
OLD_ENOUGH = DAY
LIFETIME = 5_183_944.0
SHORT_LIFETIME = 3_600.0
RANDOM_BYTES = 24


@dataclass(frozen=True, slots=True)
class Grant:
    """A token. Times are Unix time; a configured token counts as old enough, and does not expire.

    `is_short`: it came for a code, and can be exchanged for one of 60 days. `problem`: it is no longer accepted.
    """

    pk: int
    since: float = 0.0
    until: float = float("inf")
    permissions: frozenset[Permission] = ALL
    is_short: bool = False
    problem: Problem | None = None


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

    def of(self, token: str, needed: Permission | None = None) -> User:
        """Return the account of a token. Raises WriteError, also for a token without the permission that is needed."""
        grant = self._grant(token)
        if needed is not None and needed not in grant.permissions:
            raise WriteError(SCOPE)
        return self.named(str(grant.pk))

    def granted(self, user: User, permissions: frozenset[Permission]) -> str:
        """Return a new token of one hour."""
        now = self._clock.now()
        return self._add(Grant(user.pk, now, now + SHORT_LIFETIME, permissions, is_short=True))

    def exchanged(self, token: str) -> str:
        """Return a token of 60 days for one of an hour. Raises WriteError."""
        grant = self._grant(token)
        if not grant.is_short:
            raise WriteError(INVALID, "The token is not one of an hour")
        return self._renewed(grant)

    def refreshed(self, token: str) -> str:
        """Return a new token of the same account; the old one remains valid. Raises WriteError."""
        grant = self._grant(token)
        if grant.is_short:
            raise WriteError(INVALID, "A token of an hour cannot be refreshed")
        if self._clock.now() - grant.since < OLD_ENOUGH:
            raise WriteError(INVALID, "The token must be at least 24 hours old")
        if Permission.BASIC not in grant.permissions:
            raise WriteError(SCOPE)
        return self._renewed(grant)

    def end(self, pk: int, problem: Problem) -> int:
        """Accept no token of an account any longer, for this reason. Return the number of tokens that were accepted."""
        ended = [token for token, grant in self._accepted() if grant.pk == pk]
        for token in ended:
            self._grants[token] = replace(self._grants[token], problem=problem)
        return len(ended)

    def tokens(self) -> list[str]:
        """Return all tokens that were given, accepted or not."""
        return [token for token in self._grants if token not in self._configured]

    def connected(self) -> list[tuple[User, frozenset[Permission]]]:
        """Return the accounts that have accepted tokens, and the permissions of the latest."""
        latest = {grant.pk: grant.permissions for _, grant in self._accepted()}
        return [(self.named(str(pk)), permissions) for pk, permissions in latest.items()]

    def _accepted(self) -> Iterator[tuple[str, Grant]]:
        now = self._clock.now()
        return ((token, grant) for token, grant in self._grants.items() if not grant.problem and grant.until > now)

    def _renewed(self, grant: Grant) -> str:
        now = self._clock.now()
        return self._add(replace(grant, since=now, until=now + LIFETIME, is_short=False))

    def _add(self, grant: Grant) -> str:
        token = secrets.token_urlsafe(RANDOM_BYTES)
        self._grants[token] = grant
        return token

    def _grant(self, token: str) -> Grant:
        grant = self._grants.get(token)
        if grant is None:
            raise WriteError(TOKEN_INVALID)
        if grant.problem is not None:
            raise WriteError(grant.problem)
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
