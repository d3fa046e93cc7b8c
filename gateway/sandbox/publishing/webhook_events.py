"""Webhook events in the contract's format, each about a change of one field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MediaNews:
    account: int
    media_id: str
    status: str

    field = "media"

    def value(self) -> dict[str, str]:
        return {"media_id": self.media_id, "status": self.status}


@dataclass(frozen=True, slots=True)
class HighlightNews:
    account: int
    highlight_id: str
    verb: Literal["created", "edited", "deleted"]

    field = "highlights"

    def value(self) -> dict[str, str]:
        return {"highlight_id": self.highlight_id, "verb": self.verb}


@dataclass(frozen=True, slots=True)
class StoryNews:
    account: int
    story_id: str
    verb: Literal["expired"]

    field = "stories"

    def value(self) -> dict[str, str]:
        return {"story_id": self.story_id, "verb": self.verb}


News = MediaNews | HighlightNews | StoryNews
Tell = Callable[[News], None]
