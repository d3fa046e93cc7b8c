"""The cursors of lists that the upstream pages, and the bound on the pages of one field."""

from __future__ import annotations

from gateway.planner.list_slices import Paging
from gateway.reads.cursors import ListCursors
from gateway.settings import Settings


def paging(settings: Settings, key: bytes) -> Paging:
    """Return what reads lists; `key` seals the cursors."""
    return Paging(ListCursors(key), settings.max_pages, trusts_no_stories=settings.trust_no_stories)
