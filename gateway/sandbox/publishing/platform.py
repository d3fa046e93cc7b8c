"""The Platform API's dialect: bearer tokens, idempotency keys, 202 during processing, coded errors."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec
from starlette.requests import Request

from gateway.domain.ids import code_of
from gateway.sandbox.entities import Highlight, User
from gateway.sandbox.faults import Effects
from gateway.sandbox.faults import Processing as ProcessingFault
from gateway.sandbox.publishing import media
from gateway.sandbox.publishing.accounts import SELF, Accounts
from gateway.sandbox.publishing.containers import DAY, Container, Processing, Status
from gateway.sandbox.publishing.highlights import CoverChoice, Creation
from gateway.sandbox.publishing.keys import Keys
from gateway.sandbox.publishing.media import Medium
from gateway.sandbox.publishing.pages import page_of, paging
from gateway.sandbox.publishing.permissions import Permission
from gateway.sandbox.publishing.problems import MISSING, TOKEN_INVALID, WriteError, coded
from gateway.sandbox.publishing.stories import pk_of
from gateway.sandbox.publishing.usage import Usage
from gateway.sandbox.publishing.write_endpoint import Call
from gateway.sandbox.publishing.write_state import WriteState
from gateway.sandbox.replies import Reply
from gateway.sandbox.wire import Wire
from gateway.sandbox.world import media_ids

# The processing time of an upload as a link or a video, in seconds.
FETCHING = 1.0
TRANSCODING = 2.0
PROFILE_FIELDS = (
    "username",
    "full_name",
    "profile_pic_url",
    "is_private",
    "is_verified",
    "media_count",
    "follower_count",
    "following_count",
    "biography",
)
NOBODY = 0
Json = dict[str, Any]


class Platform:
    """One method per call of the contract; each raises WriteError with a row of its error table."""

    def __init__(
        self, state: WriteState, accounts: Accounts, wire: Wire, usage: Usage, keys: Keys, base_url: str
    ) -> None:
        self._state = state
        self._accounts = accounts
        self._wire = wire
        self._usage = usage
        self._keys = keys
        self._base_url = base_url
        self._traces = count(1)

    # The steps of every call.

    async def identify(self, request: Request) -> User:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise WriteError(TOKEN_INVALID, "An access token is required")
        return self._accounts.of(token.strip(), Permission.BASIC if request.method == "GET" else Permission.PUBLISH)

    def answer(self, call: Call, work: Callable[[Call], Reply]) -> Reply:
        self._usage.check(call.caller.pk)
        began = self._state.clock.monotonic()
        try:
            key = call.key if call.name.startswith("POST") else None
            fingerprint = "/".join((call.name, *call.path.values(), call.body.fingerprint))
            return self._keys.answer(call.caller.pk, key, fingerprint, lambda: work(call))
        finally:
            self._usage.note(call.caller.pk, (self._state.clock.monotonic() - began) * 1000)

    def refuse(self, denied: WriteError, retry_after: float | None) -> Reply:
        problem = denied.problem
        error: Json = {"message": problem.message, "type": problem.type, "code": problem.code}
        if problem.subcode is not None:
            error["error_subcode"] = problem.subcode
        error |= {"is_transient": problem.is_transient, "fbtrace_id": f"A{code_of(next(self._traces)):0>22}"}
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        return _reply(problem.status, {"error": error}, headers)

    def headers(self, caller: User | None, effects: Effects, denied: WriteError | None) -> dict[str, str]:
        if caller is None:
            return {}
        return self._usage.headers(caller.pk, effects.usage, denied.regain if denied else None)

    # Accounts.

    def profile(self, call: Call) -> Reply:
        id = call.path.get("user_id", SELF)
        user = call.caller if id == SELF else self._accounts.named(id)
        profile = self._wire.profile(user, self._now())
        return _reply(200, {"id": str(user.pk)} | {name: profile[name] for name in PROFILE_FIELDS})

    def publishing_limit(self, call: Call) -> Reply:
        quota = self._state.quota
        config = {"quota_total": quota.total, "quota_duration": int(DAY)}
        return _reply(200, {"quota_usage": quota.used(call.caller.pk), "config": config})

    # Media and stories.

    def upload(self, call: Call) -> Reply:
        medium = _medium(call)
        processing = _processing(medium, call.effects.processing)
        container = self._state.containers.add(call.caller, medium, processing, call.key)
        if container.flaw is not None:
            raise WriteError(container.flaw)
        if container.status is not Status.IN_PROGRESS:
            return _reply(201, _progress(container))
        after = processing.retry_after
        return _reply(202, _progress(container), {} if after is None else {"retry-after": f"{after:g}"})

    def container(self, call: Call) -> Reply:
        return _reply(200, _progress(self._state.containers.get(call.caller, pk_of(call.path["id"]))))

    def publish(self, call: Call) -> Reply:
        story = self._state.stories.publish(call.caller, call.path["id"], call.key)
        return _reply(201, {"id": story.item.id, "media_id": story.medium, "expires_at": int(story.expires_at)})

    # Highlights.

    def tray(self, call: Call) -> Reply:
        user = self._accounts.seen(call.caller, call.path["user_id"])
        page, has_more = page_of(self._state.world.tray(user), call.query)
        url = f"{self._base_url}/platform/users/{user.pk}/highlights"
        now = self._now()
        entries = [self._wire.tray_entry(each, now) | {"media_ids": media_ids(each)} for each in page]
        return _reply(200, {"data": entries, "paging": paging(page, url, call.query, has_more=has_more)})

    def create(self, call: Call) -> Reply:
        body = call.body
        accepted = call.effects.accepted
        creation = self._state.highlights.create(
            self._accounts.own(call.caller, call.path["user_id"]),
            body.required("title"),
            body.texts("media_ids"),
            _cover(body.text("cover_media_id")),
            key=call.key,
            dialect="platform",
            seconds=accepted.seconds if accepted else 0.0,
        )
        return self._full(201, creation.highlight) if creation.is_ready else _pending(creation)

    def highlight(self, call: Call) -> Reply:
        pk = _highlight_pk(call)
        if self._state.highlights.pending(call.caller, pk):
            return _pending(self._state.highlights.all[pk])
        highlight = self._state.world.highlight(pk)
        if highlight is None:
            raise WriteError(MISSING)
        self._accounts.seen(call.caller, str(highlight.user.pk))
        return self._full(200, highlight)

    def edit(self, call: Call) -> Reply:
        body = call.body
        highlight = self._state.highlights.edit(
            call.caller,
            _highlight_pk(call),
            title=body.text("title"),
            cover=_cover(body.text("cover_media_id")),
            add=body.texts("added_media_ids"),
            remove=body.texts("removed_media_ids"),
        )
        return self._full(200, highlight)

    def delete(self, call: Call) -> Reply:
        self._state.highlights.delete(call.caller, _highlight_pk(call))
        return Reply(204, b"")

    def _full(self, status: int, highlight: Highlight) -> Reply:
        return _reply(status, self._wire.highlight(highlight, self._now()))

    def _now(self) -> int:
        return int(self._state.clock.now())


def _medium(call: Call) -> Medium:
    body = call.body
    is_video = media.kind(body.text("media_type"))
    if body.file is not None:
        return media.filed(body.file, is_video=is_video)
    return media.linked(body.required("media_url"), is_video=is_video)


def _processing(medium: Medium, fault: ProcessingFault | None) -> Processing:
    if fault is not None:
        flaw = None if fault.code is None else coded(fault.code, fault.subcode)
        return Processing(fault.seconds, flaw, fault.retry_after)
    if medium.is_video:
        return Processing(TRANSCODING, retry_after=TRANSCODING)
    return Processing(FETCHING if medium.is_linked else 0.0)


def _progress(container: Container) -> Json:
    progress: Json = {"id": str(container.id), "status": container.status.value}
    if container.flaw is None:
        return progress
    return progress | {"error": {"code": container.flaw.code, "message": container.flaw.message}}


def _pending(creation: Creation) -> Reply:
    return _reply(202, {"id": str(creation.highlight.pk), "status": "IN_PROGRESS"})


def _cover(id: str | None) -> CoverChoice | None:
    return None if id is None else CoverChoice(id)


def _highlight_pk(call: Call) -> int:
    text = call.path["id"].removeprefix("highlight:")
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise WriteError(MISSING)
    return int(text)


def _reply(status: int, value: object, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, msgspec.json.encode(value), headers=headers or {})


CALLS: tuple[tuple[str, str, Callable[[Platform, Call], Reply]], ...] = (
    ("GET", "/users/self", Platform.profile),
    ("GET", "/users/self/publishing_limit", Platform.publishing_limit),
    ("GET", "/users/{user_id}", Platform.profile),
    ("POST", "/media/upload", Platform.upload),
    ("GET", "/media/{id}", Platform.container),
    ("POST", "/media/{id}/stories", Platform.publish),
    ("GET", "/users/{user_id}/highlights", Platform.tray),
    ("POST", "/users/{user_id}/highlights", Platform.create),
    ("GET", "/highlights/{id}", Platform.highlight),
    ("DELETE", "/highlights/{id}", Platform.delete),
    ("POST", "/highlights/{id}/edit", Platform.edit),
)
