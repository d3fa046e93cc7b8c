"""Successful responses of the read API's endpoints: from the query's value to the bytes of the body.

Raises ReadError with the documented refusal: bad argument, unknown, private.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from gateway.clock import Clock
from gateway.domain import ids
from gateway.errors import InvalidInput
from gateway.sandbox.cdn import GRANULARITY
from gateway.sandbox.entities import Item, User
from gateway.sandbox.fixture_users import SALWAAA_HIGHLIGHT
from gateway.sandbox.ids import ITEM_ID
from gateway.sandbox.recorded import Recordings
from gateway.sandbox.replies import ReadError, refusal
from gateway.sandbox.response_cache import EncodedAnswers
from gateway.sandbox.wire import Wire
from gateway.sandbox.world import STORY_SLOT, World

NUMBER = re.compile(r"[0-9]{1,20}")
NAME = re.compile(r"[A-Za-z0-9._]{1,30}")
KEPT = 256  # responses, of some 50 kB each
Json = dict[str, Any]
encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Question:
    """A query. `value` is the endpoint's required parameter, `other` its second one. `amount` 0 means all.

    `cursor` is the page's, empty for the first one; it is valid at its `path` only. `safe_int`: large numbers as text.
    """

    value: str
    amount: int = 0
    force: bool = False
    other: str = ""
    cursor: str = ""
    path: str = ""
    safe_int: bool = False


class Moment(NamedTuple):
    """The time of a response in Unix seconds, rounded to the minute, and the version of its data."""

    version: int
    now: int


class Answers:
    """The responses, cached in encoded form while they are unchanged: within a minute of one version of the data."""

    def __init__(self, world: World, wire: Wire, clock: Clock) -> None:
        self.world = world
        self.wire = wire
        self.clock = clock
        self._recordings = Recordings()
        self._shelf = EncodedAnswers(KEPT)

    def profile_by_id(self, question: Question) -> bytes:
        return self._profile(self.user_by_id(question.value))

    def profile_by_name(self, question: Question) -> bytes:
        return self._profile(self._user_by_name(question.value))

    def tray_by_id(self, question: Question) -> bytes:
        return self._tray(self.user_by_id(question.value), question, by_name=False)

    def tray_by_name(self, question: Question) -> bytes:
        return self._tray(self._user_by_name(question.value), question, by_name=True)

    def stories_by_id(self, question: Question) -> bytes:
        return self._stories(self.user_by_id(question.value), question)

    def stories_by_name(self, question: Question) -> bytes:
        return self._stories(self._user_by_name(question.value), question)

    def highlight_by_id(self, question: Question) -> bytes:
        pk = question.value.removeprefix("highlight:")
        return self._highlight(number_in(pk, "id"))

    def highlight_by_url(self, question: Question) -> bytes:
        return self._highlight(_linked(question.value))

    def story_by_id(self, question: Question) -> bytes:
        """Return a story by `<pk>` or `<pk>_<user>`."""
        if not (match := ITEM_ID.fullmatch(question.value)):
            raise ReadError(refusal(400, "id must be a story id"))
        if recorded := self.recorded_item(int(match[1])):
            return encode(recorded)
        item = self.world.item(int(match[1]))
        if item is None or (match[2] and int(match[2]) != item.user.pk) or self._is_over(item):
            raise ReadError(refusal(404))
        refuse_private(item.user)
        return encode(self.wire.item(item, self.moment().now))

    def share_by_url(self, question: Question) -> bytes:
        """Decode the link without checking that the highlight exists."""
        if "/s/" not in question.value:
            raise ReadError(refusal(400, "url must be a share link"))
        return encode({"pk": str(_linked(question.value)), "type": "highlight"})

    def recorded_item(self, pk: int) -> Json | None:
        return self._recordings.item(pk) if self.world.highlight(SALWAAA_HIGHLIGHT) else None

    def moment(self) -> Moment:
        now = int(self.clock.now())
        return Moment(self.world.version, now - now % GRANULARITY)

    def _profile(self, user: User) -> bytes:
        return encode(self.wire.profile(user, self.moment().now))

    def _tray(self, user: User, question: Question, *, by_name: bool) -> bytes:
        if is_hidden(user, force=question.force):
            return b"[]"
        if not self.world.tray(user):
            return nothing(user)
        if recorded := self._recordings.tray(user, by_name=by_name):
            return self._brought_up_to_date(recorded, user, question.amount)
        moment = self.moment()
        key = ("tray", user.index, question.amount, moment)
        return self._shelf.take(key, lambda: self._encode_tray(user, question.amount, moment.now))

    def _encode_tray(self, user: User, amount: int, now: int) -> bytes:
        highlights = self.world.tray(user)[: amount or None]
        return encode([self.wire.tray_entry(highlight, now) for highlight in highlights])

    def _brought_up_to_date(self, recorded: bytes, user: User, amount: int) -> bytes:
        """Return the recorded bytes, unless the current data or the query changes any of them."""
        entries: list[Json] = msgspec.json.decode(recorded)
        by_pk = {int(entry["pk"]): _owned(entry, user) for entry in entries}
        now = self.moment().now
        current = [
            by_pk[highlight.pk] if highlight.held is None else self.wire.tray_entry(highlight, now)
            for highlight in self.world.tray(user)[: amount or None]
        ]
        return recorded if current == entries else encode(current)

    def _stories(self, user: User, question: Question) -> bytes:
        if is_hidden(user, force=question.force):
            return b"[]"
        now = self.moment().now
        items = self.world.stories(user, int(self.clock.now()))[: question.amount or None]
        if not items:
            return nothing(user)
        return encode([self.wire.item(item, now) for item in items])

    def _highlight(self, pk: int) -> bytes:
        highlight = self.world.highlight(pk)
        if highlight is None:
            raise ReadError(refusal(404))
        refuse_private(highlight.user)
        if highlight.held is None and (recorded := self._recordings.highlight(pk)):
            decoded: Json = msgspec.json.decode(recorded)
            current = _owned(decoded, highlight.user)
            return recorded if current == decoded else encode(current)
        moment = self.moment()
        return self._shelf.take(("highlight", pk, moment), lambda: encode(self.wire.highlight(highlight, moment.now)))

    def _is_over(self, item: Item) -> bool:
        """Return whether the item is a generated story that is not live."""
        return item.key.slot == STORY_SLOT and not item.is_live(int(self.clock.now()))

    def user_by_id(self, value: str) -> User:
        """Return the user of this pk. Raises ReadError."""
        return _known(self.world.user_by_pk(number_in(value, "user id")))

    def _user_by_name(self, value: str) -> User:
        if not NAME.fullmatch(value):
            raise ReadError(refusal(400, "username is not valid"))
        return _known(self.world.user_by_name(value))


def _known(user: User | None) -> User:
    if user is None:
        raise ReadError(refusal(404, "User not found", "UserNotFound"))
    return user


def is_hidden(user: User, *, force: bool) -> bool:
    """Return True for a private user, whose lists a forced call finds empty. Raises ReadError without force."""
    if not force:
        refuse_private(user)
    return user.is_private


def refuse_private(user: User) -> None:
    if user.is_private:
        raise ReadError(refusal(403))


def nothing(user: User) -> bytes:
    """Return an empty list, or raise the 404 that the upstream sends instead for some users."""
    if user.empty_is_404:
        raise ReadError(refusal(404))
    return b"[]"


def _owned(entry: Json, user: User) -> Json:
    """Return the entry with its owner's current name."""
    return entry | {"user": entry["user"] | {"username": user.username}}


def number_in(value: str, noun: str) -> int:
    if not NUMBER.fullmatch(value):
        raise ReadError(refusal(400, f"{noun} must be a number"))
    return int(value)


def _linked(url: str) -> int:
    try:
        return int(ids.highlight_from_url(url, field="url"))
    except InvalidInput as exc:
        raise ReadError(refusal(400, "url must link to a highlight")) from exc
