"""Validation of write requests before a workflow starts: reports all errors at once, each with its field."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from gateway.domain.input_errors import UserErrorCode
from gateway.domain.publishing import MediumKind, Traits
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, MediumSpec, UpdateHighlight
from gateway.publishing.inputs import (
    CoverInput,
    CreateHighlightInput,
    DeleteHighlightInput,
    InputProblem,
    MediaInput,
    UpdateHighlightInput,
)
from gateway.publishing.rules import SPELLED, ValidationErrors
from gateway.tracebacks import forget_frames
from gateway.uploads.formats import Unfit
from gateway.uploads.normalization import MediaNormalizer
from gateway.uploads.urls import Looks, NoMedium, as_browsers_send, look_at
from gateway.upstream.egress.address_policy import AddressNotAllowed

SOURCES = ("url", "file", "media_id", "story_id")
COVERS = ("index", "url", "file", "media_id")


class InputValidator:
    """The validator that turns inputs into commands. Files are normalized to the upstream's limits in the spool.

    `publishes_uploaded`: the upstream can publish a medium that was uploaded before.
    """

    def __init__(self, normalizer: MediaNormalizer, looks: Looks, traits: Traits, *, publishes_uploaded: bool) -> None:
        self._normalizer = normalizer
        self._probe = looks
        self._traits = traits
        self._publishes_uploaded = publishes_uploaded

    async def create_highlight(
        self, input: CreateHighlightInput, accounts: Collection[str]
    ) -> CreateHighlight | tuple[InputProblem, ...]:
        """Return the command, or all problems of the input. `accounts` are those the client may publish for.

        Raises FlowsUnavailable if the spool's disk fails.
        """
        found = ValidationErrors()
        account = found.account(input.account, accounts)
        title = found.title(input.title)
        found.key(input.idempotency_key)
        found.wait(input.wait_seconds)
        found.count(input.media, "media", least=1)
        media = await self._media(found, input.media, "media")
        cover = await self._cover(found, input.cover, len(input.media))
        return found.command_or(
            lambda: CreateHighlight(account, title, media, cover, input.on_media_error, input.on_quota)
        )

    async def update_highlight(
        self, input: UpdateHighlightInput, accounts: Collection[str]
    ) -> UpdateHighlight | tuple[InputProblem, ...]:
        """Return the command, or all problems of the input. Parameters and errors are those of `create_highlight`."""
        found = ValidationErrors()
        account, pk = found.account(input.account, accounts), found.highlight(input.id)
        title = None if input.title is None else found.title(input.title)
        found.key(input.idempotency_key)
        found.wait(input.wait_seconds)
        found.count(input.add, "add", least=0)
        add = await self._media(found, input.add, "add")
        remove = found.items(input.remove)
        cover = await self._cover(found, input.cover, len(input.add))
        if input.title is None and input.cover is None and not input.add and not remove:
            found.note(
                ["title"], UserErrorCode.REQUIRED, "or a cover, add or remove must be given: nothing would change"
            )
        return found.command_or(lambda: UpdateHighlight(account, pk, title, cover, add, remove, input.on_quota))

    async def delete_highlight(
        self, input: DeleteHighlightInput, accounts: Collection[str]
    ) -> DeleteHighlight | tuple[InputProblem, ...]:
        """Return the command, or all problems of the input. Parameters are those of `create_highlight`."""
        found = ValidationErrors()
        account, pk = found.account(input.account, accounts), found.highlight(input.id)
        found.key(input.idempotency_key)
        found.wait(input.wait_seconds)
        return found.command_or(lambda: DeleteHighlight(account, pk))

    async def _media(self, found: ValidationErrors, given: Sequence[MediaInput], field: str) -> tuple[MediumSpec, ...]:
        """Validate the media, unless their number is invalid: thousands of URLs are not probed."""
        if found.has(field):
            return ()
        # Each medium has its own errors, so that problems are in the order of the media, not of completion.
        each = [ValidationErrors() for _ in given]
        looks = [self._medium(each[at], one, SOURCES, [field, str(at)]) for at, one in enumerate(given)]
        media = await asyncio.gather(*looks)
        found.problems += [problem for findings in each for problem in findings.problems]
        found.doubles(media, field)
        return tuple(medium for medium in media if medium is not None)

    async def _cover(self, found: ValidationErrors, given: CoverInput | None, media: int) -> int | MediumSpec | None:
        if given is None:
            return None
        if given.index is not None and (given.url, given.file, given.media_id) == (None, None, None):
            return found.position(given.index, media)
        cover = await self._medium(found, given, COVERS, ["cover"])
        if cover is not None and cover.kind is MediumKind.VIDEO:
            found.note(["cover"], UserErrorCode.FORMAT, "must be an image")
        return cover

    async def _medium(
        self, found: ValidationErrors, given: MediaInput | CoverInput, names: Sequence[str], field: Sequence[str]
    ) -> MediumSpec | None:
        one = found.one_of(given, names, field)
        if one is None:
            return None
        name, value = one
        place = [*field, SPELLED.get(name, name)]
        if name == "url":
            return await self._from_url(found, str(value), place)
        if given.file is not None:
            return await self._from_file(found, given.file.sha256, place)
        id = found.medium_id(str(value), place)
        if name == "media_id" and names is SOURCES and not self._publishes_uploaded:
            found.note(
                place,
                UserErrorCode.UNSUPPORTED_BY_PLATFORM,
                "cannot be published: this upstream publishes uploads only. Name its story instead",
            )
        return MediumSpec(media_id=id) if name == "media_id" else MediumSpec(story_id=id)

    async def _from_url(self, found: ValidationErrors, given: str, place: Sequence[str]) -> MediumSpec | None:
        url = as_browsers_send(given)
        try:
            shown = await look_at(url, self._probe)
        except AddressNotAllowed as problem:
            forget_frames(problem)
            found.note(place, UserErrorCode.NOT_PUBLIC, str(problem))
            return None
        except NoMedium as problem:
            forget_frames(problem)
            found.note(place, UserErrorCode.FORMAT, str(problem))
            return None
        assumed = self._traits.taken_for(url)
        if assumed is not None and (wrong := shown.mistaken_for(assumed)) is not None:
            found.note(place, UserErrorCode.FORMAT, wrong)
            return None
        return MediumSpec(url=url, kind=shown.kind)

    async def _from_file(self, found: ValidationErrors, sha256: str, place: Sequence[str]) -> MediumSpec | None:
        try:
            fit = await self._normalizer.fit(sha256)
        except Unfit as problem:
            forget_frames(problem)
            found.note(place, problem.mistake, problem.message)
            return None
        return MediumSpec(file=sha256, kind=fit.kind, content_type=fit.content_type)
