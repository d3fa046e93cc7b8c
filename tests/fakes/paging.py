"""The cursors of tests, and their largest number of pages."""

from __future__ import annotations

from gateway.planner.list_slices import Paging
from gateway.reads.cursors import ListCursors

PAGING = Paging(ListCursors(b"a secret of tests"), max_pages=10)
