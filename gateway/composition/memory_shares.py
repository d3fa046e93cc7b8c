"""The shares of the memory: the limit of each, and the bytes in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.composition.app import Gateway


def memory_shares(gateway: Gateway) -> dict[str, tuple[int, Callable[[], int]]]:
    """Return the limit of each share of the memory, and how to read the bytes in use."""
    budget, memory, operations = gateway.memory, gateway.reading.services.memory, gateway.operations
    return {
        "entries": (budget.entries, lambda: memory.store.bytes),
        "responses": (budget.responses, lambda: operations.answers.responses.size),
        "models": (budget.models, lambda: memory.decoded.size),
        "projections": (budget.projections, lambda: gateway.reading.projections.size),
        "plans": (budget.plans, lambda: operations.plans.size),
        "pointers": (budget.pointers, lambda: memory.pointers_size),
        "documents": (budget.documents, lambda: operations.documents.size),
        "texts": (budget.texts, lambda: operations.stored.size),
        "media": (gateway.settings.media_bytes, lambda: gateway.media_proxy.proxy.size),
    }
