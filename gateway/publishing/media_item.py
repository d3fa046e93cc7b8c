"""The state of one medium while a workflow publishes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.domain.ids import pk_of
from gateway.domain.publishing import Container, ContainerState, Story
from gateway.durable.port import Fault
from gateway.publishing.commands import MediumSpec
from gateway.publishing.phases import Phase
from gateway.publishing.recorded import UpstreamObject

# The label of the medium that has no position.
COVER = "cover"


@dataclass(slots=True)
class MediaItem:
    """A medium. Its state comes from recorded steps only, so that a replay reaches the same state.

    `position` is its place in the command; None for a separate cover image, which needs no story. `generation` counts
    how often it was published again. `left` lists the objects that earlier generations left upstream. `uploads` counts
    the uploads of this run of the body; only steps may use it.
    """

    position: int | None
    spec: MediumSpec
    container: str | None = None
    is_processed: bool = False
    retry_after: float | None = None
    story: Story | None = None
    generation: int = 0
    fault: Fault | None = None
    uploads: int = 0
    left: list[UpstreamObject] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reset()

    @property
    def label(self) -> int | str:
        return COVER if self.position is None else self.position

    @property
    def needs_upload(self) -> bool:
        return self.container is None and not self.spec.is_uploaded

    @property
    def needs_processing(self) -> bool:
        return self.container is not None and not self.is_processed

    @property
    def needs_story(self) -> bool:
        return self.position is not None and self.story is None and self.spec.story_id is None

    @property
    def is_ready(self) -> bool:
        return self.is_processed and not self.needs_story

    @property
    def media_id(self) -> str:
        """The media id under which a highlight holds it."""
        return self.spec.story_id or (self.story.medium_id if self.story else str(self.container))

    @property
    def names(self) -> frozenset[str]:
        """The pks under which a tray may list it: upstreams differ on whether that is the medium's or its story's."""
        story = (self.story.id, self.story.medium_id) if self.story else ()
        return frozenset(pk_of(id) for id in (self.container, self.spec.story_id, *story) if id is not None)

    @property
    def made(self) -> list[UpstreamObject]:
        """All objects created upstream for it."""
        return self.left + self._current()

    def step(self, phase: Phase) -> str:
        """Return the name of its step of a phase, unique to each generation."""
        return phase.step(self.generation, of=COVER if self.position is None else "")

    def uploaded(self, container: Container) -> None:
        """Apply the result of an upload."""
        self.container = container.id
        self.is_processed = container.state is not ContainerState.IN_PROGRESS
        self.retry_after = container.retry_after
        self.story = container.story

    def restart(self, *, upload: bool) -> None:
        """Restart it, as its story has expired or is about to; with `upload`, from a new container."""
        self.left = self.made
        self.story = None
        self.generation += 1
        if upload:
            self._reset()

    def _reset(self) -> None:
        self.container = self.spec.media_id
        self.is_processed = self.spec.is_uploaded

    def _current(self) -> list[UpstreamObject]:
        """Return the objects of this generation. A published container counts as its story, not separately."""
        if self.story is not None:
            return [UpstreamObject("story", self.story.id, self.position)]
        if self.container is not None and not self.spec.is_uploaded:
            return [UpstreamObject("container", self.container, self.position)]
        return []
