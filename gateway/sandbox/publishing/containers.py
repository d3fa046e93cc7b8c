"""Containers of uploads: IN_PROGRESS, FINISHED or ERROR, then PUBLISHED, or EXPIRED a day after the upload."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.sandbox import ids
from gateway.sandbox.entities import User
from gateway.sandbox.publishing.media import Medium
from gateway.sandbox.publishing.problems import CONTAINER_GONE, NOT_READY, PERMISSION, Problem, WriteError
from gateway.sandbox.publishing.webhook_events import MediaNews, Tell
from gateway.sandbox.scheduler import Scheduler
from gateway.sandbox.uploaded_media import Gallery

DAY = 86_400.0


class Status(enum.Enum):
    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    ERROR = "ERROR"
    EXPIRED = "EXPIRED"
    PUBLISHED = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class Processing:
    """The processing of an upload: its seconds and its result. `retry_after` (seconds) is sent to the client."""

    seconds: float
    flaw: Problem | None = None
    retry_after: float | None = None


@dataclass(slots=True)
class Container:
    id: int
    owner: User
    medium: Medium
    key: str | None
    status: Status = Status.IN_PROGRESS
    flaw: Problem | None = None


class Containers:
    """The containers of all accounts, by id."""

    def __init__(self, agenda: Scheduler, gallery: Gallery, clock: Clock, tell: Tell) -> None:
        self._agenda = agenda
        self._gallery = gallery
        self._clock = clock
        self._tell = tell
        self.clear()

    def clear(self) -> None:
        self.all: dict[int, Container] = {}

    def add(self, owner: User, medium: Medium, processing: Processing, key: str | None) -> Container:
        container = Container(ids.container_id(len(self.all)), owner, medium, key)
        self.all[container.id] = container
        self._gallery.hang(container.id, medium.shots)
        now = self._clock.now()
        flaw = processing.flaw or medium.flaw
        self._agenda.add(now + processing.seconds, self._finish(container, flaw))
        self._agenda.add(now + DAY, self._expire(container))
        self._agenda.catch_up()  # without processing time it is finished at once
        return container

    def get(self, owner: User, id: int) -> Container:
        """Return a container of `owner`. Raises WriteError."""
        container = self.all.get(id)
        if container is None:
            raise WriteError(CONTAINER_GONE)
        if container.owner.pk != owner.pk:
            raise WriteError(PERMISSION)
        return container

    def ready(self, owner: User, id: int) -> Container:
        """Return a container that can be published or used as a cover. Raises WriteError."""
        container = self.get(owner, id)
        if container.status is Status.IN_PROGRESS:
            raise WriteError(NOT_READY)
        if container.flaw is not None:
            raise WriteError(container.flaw)
        if container.status is Status.EXPIRED:
            raise WriteError(CONTAINER_GONE)
        return container

    def mark_published(self, container: Container) -> None:
        if container.status is not Status.PUBLISHED:
            self._turn(container, Status.PUBLISHED)

    def _finish(self, container: Container, flaw: Problem | None) -> Callable[[], None]:
        def act() -> None:
            if container.status is not Status.IN_PROGRESS:
                return
            container.flaw = flaw
            self._turn(container, Status.FINISHED if flaw is None else Status.ERROR)

        return act

    def _expire(self, container: Container) -> Callable[[], None]:
        def act() -> None:
            if container.status in (Status.IN_PROGRESS, Status.FINISHED):
                self._turn(container, Status.EXPIRED)

        return act

    def _turn(self, container: Container, status: Status) -> None:
        container.status = status
        self._tell(MediaNews(container.owner.pk, str(container.id), status.value))
