"""The cursors of lists that the upstream pages, and the bound on the pages of one field."""

from __future__ import annotations

from gateway.composition.key_files import key_of
from gateway.planner.list_slices import Paging
from gateway.reads.cursors import ListCursors
from gateway.settings import Settings

KEY_FILE = "cursors.key"


def paging(settings: Settings) -> Paging:
    key = key_of(settings.cursor_secret, settings.data_dir, KEY_FILE)
    return Paging(ListCursors(key), settings.max_pages, trusts_no_stories=settings.trust_no_stories)
