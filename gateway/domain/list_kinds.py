"""The choices of a client between lists of one kind."""

from __future__ import annotations

import enum


class MediaFilter(enum.Enum):
    ALL = "all"
    REELS = "reels"


class MediaOrder(enum.Enum):
    RECENT = "recent"
    TOP = "top"
