"""Users as the platform itself sends them: the raw form, in which an id has three spellings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.sandbox.entities import User
from gateway.sandbox.wire import Wire
from gateway.sandbox.world import World

Json = dict[str, Any]
FIELDS = ("username", "full_name", "is_private", "is_verified", "profile_pic_url")  # as in a user summary


@dataclass(frozen=True, slots=True)
class RawUsers:
    """The raw JSON of users at the time `now` of the response, for the signed URLs."""

    world: World
    wire: Wire
    now: int

    def user(self, user: User) -> Json:
        """Return a user as the platform sends it: with a numeric pk, one in text, or `id` and `strong_id__` instead."""
        pk = str(user.pk)
        spelling: tuple[Json, ...] = ({"pk": user.pk}, {"pk": pk}, {"id": pk, "strong_id__": pk})
        fbid = 17_841_400_000_000_000 + user.index
        short = self.wire.user_short(user, self.now)
        return spelling[user.index % 3] | {
            "pk_id": pk,
            "profile_pic_id": f"{fbid}_{pk}",
            "fbid_v2": str(fbid) if user.index % 2 else fbid,
            "latest_reel_media": None if user.is_private else self.world.newest_story(user, self.now),
            **{name: short[name] for name in FIELDS},
        }
