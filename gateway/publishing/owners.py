"""Ownership of workflows: an id begins with a digest of its client's id, so that it reveals no name."""

from __future__ import annotations

import hashlib

SEPARATOR = "-"


def owner_of(client: str) -> str:
    """Return the digest of a client's id."""
    return _digest(client)


def prefix_of(client: str) -> str:
    """Return the prefix of the ids of all of a client's workflows."""
    return owner_of(client) + SEPARATOR


def flow_of(client: str, key: str) -> str:
    """Return the id of the workflow that the client started with this idempotency key."""
    return prefix_of(client) + _digest(client, key)


def owner_in(flow: str) -> str:
    """Return the digest of the client's id in the id of a workflow."""
    return flow.partition(SEPARATOR)[0]


def _digest(*parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
