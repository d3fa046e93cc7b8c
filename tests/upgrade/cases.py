"""Which flows a fixture holds, and at which call each is stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.kill_points import CALLS, KILLS, Kind, Moment
from tests.sandbox.publishing.media import jpeg
from tests.upgrade.fixtures import KeptFlow, KeptMedium
from tests.upgrade.upstream import Stop

QUOTA, CONFIRM = "quota", "confirmation"
PATTERNS = {kind.value: pattern for kind, pattern in CALLS} | {
    QUOTA: r"GET /users/self/publishing_limit",
    CONFIRM: r"GET /highlights/[^/]+",
}
UPLOAD, PUBLISH, TRAY = Kind.UPLOAD.value, Kind.PUBLISH.value, Kind.TRAY.value
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "grey": (90, 90, 90), "blue": (30, 30, 200)}
BASES = 10
REFUSED = {"kind": "processing", "seconds": 0.0, "code": 36003, "times": 1}

Fault = dict[str, Any]


@dataclass(slots=True)
class Case:
    """`base` is the number of what it is derived from; `quota` is what the account may publish while it lasts."""

    name: str
    flow: KeptFlow
    stop: Stop | None = None
    faults: Sequence[Fault] = field(default_factory=list)
    quota: int | None = None


class _Numbers:
    def __init__(self) -> None:
        self._last = -1

    def flow(self, kind: str, *media: KeptMedium, base: int | None = None, **more: Any) -> KeptFlow:
        self._last += 1
        return KeptFlow(self._last, kind, f"Kept {self._last:02}", list(media), base, more=more)

    def linked(self, form: str = "jpg") -> KeptMedium:
        """Of the next flow; further ones of it are told apart by their form."""
        return KeptMedium(url=f"https://media.test/{self._last + 1:02}.{form}")


def filed(colour: str) -> KeptMedium:
    return KeptMedium(data=jpeg(COLOURS[colour]))


def cases(dialect: str) -> list[Case]:
    """In their order: those that end, and then those that are stopped."""
    numbers = _Numbers()
    of = _platform if dialect == "platform" else _aiograpi
    return [*_ended(numbers, dialect), *of(numbers)]


def _ended(numbers: _Numbers, dialect: str) -> Iterator[Case]:
    """The first are bases of others."""
    for _ in range(BASES):
        yield Case("done", numbers.flow("create", numbers.linked()))
    both = numbers.linked(), numbers.linked("mp4")
    yield Case("done, with a film and a cover", numbers.flow("create", *both, cover={"index": 1}))
    yield Case("done, of a file", numbers.flow("create", filed("red")))
    yield Case("done, an update", numbers.flow("update", numbers.linked(), base=0))
    yield Case("done, a deletion", numbers.flow("delete", base=1))
    yield Case("done, of stories", numbers.flow("create", base=2))
    both = numbers.linked(), numbers.linked("mp4")
    if dialect == "platform":
        yield Case("done, less one", numbers.flow("create", *both, onMediaError="SKIP"), faults=[REFUSED])
        yield Case("failed for good", numbers.flow("create", numbers.linked()), faults=[REFUSED])
    unauthorized = {"kind": "platform_error", "endpoint": "POST *", "code": 190}
    yield Case("failed, to be mended", numbers.flow("create", numbers.linked()), faults=[unauthorized])


def _platform(numbers: _Numbers) -> Iterator[Case]:
    for kind in (Kind.UPLOAD, Kind.CONTAINER, Kind.PUBLISH, Kind.CREATE):
        for moment in KILLS:
            yield _stopped(numbers, "create", kind.value, moment)
    yield from _derived(numbers)
    yield _stopped(numbers, "create", QUOTA, Moment.BEFORE)
    accepted = {"kind": "accepted", "seconds": 2.0}
    yield _stopped(numbers, "create", CONFIRM, Moment.BEFORE, faults=[accepted])
    failing = {"kind": "status", "endpoint": "POST */stories", "status": 500, "when": "before"}
    yield _stopped(numbers, "create", PUBLISH, Moment.ANSWERED, nth=2, faults=[failing])
    waiting = _stopped(numbers, "create", QUOTA, Moment.ANSWERED)
    waiting.quota = 1
    yield waiting
    yield _partly(numbers, PUBLISH)
    both = numbers.linked(), numbers.linked("mp4")
    flow = numbers.flow("create", *both, onMediaError="SKIP")
    stop = Stop(PATTERNS[Kind.CONTAINER.value], Moment.BEFORE)
    yield Case("create: container, of which one is refused later", flow, stop, [REFUSED | {"seconds": 30.0}])
    yield _filed(numbers)
    yield _held(numbers, PUBLISH)
    yield Case("acknowledged", numbers.flow("create", numbers.linked()))


def _aiograpi(numbers: _Numbers) -> Iterator[Case]:
    for kind in (Kind.UPLOAD, Kind.CREATE):
        for moment in KILLS:
            yield _stopped(numbers, "create", kind.value, moment)
    yield from _derived(numbers)
    lost = {"kind": "dead_keep_alive", "endpoint": "POST /aiograpi/highlight", "when": "after", "times": 1}
    for nth, moment in ((1, Moment.BEFORE), (1, Moment.ANSWERED), (2, Moment.BEFORE), (3, Moment.COMMITTED)):
        yield _stopped(numbers, "create", TRAY, moment, nth=nth, faults=[lost])
    failing = {"kind": "status", "endpoint": "POST */upload/by/url", "status": 500, "when": "before"}
    yield _stopped(numbers, "create", UPLOAD, Moment.ANSWERED, nth=2, faults=[failing])
    yield _partly(numbers, UPLOAD)
    yield _filed(numbers)
    yield _held(numbers, UPLOAD)
    yield Case("acknowledged", numbers.flow("create", numbers.linked()))


def _derived(numbers: _Numbers) -> Iterator[Case]:
    for base, moment in enumerate(KILLS, 3):
        yield _stopped(numbers, "update", Kind.EDIT.value, moment, base=base, media=1)
    for base, moment in enumerate(KILLS, 6):
        yield _stopped(numbers, "delete", Kind.DELETE.value, moment, base=base)
    for moment in KILLS:
        yield _stopped(numbers, "create", TRAY, moment, base=9)


def _stopped(
    numbers: _Numbers,
    kind: str,
    call: str,
    moment: Moment,
    *,
    nth: int = 1,
    base: int | None = None,
    media: int | None = None,
    faults: Sequence[Fault] = (),
) -> Case:
    count = media if media is not None else int(base is None)
    flow = numbers.flow(kind, *[numbers.linked() for _ in range(count)], base=base)
    times = "" if nth == 1 else f" ({nth})"
    return Case(f"{kind}: {call}{times}: {moment.value}", flow, Stop(PATTERNS[call], moment, nth), faults)


def _partly(numbers: _Numbers, call: str) -> Case:
    flow = numbers.flow("create", numbers.linked(), numbers.linked("mp4"), cover={"index": 1})
    return Case(f"create: {call} of the second medium", flow, Stop(PATTERNS[call], Moment.BEFORE, 2))


def _filed(numbers: _Numbers) -> Case:
    flow = numbers.flow("create", filed("blue"))
    return Case("create: upload of a file", flow, Stop(PATTERNS[UPLOAD], Moment.COMMITTED))


def _held(numbers: _Numbers, call: str) -> Case:
    return Case("cancelled", numbers.flow("create", numbers.linked()), Stop(PATTERNS[call], None))
