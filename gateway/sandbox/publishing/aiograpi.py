"""The dialect of aiograpi-rest: sessions, forms, no idempotency, no 202, and 500 for most errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request

from gateway.sandbox.entities import Highlight, User
from gateway.sandbox.faults import Effects
from gateway.sandbox.publishing import media
from gateway.sandbox.publishing.accounts import Accounts
from gateway.sandbox.publishing.bodies import Body
from gateway.sandbox.publishing.containers import Processing
from gateway.sandbox.publishing.highlights import CoverChoice, Rect
from gateway.sandbox.publishing.media import Medium
from gateway.sandbox.publishing.problems import MALFORMED, MISSING, TOKEN_INVALID, Problem, WriteError, coded
from gateway.sandbox.publishing.write_endpoint import Call
from gateway.sandbox.publishing.write_state import WriteState
from gateway.sandbox.replies import Reply
from gateway.sandbox.wire import Wire
from gateway.sandbox.world import media_ids

TRUTH = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False, "": False}
DIALECT = "aiograpi"
FILM_ENDINGS = (".mp4", ".mov", ".m4v")
# The only error that its framework sends itself, and therefore without a type.
NO_SESSION = Problem(401, 190, None, "Session ID required", name="")
LOST_SESSION = Problem(500, 190, None, "Session not found (e.g. after reload process), please relogin", "Exception")
THROTTLED = frozenset({"FeedbackRequired", "PleaseWaitFewMinutes", "RateLimitError"})
HINT = "Instagram is throttling this account: pause, and retry later."


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """The `cover` of an edit, as JSON text; `crop_rect` in it is JSON text too, as the app sends it."""

    media_id: str
    crop_rect: Rect | str | None = None


class Aiograpi:
    """One method per call of the contract; each raises WriteError."""

    def __init__(self, state: WriteState, accounts: Accounts, wire: Wire) -> None:
        self._state = state
        self._accounts = accounts
        self._wire = wire

    async def identify(self, request: Request) -> User:
        if not (session := request.headers.get("x-session-id")):
            raise WriteError(NO_SESSION)
        try:
            return self._accounts.of(session)
        except WriteError as denied:
            raise WriteError(LOST_SESSION) if denied.problem is TOKEN_INVALID else denied from None

    def answer(self, call: Call, work: Callable[[Call], Reply]) -> Reply:
        return work(call)

    def refuse(self, denied: WriteError, retry_after: float | None) -> Reply:
        """Return an error reply with one of few statuses and without a Retry-After, whatever the platform's error."""
        problem = denied.problem
        if problem.is_input:
            detail = [{"loc": ["body"], "msg": problem.message, "type": "value_error"}]
            return _reply({"detail": detail}, 422)
        if not problem.name:
            return _reply({"detail": problem.message}, problem.status)
        payload = {"detail": problem.message, "exc_type": problem.name}
        if problem.name in THROTTLED:
            return _reply(payload | {"hint": HINT}, 429)
        return _reply(payload, 500)

    def headers(self, caller: User | None, effects: Effects, denied: WriteError | None) -> dict[str, str]:
        return {}

    def account(self, call: Call) -> Reply:
        return _reply(self._wire.profile(call.caller, self._now()))

    def upload_link(self, call: Call) -> Reply:
        """Upload a linked medium. The URL's ending decides its kind."""
        url = call.body.required("url")
        is_film = url.lower().partition("?")[0].endswith(FILM_ENDINGS)
        return self._publish(call, _of_kind(call.body, media.linked(url, is_video=is_film)))

    def upload_file(self, call: Call) -> Reply:
        """Upload a file. The content type decides its kind."""
        body = call.body
        if body.file is None:
            raise WriteError(MALFORMED, "file is required")
        return self._publish(call, _of_kind(body, media.filed(body.file, is_video=body.file_type.startswith("video/"))))

    def create(self, call: Call) -> Reply:
        body = call.body
        cover = body.text("cover_story_id")
        creation = self._state.highlights.create(
            call.caller,
            body.required("title"),
            body.texts("story_ids"),
            CoverChoice(cover, _rect(body)) if cover else None,
            key=None,
            dialect=DIALECT,
        )
        return self._full(creation.highlight)

    def edit(self, call: Call) -> Reply:
        body = call.body
        highlight = self._state.highlights.edit(
            call.caller,
            _pk(body.required("highlight_pk")),
            title=body.text("title"),
            cover=_choice(body.text("cover")),
            add=body.texts("added_media_ids"),
            remove=body.texts("removed_media_ids"),
        )
        return self._full(highlight)

    def delete(self, call: Call) -> Reply:
        self._state.highlights.delete(call.caller, _pk(_asked(call, "highlight_pk")))
        return _reply(True)

    def tray(self, call: Call) -> Reply:
        user = self._accounts.seen(call.caller, _asked(call, "user_id"))
        amount = _pk(call.query.get("amount", "0"))
        highlights = self._state.world.tray(user)[: amount or None]
        now, is_bare = self._now(), call.effects.bare_tray is not None
        entries = [self._wire.tray_entry(each, now) for each in highlights]
        loaded = [{} if is_bare else {"media_ids": media_ids(each)} for each in highlights]
        return _reply([entry | media for entry, media in zip(entries, loaded, strict=True)])

    def highlight(self, call: Call) -> Reply:
        highlight = self._state.world.highlight(_pk(_asked(call, "highlight_pk")))
        if highlight is None:
            raise WriteError(MISSING)
        self._accounts.seen(call.caller, str(highlight.user.pk))
        return self._full(highlight)

    def _publish(self, call: Call, medium: Medium) -> Reply:
        """Publish a medium. The caption is accepted and discarded: no response of the contract contains one."""
        state = self._state
        container = state.containers.add(call.caller, medium, _processing(call.effects), None)
        story = state.stories.publish(call.caller, str(container.id), None)
        return _reply(self._wire.item(story.item, self._now()))

    def _full(self, highlight: Highlight) -> Reply:
        return _reply(self._wire.highlight(highlight, self._now()))

    def _now(self) -> int:
        return int(self._state.clock.now())


def _processing(effects: Effects) -> Processing:
    """Return the processing without its duration: the call itself waits, so only the result counts."""
    fault = effects.processing
    return Processing(0.0, None if fault is None or fault.code is None else coded(fault.code, fault.subcode))


def _of_kind(body: Body, medium: Medium) -> Medium:
    """Return the medium in the requested kind: an image may become a video, but not the reverse."""
    text = (body.text("as_video") or "").lower()
    if text not in TRUTH:
        raise WriteError(MALFORMED, "as_video must be a boolean")
    return media.as_film(medium) if TRUTH[text] and not medium.is_video else medium


def _asked(call: Call, name: str) -> str:
    if name not in call.query:
        raise WriteError(MALFORMED, f"{name} is required")
    return call.query[name]


def _pk(text: str) -> int:
    digits = text.removeprefix("highlight:")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise WriteError(MALFORMED, "a number is expected")
    return int(digits)


def _rect(body: Body) -> Rect | None:
    try:
        corners = [float(text) for text in body.texts("crop_rect")]
    except ValueError as exc:
        raise WriteError(MALFORMED, "crop_rect must hold numbers") from exc
    return _checked(corners) if corners else None


def _choice(text: str | None) -> CoverChoice | None:
    if text is None:
        return None
    try:
        choice = msgspec.json.decode(text, type=Choice)
        rect = choice.crop_rect
        corners = msgspec.json.decode(rect, type=Rect) if isinstance(rect, str) else rect
    except msgspec.MsgspecError as exc:
        raise WriteError(MALFORMED, "cover must be the JSON of a cover") from exc
    return CoverChoice(choice.media_id, corners and _checked(corners))


def _checked(corners: Sequence[float]) -> Rect:
    match corners:
        case (left, top, right, bottom) if 0 <= left < right <= 1 and 0 <= top < bottom <= 1:
            return left, top, right, bottom
        case _:
            raise WriteError(MALFORMED, "crop_rect must be x1, y1, x2, y2 within the frame")


def _reply(value: Any, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(value))


CALLS: tuple[tuple[str, str, Callable[[Aiograpi, Call], Reply]], ...] = (
    ("GET", "/account", Aiograpi.account),
    ("POST", "/story/upload/by/url", Aiograpi.upload_link),
    ("POST", "/story/upload", Aiograpi.upload_file),
    ("POST", "/highlight", Aiograpi.create),
    ("PATCH", "/highlight", Aiograpi.edit),
    ("DELETE", "/highlight", Aiograpi.delete),
    ("GET", "/user/highlights", Aiograpi.tray),
    ("GET", "/highlight", Aiograpi.highlight),
)
