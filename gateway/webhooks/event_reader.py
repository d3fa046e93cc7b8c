"""The events in a body of the platform. They are only hints: they come late, twice, out of order, or never.

Contract: JSON of up to 1000 changes; each entry names its account, and the time in Unix seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from gateway.clock import Clock
from gateway.events import EventLimit, Hook, ResponseSchemaMismatch, WebhookIgnored
from gateway.webhooks.inbox import REMEMBERED, SKEW, StoredBody

# By the contract. Entries of one body, and changes in all of them together.
MOST_CHANGES = 1_000
LONGEST_ID = 60  # characters
MOST_PATHS = 20  # of undecodable values that one event reports
REPORT_SECONDS = 60.0  # between two reports of changes ignored for the same reason


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A change upstream. Workflows wait for `topic`: `media:<id>`, `highlight:<id>` or `story:<id>`.

    `account` is the id of the owning user. `highlight` is the pk of the highlight that may have changed, and with it
    the account's tray.
    """

    account: str
    topic: str
    highlight: str | None = None


class Value(msgspec.Struct, frozen=True, gc=False):
    media_id: str | int | None = None
    highlight_id: str | int | None = None
    story_id: str | int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an overlong id: ids are stored until a workflow waits for them."""
        if any(len(str(id)) > LONGEST_ID for id in (self.media_id, self.highlight_id, self.story_id)):
            raise ValueError("an id is longer than any")


class Change(msgspec.Struct, frozen=True, gc=False):
    field: str
    value: Value


class WebhookEntry(msgspec.Struct, frozen=True, gc=False):
    id: str | int
    time: float | None = None
    changes: tuple[msgspec.Raw, ...] = ()


class Events(msgspec.Struct, frozen=True, gc=False):
    entry: tuple[WebhookEntry, ...]


EVENTS = msgspec.json.Decoder(Events)
CHANGE = msgspec.json.Decoder(Change)
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class EventReader:
    """The reader of one process. `account_of` returns the id of the account that an entry names, if it is used here."""

    def __init__(self, account_of: Callable[[str], str | None], *, clock: Clock, hook: Hook) -> None:
        self._account_of = account_of
        self._hook = hook
        self._ignored = Ignored(clock, hook)

    def read(self, stored: StoredBody) -> Iterator[WebhookEvent]:
        """Yield the events of a body about accounts that the gateway uses."""
        try:
            entries = EVENTS.decode(stored.body).entry
        except UNDECODABLE:
            self._report_undecodable([""])
            return
        undecodable: list[str] = []
        left = MOST_CHANGES
        for at, entry in enumerate(entries[:MOST_CHANGES]):
            if entry.time is None:
                undecodable.append(f"entry[{at}].time")
            elif (account := self._account_of(str(entry.id))) is None:
                self._ignored.count("of another account", len(entry.changes))
            elif not -SKEW <= stored.received_at - entry.time < REMEMBERED - SKEW:
                self._ignored.count("out of time", len(entry.changes))
            else:
                yield from self._changes(entry.changes[:left], account, f"entry[{at}]", undecodable)
                self._count_excess(len(entry.changes) - left)
                left = max(0, left - len(entry.changes))
        self._count_excess(sum(len(entry.changes) or 1 for entry in entries[MOST_CHANGES:]))
        self._report_undecodable(undecodable)

    def count_repeated(self, body: bytes) -> None:
        """Report a body that was received before."""
        try:
            changes = sum(len(entry.changes) for entry in EVENTS.decode(body).entry)
        except UNDECODABLE:
            return
        self._ignored.count("repeated", changes)

    def _changes(
        self, changes: Sequence[msgspec.Raw], account: str, path: str, undecodable: list[str]
    ) -> Iterator[WebhookEvent]:
        """Yield the events of `changes`, and add the paths of undecodable values to `undecodable`."""
        for number, raw in enumerate(changes):
            try:
                change = CHANGE.decode(raw)
            except UNDECODABLE:
                undecodable.append(f"{path}.changes[{number}]")
            else:
                yield from _events_of(account, change)

    def _count_excess(self, changes: int) -> None:
        if changes > 0:
            self._ignored.count("too many at once", changes)

    def _report_undecodable(self, paths: Sequence[str]) -> None:
        """Report undecodable values, once per body."""
        if len(paths) > MOST_PATHS:
            self._ignored.count("not to be read", len(paths))
        if paths:
            self._hook(ResponseSchemaMismatch("platform.webhook", tuple(paths[:MOST_PATHS])))


class Ignored:
    """The reports of ignored changes, per reason: the first at once, then at most one a minute with the sum."""

    def __init__(self, clock: Clock, hook: Hook) -> None:
        self._hook = hook
        self._limit = EventLimit(REPORT_SECONDS, clock)
        self._changes: Counter[str] = Counter()

    def count(self, reason: str, changes: int) -> None:
        self._changes[reason] += changes
        if self._limit.allows(reason):
            self._hook(WebhookIgnored(reason, self._changes.pop(reason)))


def _events_of(account: str, change: Change) -> Iterator[WebhookEvent]:
    """Yield the event of a change if workflows may wait for its field; other fields may be subscribed, too."""
    match change:
        case Change("media", Value(media_id=id)) if id is not None:
            yield WebhookEvent(account, f"media:{id}")
        case Change("highlights", Value(highlight_id=id)) if id is not None:
            pk = str(id).removeprefix("highlight:")
            yield WebhookEvent(account, f"highlight:{pk}", highlight=pk)
        case Change("stories", Value(story_id=id)) if id is not None:
            yield WebhookEvent(account, f"story:{id}")
        case _:
            pass
