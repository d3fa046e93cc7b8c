"""The named points at which a gateway is killed: a call of some kind, before, while, or after it is answered."""

from __future__ import annotations

import enum
import random
import re
from collections.abc import Mapping, Sequence


class Kind(enum.Enum):
    UPLOAD = "upload"
    CONTAINER = "container"
    PUBLISH = "publish"
    CREATE = "create"
    TRAY = "tray"
    EDIT = "edit"
    DELETE = "delete"
    OTHER = "other"


class Moment(enum.Enum):
    """When a gateway is killed.

    STALLED is no kill: the connection breaks, and the request arrives at the worst moment, when its repetition is done.
    """

    BEFORE = "before it is forwarded"
    LATE = "before it is forwarded, which happens later all the same"
    COMMITTED = "when the upstream has done it and not answered"
    ANSWERED = "when it is answered"
    STALLED = "connection broken, and forwarded after its repetition"

    @property
    def is_before(self) -> bool:
        return self in (Moment.BEFORE, Moment.LATE, Moment.STALLED)


Point = tuple[Kind, Moment]

KILLS = (Moment.BEFORE, Moment.COMMITTED, Moment.ANSWERED)
PLATFORM: Mapping[Kind, Sequence[Moment]] = {
    **{kind: KILLS for kind in Kind if kind is not Kind.OTHER},
    Kind.CREATE: (*KILLS, Moment.LATE, Moment.STALLED),
}
# An upload is a story at once: there is nothing to wait for, and nothing to publish.
AIOGRAPI: Mapping[Kind, Sequence[Moment]] = {
    kind: moments for kind, moments in PLATFORM.items() if kind not in (Kind.CONTAINER, Kind.PUBLISH)
}

CALLS = (
    (Kind.UPLOAD, r"POST (/media/upload|/story/upload|/story/upload/by/url)"),
    (Kind.CONTAINER, r"GET /media/[^/]+"),
    (Kind.PUBLISH, r"POST /media/[^/]+/stories"),
    (Kind.CREATE, r"POST (/users/[^/]+/highlights|/highlight)"),
    (Kind.TRAY, r"GET (/users/[^/]+/highlights|/user/highlights)"),
    (Kind.EDIT, r"(POST /highlights/[^/]+/edit|PATCH /highlight)"),
    (Kind.DELETE, r"DELETE (/highlights/[^/]+|/highlight)"),
)
# Calls of which there are many are struck further apart.
MOST_APART = {Kind.UPLOAD: 8, Kind.CONTAINER: 8, Kind.PUBLISH: 6, Kind.CREATE: 3}


def kind_of(method: str, path: str) -> Kind:
    """`path` is without the dialect's prefix."""
    return next((kind for kind, pattern in CALLS if re.fullmatch(pattern, f"{method} {path}")), Kind.OTHER)


class Points:
    """Each point is struck once, `rounds` times over; or only `most` points of each kind, drawn by the dice."""

    def __init__(
        self,
        points: Mapping[Kind, Sequence[Moment]],
        dice: random.Random,
        *,
        rounds: int = 1,
        most: int | None = None,
    ) -> None:
        self._dice = dice
        self._left = {
            kind: dice.sample([*moments] * rounds, len(moments) * rounds)[:most] for kind, moments in points.items()
        }
        self._pause = {kind: self._apart(kind) for kind in points}
        self.struck: list[Point] = []

    @property
    def left(self) -> list[Point]:
        return [(kind, moment) for kind, moments in self._left.items() for moment in moments]

    def before(self, kind: Kind) -> Moment | None:
        """What is to happen to this call before the upstream has heard of it."""
        return self._take(kind, is_before=True)

    def after(self, kind: Kind) -> Moment | None:
        """What is to happen to this call now that the upstream has done it."""
        return self._take(kind, is_before=False)

    def _take(self, kind: Kind, *, is_before: bool) -> Moment | None:
        moments = self._left.get(kind)
        if not moments or moments[0].is_before is not is_before:
            return None
        self._pause[kind] -= 1
        if self._pause[kind] >= 0:
            return None
        self._pause[kind] = self._apart(kind)
        self.struck.append((kind, moments[0]))
        return moments.pop(0)

    def _apart(self, kind: Kind) -> int:
        return self._dice.randint(0, MOST_APART.get(kind, 0))
