"""The keys of entries besides calls, and the kind of fact that an entry has."""

from __future__ import annotations

from collections.abc import Hashable

from gateway.domain.ids import LookupKey
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind


class OwnerOf(LookupKey, frozen=True, gc=False):
    """The key of the short fields of an owner, which were embedded in another answer."""

    user_id: str


class IdOf(LookupKey, frozen=True, gc=False):
    """The key of the user id behind a user name."""

    username: str


def kind_of(key: Hashable) -> FactKind:
    """Return the kind of fact in the entry of `key`; NOTHING for a key of no known type."""
    if isinstance(key, Call):
        return key.endpoint.answers
    if isinstance(key, OwnerOf):
        return FactKind.SUMMARY
    return FactKind.IDENTITY if isinstance(key, IdOf) else FactKind.NOTHING
