"""The mutation that forgets cached data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

import strawberry

from gateway.cache.subject_entries import Target
from gateway.control.messages import Forgotten
from gateway.domain.ids import highlight_id, user_id, username
from gateway.domain.media import media_id
from gateway.domain.rights import OPERATING, RIGHTS
from gateway.errors import InvalidInput
from schema.context import Info
from schema.cost_directives import OWN, WORK
from schema.inputs import one_of_value
from schema.scalars import BigInt


@strawberry.input(one_of=True, description="The data to forget: exactly one of these fields.")
class ForgetCachedDataInput:
    user_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="All data about the user with this id, and all that names the user."
    )
    username: strawberry.Maybe[str] = strawberry.field(description="The same, by the user name, with or without @.")
    highlight_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="The highlight with this id and its items, and all lists with it: `highlight:<pk>` or `<pk>`."
    )
    media_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="The post with this id, its comments and likes, and all lists with it: `media:<pk>` or `<pk>`."
    )
    all: strawberry.Maybe[bool] = strawberry.field(description="All cached data. Must be true.")


@strawberry.type(description="A worker process of the gateway, each of which has a cache of its own.")
class WorkerAnswer:
    process_id: int = strawberry.field(description="Id of the process.")
    has_answered: bool = strawberry.field(description="Whether it has answered in time, and so done what was asked.")


@strawberry.type(description="The outcome of `forgetCachedData`, over all workers that have answered.")
class ForgetCachedDataPayload:
    entries: int = strawberry.field(
        description="Number of entries that were forgotten: answers of the upstream, and facts that were in them."
    )
    responses: int = strawberry.field(description="Number of cached responses that were made of them.")
    bytes: BigInt = strawberry.field(description="Bytes of memory that this has freed.")
    price: int = strawberry.field(
        description="Price of the forgotten answers in billed requests: the most that it costs to buy them again."
    )
    workers: list[WorkerAnswer] = strawberry.field(
        description="The workers of the gateway. One that has not answered may still hold the data."
    )

    @classmethod
    def of(cls, answers: Mapping[int, Forgotten | None]) -> Self:
        forgotten = [each for each in answers.values() if each is not None]
        return cls(
            entries=sum(each.entries for each in forgotten),
            responses=sum(each.responses for each in forgotten),
            bytes=BigInt(sum(each.bytes for each in forgotten)),
            price=sum(each.price for each in forgotten),
            workers=[
                WorkerAnswer(process_id=id, has_answered=answer is not None) for id, answer in sorted(answers.items())
            ],
        )


Input = Annotated[ForgetCachedDataInput, strawberry.argument(description="The data to forget.")]


@strawberry.type
class CachedDataControl:
    """The fields that control cached data."""

    @strawberry.mutation(
        description="Forgets cached data: what is asked for from now on is bought again.",
        directives=[WORK, OWN],
        metadata={RIGHTS: OPERATING},
    )
    async def forget_cached_data(self, info: Info, input: Input) -> ForgetCachedDataPayload:
        return ForgetCachedDataPayload.of(await info.context.operating().forget(_target(input)))


def _target(input: ForgetCachedDataInput) -> Target | None:
    """Return the target, None for all data. Raise InvalidInput."""
    match dict(one_of_value(input)):
        case {"user_id": id}:
            return user_id(id, field="input.userId")
        case {"username": name}:
            return username(name, field="input.username")
        case {"highlight_id": id}:
            return highlight_id(id, field="input.highlightId")
        case {"media_id": id}:
            return media_id(id, field="input.mediaId")
        case {"all": "True"}:
            return None
        case _:
            raise InvalidInput("input must say what to forget: an id, a user name, or all: true.", field="input")
