"""What clients order, and what has to come of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tests.sandbox.publishing.media import jpeg

ACCOUNT = "787132"
# What must be found nowhere in plain text: in no log, no file, and no error.
SIGNATURE = "x9signature"
HOST = "kept-secret.example.com"
TITLE = "Qz! 7!"  # no piece of base64

CREATE = """mutation($input: CreateHighlightInput!) {
  done: createHighlight(input: $input) { flow { id state highlight { pk } } userErrors { field code } }
}"""
UPDATE = """mutation($input: UpdateHighlightInput!) {
  done: updateHighlight(input: $input) { flow { id state } userErrors { field code } }
}"""
DELETE = """mutation($input: DeleteHighlightInput!) {
  done: deleteHighlight(input: $input) { flow { id state } userErrors { field code } }
}"""


@dataclass(frozen=True, slots=True)
class Medium:
    """`origin` is what the upstream says of where it is from."""

    url: str | None = None
    data: bytes | None = None

    @property
    def origin(self) -> str:
        return self.url or f"sha256:{sha256(self.data or b'').hexdigest()}"


@dataclass(slots=True)
class Order:
    """One request, however often it is sent.

    A derived one is about the highlight of another, its `base`, or uses the stories in it.

    `kills` is whether the gateway dies as soon as it has acknowledged; `walks_away` whether its client is content with
    that and never asks again.
    """

    number: int
    document: str
    title: str
    media: Sequence[Medium] = ()
    is_derived: bool = False
    base: Order | None = None
    kills: bool = False
    walks_away: bool = False
    flow: str | None = None
    pk: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"chaos-{self.number}"

    @property
    def makes(self) -> bool:
        return self.document == CREATE

    @property
    def may_be_a_base(self) -> bool:
        return self.pk is not None and not self.is_derived

    @property
    def files(self) -> dict[str, bytes]:
        return {str(place): medium.data for place, medium in enumerate(self.media) if medium.data is not None}

    @property
    def origins(self) -> list[str]:
        """Of what the highlight holds when the order is carried out."""
        own = [medium.origin for medium in self.media]
        if self.base is None:
            return own
        return self.base.origins if self.makes else self.base.origins[1:] + own

    def input(self, stories: Sequence[str]) -> dict[str, Any]:
        """`stories` are those in the base's highlight, in their order."""
        common: dict[str, Any] = {"account": ACCOUNT, "idempotencyKey": self.key}
        media: list[dict[str, str | None]] = [
            {"url": medium.url} if medium.data is None else {"file": None} for medium in self.media
        ]
        if self.makes:
            return common | {"title": self.title, "media": media or [{"storyId": story} for story in stories]}
        assert self.base is not None
        common |= {"id": self.base.pk}
        if self.document == DELETE:
            return common
        return common | {"title": self.title, "add": media, "remove": [stories[0]]}


def drawn(count: int, dice: random.Random) -> list[Order]:
    """Most make a highlight; each of the others is about one of theirs that is done, and no two about the same."""
    few = max(2, round(count / 15))
    others = [UPDATE] * max(2, count // 12) + [DELETE] * few + [CREATE] * few
    made = [_creation(number, dice) for number in range(count - len(others))]
    for order in dice.sample(made, max(2, count // 25)):
        order.kills = True
    for order in dice.sample(made, count // 8):
        order.walks_away = True
    dice.shuffle(others)
    return made + [_derived(document, number) for number, document in enumerate(others, len(made))]


def creation(number: int, *, media: int) -> Order:
    return Order(number, CREATE, f"{TITLE}{number:05}", [_linked(f"{number}-{place}") for place in range(media)])


def _creation(number: int, dice: random.Random) -> Order:
    order = creation(number, media=dice.randint(1, 4))
    order.media = [_filed(dice) if dice.random() < 0.12 else medium for medium in order.media]
    return order


def _derived(document: str, number: int) -> Order:
    added = [_linked(f"{number}-added")] if document == UPDATE else []
    return Order(number, document, f"{TITLE}{number:05}", added, is_derived=True)


def _linked(name: str) -> Medium:
    """Every seventh is a film, which takes longer."""
    form = "mp4" if int(sha256(name.encode()).hexdigest(), 16) % 7 == 0 else "jpg"
    return Medium(url=f"https://{HOST}/{name}.{form}?sig={SIGNATURE}{name}")


def _filed(dice: random.Random) -> Medium:
    colour = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
    return Medium(data=jpeg(colour, (dice.randint(80, 100), 160)))
