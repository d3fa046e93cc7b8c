"""One medium on its way to a highlight."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.domain.publishing import Container, ContainerState, Story
from gateway.durable.port import Fault, Json
from gateway.publishing.commands import MediumOrder
from gateway.publishing.step_kinds import Act

# Names the medium that has no position.
COVER = "cover"


@dataclass(slots=True)
class MediaItem:
    """It knows what steps have recorded, so that a replay finds it in the same place.

    `place` is its position in the order; None for a cover of its own, which needs no story. `generation` counts how
    often it was made anew. `left` is what earlier generations left upstream. `uploads`, by this run of the body, is for
    steps alone.
    """

    place: int | None
    order: MediumOrder
    container: str | None = None
    is_processed: bool = False
    retry_after: float | None = None
    story: Story | None = None
    generation: int = 0
    fault: Fault | None = None
    uploads: int = 0
    left: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._begin()

    @property
    def label(self) -> int | str:
        return COVER if self.place is None else self.place

    @property
    def needs_upload(self) -> bool:
        return self.container is None and not self.order.is_uploaded

    @property
    def needs_processing(self) -> bool:
        return self.container is not None and not self.is_processed

    @property
    def needs_story(self) -> bool:
        return self.place is not None and self.story is None and self.order.story_id is None

    @property
    def is_ready(self) -> bool:
        return self.is_processed and not self.needs_story

    @property
    def media_id(self) -> str:
        """What a highlight holds of it."""
        return self.order.story_id or (self.story.medium_id if self.story else str(self.container))

    @property
    def names(self) -> frozenset[str]:
        """The pks under which a tray may list it: upstreams differ on whether that is the medium's or its story's."""
        story = (self.story.id, self.story.medium_id) if self.story else ()
        return frozenset(pk_of(id) for id in (self.container, self.order.story_id, *story) if id is not None)

    @property
    def made(self) -> list[Json]:
        """All that exists upstream on its behalf."""
        return self.left + self._current()

    def step(self, act: Act) -> str:
        """The name of its step that does `act`, one of its own in each generation."""
        return act.step(self.generation, of=COVER if self.place is None else "")

    def uploaded(self, container: Container) -> None:
        self.container = container.id
        self.is_processed = container.state is not ContainerState.IN_PROGRESS
        self.retry_after = container.retry_after
        self.story = container.story

    def again(self, *, upload: bool) -> None:
        """Its story is gone or about to go; with `upload`, its container is, too."""
        self.left = self.made
        self.story = None
        self.generation += 1
        if upload:
            self._begin()

    def _begin(self) -> None:
        self.container = self.order.media_id
        self.is_processed = self.order.is_uploaded

    def _current(self) -> list[Json]:
        """A published container is its story's own: it is not left behind besides."""
        if self.story is not None:
            return [{"kind": "story", "id": self.story.id, "medium": self.place}]
        if self.container is not None and not self.order.is_uploaded:
            return [{"kind": "container", "id": self.container, "medium": self.place}]
        return []


def pk_of(id: str) -> str:
    """An item's id may name its owner behind its pk."""
    return id.partition("_")[0]
