"""The state of one medium while a workflow publishes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.domain.publishing import Container, ContainerState, Story
from gateway.durable.port import Fault, Json
from gateway.publishing.commands import MediumSpec
from gateway.publishing.step_kinds import Act

# The label of the medium that has no position.
COVER = "cover"


@dataclass(slots=True)
class MediaItem:
    """A medium. Its state comes from recorded steps only, so that a replay reaches the same state.

    `place` is its position in the command; None for a separate cover image, which needs no story. `generation` counts
    how often it was published again. `left` lists the objects that earlier generations left upstream. `uploads` counts
    the uploads of this run of the body; only steps may use it.
    """

    place: int | None
    order: MediumSpec
    container: str | None = None
    is_processed: bool = False
    retry_after: float | None = None
    story: Story | None = None
    generation: int = 0
    fault: Fault | None = None
    uploads: int = 0
    left: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reset()

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
        """The media id under which a highlight holds it."""
        return self.order.story_id or (self.story.medium_id if self.story else str(self.container))

    @property
    def names(self) -> frozenset[str]:
        """The pks under which a tray may list it: upstreams differ on whether that is the medium's or its story's."""
        story = (self.story.id, self.story.medium_id) if self.story else ()
        return frozenset(pk_of(id) for id in (self.container, self.order.story_id, *story) if id is not None)

    @property
    def made(self) -> list[Json]:
        """All objects created upstream for it."""
        return self.left + self._current()

    def step(self, act: Act) -> str:
        """Return the name of its step of kind `act`, unique to each generation."""
        return act.step(self.generation, of=COVER if self.place is None else "")

    def uploaded(self, container: Container) -> None:
        """Apply the result of an upload."""
        self.container = container.id
        self.is_processed = container.state is not ContainerState.IN_PROGRESS
        self.retry_after = container.retry_after
        self.story = container.story

    def again(self, *, upload: bool) -> None:
        """Restart it, as its story has expired or is about to; with `upload`, from a new container."""
        self.left = self.made
        self.story = None
        self.generation += 1
        if upload:
            self._reset()

    def _reset(self) -> None:
        self.container = self.order.media_id
        self.is_processed = self.order.is_uploaded

    def _current(self) -> list[Json]:
        """Return the objects of this generation. A published container counts as its story, not separately."""
        if self.story is not None:
            return [{"kind": "story", "id": self.story.id, "medium": self.place}]
        if self.container is not None and not self.order.is_uploaded:
            return [{"kind": "container", "id": self.container, "medium": self.place}]
        return []


def pk_of(id: str) -> str:
    """Return the pk of an item's id, which may name the owner after the pk."""
    return id.partition("_")[0]
