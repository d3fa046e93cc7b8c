"""GATEWAY_PROJECTION changes how fast an answer is made, and nothing in it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import fixture_users
from gateway.settings import Settings
from tests.fakes.gateway import running_gateway
from tests.profiles import sample

ITEMS = (
    "query ($id: ID!) { user(by: { id: $id }) { id username highlights { nodes { __typename id title url createdAt "
    "latestMediaAt cover { url cropRect } user { username } items { totalCount edges { cursor node { id takenAt kind "
    "urlsExpireAt videoDuration mentions { x user { id } } links { url } stickers { id extra } } } } } } } "
    'nobody: user(by: { id: "1" }) { username } }'
)
# Other operations that select the same, so that their answers are made of what was projected before.
ANEW = tuple(f"{ITEMS} # {turn}" for turn in range(3))


@pytest.mark.parametrize("pk", sample(["787132", fixture_users.THIRTY.pk]))
async def test_answers_are_the_same_without_it(pk: str, tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = []
    for projection in (True, False):
        settings = dataclasses.replace(Settings(), projection=projection)
        async with running_gateway(tmp_path / str(projection), settings=settings) as gateway:
            same = {"x-request-id": "same"}
            answers += [(await gateway.query(text, {"id": pk}, headers=same)).body for text in (ITEMS, ITEMS, *ANEW)]
    assert answers[: len(answers) // 2] == answers[len(answers) // 2 :]
    assert all(answer["data"] == answers[0]["data"] for answer in answers)
    assert answers[0]["data"]["user"]["highlights"]["nodes"]
