"""A bounded store of uploaded media for the CDN, which keeps the most recently used ones.

A container, the stories published from it and the covers cut from these share one medium. A medium without bytes (a
linked one, a video's poster, an evicted one) is drawn, in the colours of the same `name`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gateway.sandbox.pictures import Frame

CAPACITY = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Shots:
    """The JPEGs and the video of one uploaded medium, each of them optional."""

    story: bytes | None = None
    cover: bytes | None = None
    film: bytes | None = None

    @property
    def size(self) -> int:
        return sum(len(part) for part in (self.story, self.cover, self.film) if part is not None)


class Gallery:
    """The media by the pk of a container, story or cover. `capacity` is in bytes."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self.clear()

    def clear(self) -> None:
        self._names: dict[int, int] = {}
        self._shots: OrderedDict[int, Shots] = OrderedDict()
        self._size = 0

    def hang(self, pk: int, shots: Shots) -> None:
        """Store a medium, unless it is larger than the whole capacity."""
        self._shots[pk] = shots
        self._size += shots.size
        while self._size > self._capacity:
            _, pushed_out = self._shots.popitem(last=False)
            self._size -= pushed_out.size

    def share(self, pk: int, original: int) -> None:
        """Give `pk` the medium of `original`."""
        self._names[pk] = self.name(original)

    def name(self, pk: int) -> int:
        """Return the pk under which the medium was uploaded or drawn."""
        return self._names.get(pk, pk)

    def picture(self, frame: Frame, pk: int) -> bytes | None:
        shots = self._look(pk)
        return shots.cover if frame is Frame.COVER else shots.story

    def film(self, pk: int) -> bytes | None:
        return self._look(pk).film

    def _look(self, pk: int) -> Shots:
        name = self.name(pk)
        if name not in self._shots:
            return Shots()
        self._shots.move_to_end(name)
        return self._shots[name]
