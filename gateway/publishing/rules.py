"""Validation rules of write requests: each returns the field as it is recorded, or notes a problem.

Sources of the rules: the upstream's contract (title, number of media), and the guarantees of the GraphQL schema.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import regex

from gateway.domain import ids
from gateway.domain.input_errors import UserErrorCode
from gateway.errors import InvalidInput
from gateway.publishing.commands import MediumSpec
from gateway.publishing.inputs import LONGEST_WAIT, InputProblem

T = TypeVar("T")

LONGEST_TITLE = 16  # characters, counted as grapheme clusters
# Of the whole title. One grapheme may have many: a family emoji has eleven, the flag of a subdivision seven.
MOST_CODE_POINTS = 16 * LONGEST_TITLE
MOST_MEDIA = 100
LONGEST_KEY = 200
GRAPHEME = regex.compile(r"\X")
SURROGATE = regex.compile(r"\p{Cs}")
BREAK = regex.compile(r"[\p{Cc}\p{Zl}\p{Zp}]")
# A visible character: neither blank, nor ignorable (zero-width), nor a combining mark alone. BREAK finds controls.
SHOWN = regex.compile(r"[^\p{Cf}\p{Cs}\p{Z}\p{M}\p{DI}\u2800]")
# A medium's id may include its owner's id, as a story's does.
MEDIUM_ID = regex.compile(r"[0-9]{1,20}(_[0-9]{1,20})?")
SPELLED = {"media_id": "mediaId", "story_id": "storyId"}  # as in the GraphQL schema


class ValidationErrors:
    """The problems of one request, in the order of its rules. The return value of a failed rule is meaningless."""

    def __init__(self) -> None:
        self.problems: list[InputProblem] = []

    def note(self, field: Sequence[str], code: UserErrorCode, what: str) -> None:
        """Add a problem. `what` completes the sentence that starts with the field."""
        self.problems.append(InputProblem(tuple(field), code, f"{'.'.join(field)} {what}."))

    def has(self, field: str) -> bool:
        """Return whether `field` as a whole has a problem."""
        return any(problem.field == (field,) for problem in self.problems)

    def command_or(self, command: Callable[[], T]) -> T | tuple[InputProblem, ...]:
        """Return the problems, or the command if there are none."""
        return tuple(self.problems) or command()

    def account(self, given: str | None, accounts: Collection[str]) -> str:
        if given is None and len(accounts) == 1:
            return next(iter(accounts))
        if given is None:
            self.note(
                ["account"], UserErrorCode.REQUIRED, "must say for whom: this client publishes for several accounts"
            )
        elif given not in accounts:
            self.note(
                ["account"],
                UserErrorCode.UNKNOWN_ACCOUNT,
                "must be one that this client may publish for: see `accounts`",
            )
        return given or ""

    def title(self, given: str) -> str:
        title = given.strip()
        if not title:
            self.note(["title"], UserErrorCode.REQUIRED, "must not be empty")
        elif len(title) > MOST_CODE_POINTS:  # before the slower checks
            self.note(["title"], UserErrorCode.TOO_LONG, f"must be at most {LONGEST_TITLE} characters")
        elif SURROGATE.search(title):
            self.note(["title"], UserErrorCode.INVALID, "holds half of a surrogate pair, which is no character")
        elif not SHOWN.search(title):
            self.note(["title"], UserErrorCode.REQUIRED, "must hold a character that is seen")
        elif len(GRAPHEME.findall(title)) > LONGEST_TITLE:
            self.note(["title"], UserErrorCode.TOO_LONG, f"must be at most {LONGEST_TITLE} characters")
        elif BREAK.search(title):
            self.note(["title"], UserErrorCode.INVALID, "must be one line of text, without control characters")
        return title

    def key(self, given: str | None) -> None:
        if given is None:
            return
        if not 0 < len(given) <= LONGEST_KEY:
            self.note(
                ["idempotencyKey"], UserErrorCode.INVALID, f"must be 1 to {LONGEST_KEY} characters, not {len(given)}"
            )
        elif not given.isprintable():
            self.note(["idempotencyKey"], UserErrorCode.INVALID, "holds a character that cannot be printed")

    def wait(self, seconds: int) -> None:
        if not 0 <= seconds <= LONGEST_WAIT:
            self.note(["waitSeconds"], UserErrorCode.OUT_OF_RANGE, f"must be 0 to {LONGEST_WAIT}")

    def count(self, given: Sequence[object], field: str, *, least: int) -> None:
        if len(given) < least:
            self.note([field], UserErrorCode.REQUIRED, "must name at least one medium")
        elif len(given) > MOST_MEDIA:
            self.note([field], UserErrorCode.TOO_LONG, f"must be at most {MOST_MEDIA} media")

    def highlight(self, given: str) -> str:
        return self._id(ids.highlight_id, given, ["id"])

    def items(self, given: Sequence[str]) -> tuple[str, ...]:
        """Return the item ids as given, without duplicates: some upstreams need the owner's id in them."""
        if len(given) > MOST_MEDIA:
            self.note(["remove"], UserErrorCode.TOO_LONG, f"must be at most {MOST_MEDIA} items")
        for position, item in enumerate(given[:MOST_MEDIA]):
            self._id(ids.item_id, item, ["remove", str(position)])
        return tuple(dict.fromkeys(item.strip() for item in given[:MOST_MEDIA]))

    def one_of(self, given: object, names: Sequence[str], field: Sequence[str]) -> tuple[str, object] | None:
        """Return the name and the value of the only field that is set; None if there is not exactly one."""
        found = [(name, value) for name in names if (value := getattr(given, name)) is not None]
        if len(found) == 1:
            return found[0]
        self.note(
            field,
            UserErrorCode.REQUIRED,
            f"needs exactly one of {', '.join(SPELLED.get(name, name) for name in names)}",
        )
        return None

    def medium_id(self, given: str, field: Sequence[str]) -> str:
        if not MEDIUM_ID.fullmatch(given.strip()):
            self.note(field, UserErrorCode.INVALID, "must be a numeric id")
        return given.strip()

    def position(self, given: int, of: int) -> int:
        if not 0 <= given < of:
            self.note(
                ["cover", "index"],
                UserErrorCode.OUT_OF_RANGE,
                f"must be the position of one of the {of} media, from 0",
            )
        return given

    def doubles(self, media: Sequence[MediumSpec | None], field: str) -> None:
        """Note each medium that occurs twice: the same URL, file or id."""
        seen: dict[object, int] = {}
        for position, medium in enumerate(media):
            source = medium and (medium.url, medium.file, medium.media_id, medium.story_id)
            first = seen.setdefault(source, position) if source else position
            if first != position:
                self.note([field, str(position)], UserErrorCode.DUPLICATE, f"is the same medium as {field}.{first}")

    def _id(self, read: Callable[..., ids.HighlightId | ids.ItemId], given: str, field: Sequence[str]) -> str:
        try:
            return read(given, field=".".join(field)).pk
        except InvalidInput as problem:
            self.problems.append(InputProblem(tuple(field), UserErrorCode.INVALID, problem.message))
            return ""
