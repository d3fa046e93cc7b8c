"""Whose flow it is: its id begins with a digest of its client's id, and says no name."""

from __future__ import annotations

import hashlib

SEPARATOR = "-"


def owner_of(client: str) -> str:
    """Of the client with this id."""
    return _digest(client)


def prefix_of(client: str) -> str:
    """A client's flows begin alike, so that it can be shown its own."""
    return owner_of(client) + SEPARATOR


def flow_of(client: str, key: str) -> str:
    """The id of the flow that the client began with this idempotency key."""
    return prefix_of(client) + _digest(client, key)


def owner_in(flow: str) -> str:
    return flow.partition(SEPARATOR)[0]


def _digest(*parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
