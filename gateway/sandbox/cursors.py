"""Pages of long lists, and the cursors between them.

A cursor is opaque: the place at which the next page begins and the time of its creation, with a seal over these, the
endpoint and the object of the list. It is therefore valid at its own endpoint for its own object, and until it dies.

Pages are irregular, as those of the platform are: shorter or longer than usual, some repeat the last entry of the page
before, some are empty in the middle of the list, and a very long list ends before its last entry.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from typing import NamedTuple

from gateway.sandbox.answers import Answers, Question
from gateway.sandbox.deterministic_random import Dice
from gateway.sandbox.replies import ReadError, refusal

LIFETIME = 30 * 60  # seconds
FORM = struct.Struct(">IHI")  # entry, page, time of creation
SALT = b"one world, one seal"
SEAL_BYTES = 64
SHORT, LONG, REPEATING, EMPTY = 0.12, 0.1, 0.3, 0.5  # shares of the pages
EXTRA = 3  # entries of a longer page
FOURTH = 4  # of so many pages one may be empty, so that each walk ends


class Place(NamedTuple):
    """The beginning of a page: the position of its first new entry, and how many pages come before it."""

    start: int = 0
    page: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is read in pages. `subject` names its object, `sizes` are the usual numbers of entries of a page.

    `reach` is the number of entries after which the list ends without a word, although it is longer.
    """

    subject: str
    length: int
    sizes: tuple[int, int]
    reach: int | None = None

    @property
    def end(self) -> int:
        return self.length if self.reach is None else min(self.length, self.reach)


class Page(NamedTuple):
    """The positions of a page's entries, and the cursor of the next page; None after the last one."""

    positions: range
    cursor: str | None

    @property
    def has_more(self) -> bool:
        return self.cursor is not None


def page_of(answers: Answers, question: Question, listing: Listing) -> Page:
    """Return the page that the question's cursor leads to. Raises ReadError for a cursor that leads nowhere."""
    now = int(answers.clock.now())
    place = opened(question, listing.subject, now) if question.cursor else Place()
    positions = _positions(question.path, listing, place)
    following = Place(positions.stop, place.page + 1)
    is_last = positions.stop >= listing.end
    return Page(positions, None if is_last else sealed(question.path, listing.subject, following, now))


def sealed(path: str, subject: str, place: Place, now: int) -> str:
    """Return the cursor of a place, created at `now` (Unix seconds)."""
    form = FORM.pack(place.start, place.page, now)
    return base64.b64encode(form + _seal(form, path, subject)).decode()


def opened(question: Question, subject: str, now: int) -> Place:
    """Return the place of the question's cursor. Raises ReadError."""
    try:
        content = base64.b64decode(question.cursor, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise foreign() from exc
    form, seal = content[: FORM.size], content[FORM.size :]
    if len(form) < FORM.size or not hmac.compare_digest(seal, _seal(form, question.path, subject)):
        raise foreign()
    start, page, created_at = FORM.unpack(form)
    if now >= created_at + LIFETIME:
        raise ReadError(refusal(400, "The cursor has expired"))
    return Place(start, page)


def foreign() -> ReadError:
    return ReadError(refusal(400, "The cursor is not valid here"))


def _positions(path: str, listing: Listing, place: Place) -> range:
    """Return the positions of a page, which depend only on the list and the place."""
    dice = Dice("page", path, listing.subject, *place)
    size = dice.between(*listing.sizes)
    if dice.chance(SHORT):
        size = max(size // 2, 1)
    elif dice.chance(LONG):
        size += EXTRA
    is_repeating = dice.chance(REPEATING)
    is_empty = dice.chance(EMPTY) and place.page % FOURTH == FOURTH - 1
    if is_empty:
        return range(place.start, place.start)
    first = place.start - 1 if is_repeating and place.start else place.start
    return range(first, min(place.start + size, listing.end))


def _seal(form: bytes, path: str, subject: str) -> bytes:
    return hmac.digest(SALT, form + f" {path} {subject}".encode(), "sha512")[:SEAL_BYTES]
