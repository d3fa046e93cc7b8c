"""Who may publish: the accounts behind the tokens, which are the session ids of the other dialect as well."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.sandbox.nouns import User
from gateway.sandbox.publishing.problems import MISSING, PERMISSION, TOKEN_INVALID, Denied
from gateway.sandbox.world import World

SELF = "self"


class Accounts:
    """`tokens` are token -> user pk. Raises ValueError for a pk that the world does not have."""

    def __init__(self, world: World, tokens: Mapping[str, int]) -> None:
        self._world = world
        self._tokens = dict(tokens)
        if unknown := [pk for pk in self._tokens.values() if world.user_by_pk(pk) is None]:
            raise ValueError(f"no such users: {unknown}")

    def of(self, token: str) -> User:
        """Raises Denied."""
        if token not in self._tokens:
            raise Denied(TOKEN_INVALID)
        return self.named(str(self._tokens[token]))

    def seen(self, caller: User, id: str) -> User:
        """Whose public things, or own ones, the caller may read. Raises Denied."""
        user = caller if id == SELF else self.named(id)
        if user.is_private and user.pk != caller.pk:
            raise Denied(PERMISSION)
        return user

    def own(self, caller: User, id: str) -> User:
        """Raises Denied for anybody else."""
        user = caller if id == SELF else self.named(id)
        if user.pk != caller.pk:
            raise Denied(PERMISSION)
        return user

    def named(self, id: str) -> User:
        """Raises Denied."""
        user = self._world.user_by_pk(int(id)) if id.isascii() and id.isdigit() and len(id) <= 20 else None
        if user is None:
            raise Denied(MISSING)
        return user
