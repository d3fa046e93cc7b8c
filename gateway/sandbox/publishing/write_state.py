"""The state of the write API: all objects that write calls created, in either dialect."""

from __future__ import annotations

from gateway.clock import Clock
from gateway.sandbox.publishing.containers import Containers
from gateway.sandbox.publishing.highlights import Highlights
from gateway.sandbox.publishing.stories import Quota, Stories
from gateway.sandbox.publishing.webhook_events import Tell
from gateway.sandbox.scheduler import Scheduler
from gateway.sandbox.uploaded_media import Gallery
from gateway.sandbox.world import World


class WriteState:
    """All created objects. `quota` is in publications per account and rolling day."""

    def __init__(
        self, world: World, gallery: Gallery, agenda: Scheduler, clock: Clock, *, quota: int, tell: Tell
    ) -> None:
        self.clock = clock
        self.world = world
        self.gallery = gallery
        self.quota = Quota(clock, quota)
        self.containers = Containers(agenda, gallery, clock, tell)
        self.stories = Stories(world, self.containers, gallery, agenda, clock, self.quota, tell)
        self.highlights = Highlights(world, self.containers, self.stories, gallery, agenda, clock, tell)

    def clear(self) -> None:
        for part in (self.gallery, self.quota, self.containers, self.stories, self.highlights):
            part.clear()

    def published(self) -> dict[str, object]:
        """Return all objects ever created with their idempotency keys, to prove that none was created twice."""
        return {
            "highlights": [
                {
                    "id": str(each.highlight.pk),
                    "account": str(each.highlight.user.pk),
                    "title": each.highlight.title,
                    "media_ids": [str(item.pk) for item in each.highlight.held or ()],
                    "requested_media_ids": each.media,
                    "idempotency_key": each.key,
                    "dialect": each.dialect,
                    "status": each.status,
                }
                for each in self.highlights.all.values()
            ],
            "stories": [
                {
                    "id": each.item.id,
                    "account": str(each.item.user.pk),
                    "media_id": each.medium,
                    "idempotency_key": each.key,
                    "expires_at": int(each.expires_at),
                    "status": "LIVE" if self.world.item(each.item.pk) else "EXPIRED",
                }
                for each in self.stories.all
            ],
            "uploads": [
                {
                    "id": str(each.id),
                    "account": str(each.owner.pk),
                    "origin": each.medium.origin,
                    "idempotency_key": each.key,
                    "status": each.status.value,
                }
                for each in self.containers.all.values()
            ],
        }
