"""Frozen models of live stories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from gateway.domain.models import Item

STORY_LIFE = timedelta(hours=24)


class LiveStory(Item, frozen=True, gc=False):
    """One story in the list of a user's live stories."""

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {**Item.SOURCES, "expires_at": ("taken_at",)}

    @property
    def expires_at(self) -> datetime | None:
        """The time at which the story ends: 24 hours after it was posted. None where that is after the year 9999."""
        if self.taken_at is None:
            return None
        try:
            return self.taken_at + STORY_LIFE
        except OverflowError:
            return None


def first_end(stories: Iterable[LiveStory], now: float) -> float | None:
    """Return the Unix seconds at which the first of the stories ends that have not ended `now`."""
    ends = (story.expires_at.timestamp() for story in stories if story.expires_at is not None)
    return min((end for end in ends if end > now), default=None)
