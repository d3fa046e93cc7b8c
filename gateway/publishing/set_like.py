"""The like of a media by an account: a state."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.domain.ids import pk_of
from gateway.domain.media import MEDIA_PREFIX
from gateway.domain.rights import Right
from gateway.publishing.commands import WithoutMedia
from gateway.publishing.context import unsupported
from gateway.publishing.inputs import Id, InputProblem, WriteInput, described
from gateway.publishing.rules import ValidationErrors
from gateway.publishing.state import SET, StateWorkflow
from gateway.publishing.validation import InputValidator
from gateway.publishing.write import CachedEntry, Effect, Write
from gateway.upstream.platforms.likes import Likes


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLikeInput(WriteInput):
    """The like of a media to set or to withdraw."""

    account: Id = described("The account that likes it: one of `accounts`.")
    id: Id = described("The media: its id on the platform, or `media:<pk>`.")
    liked: bool = described("True to like it, false to withdraw the like.")


@dataclass(frozen=True, slots=True)
class SetLike(WithoutMedia):
    """Like the media `media_id`, or withdraw the like."""

    account: str
    media_id: str
    liked: bool
    request: str = ""

    @property
    def entity_id(self) -> str | None:
        return self.media_id


async def check(
    validator: InputValidator, input: SetLikeInput, accounts: Collection[str]
) -> SetLike | tuple[InputProblem, ...]:
    """Return the command, or all problems of the input."""
    found = ValidationErrors()
    account = found.account(input.account, accounts)
    media_id = found.medium_id(input.id.strip().removeprefix(MEDIA_PREFIX), ["id"])
    found.wait(input.wait_seconds)
    return found.command_or(lambda: SetLike(account, media_id, input.liked))


class SetLikeWorkflow(StateWorkflow[SetLike]):
    """One run of the workflow's body."""

    def entity_key(self, command: SetLike) -> str:
        return pk_of(command.media_id)

    async def apply(self, command: SetLike) -> None:
        publisher = self._context.publisher
        if not isinstance(publisher, Likes):
            raise unsupported("likes")
        await publisher.set_like(command.account, command.media_id, liked=command.liked)


SET_LIKE = Write(
    name="set_like",
    description="Likes a media, or withdraws the like. Repeating it is harmless; a later request supersedes an earlier "
    "one.",
    summary="Likes a media, or withdraws the like.",
    effect=Effect.STATE,
    entity="Media",
    input=SetLikeInput,
    hashed_as="SetLikeInput",
    command=SetLike,
    check=check,
    workflow=SetLikeWorkflow,
    phases=(SET,),
    right=Right.INTERACT,
    needs=(Likes,),
    invalidates=frozenset({CachedEntry.ENTITY}),
)
