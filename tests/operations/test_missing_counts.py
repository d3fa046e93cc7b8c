"""Numbers of comments on posts that do not exist, which a call about several of them leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operations.test_partial import serving

INFOS = "/v2/media/comments/infos"
COUNTS = '{ medias(by: [{ id: "11" }, { id: "12" }]) { id commentCount } }'


@pytest.mark.parametrize("infos", [{}, []])
async def test_that_none_of_them_exists_is_known_for_a_while(tmp_path: Path, infos: object) -> None:
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers[INFOS] = {"comment_infos": infos, "status": "ok"}
        answer = await gateway.again_and_again(COUNTS, price=1)
        assert answer.data == {"medias": [None, None]}
        assert answer.errors == [("medias.0", "NOT_FOUND"), ("medias.1", "NOT_FOUND")]
        assert gateway.upstream.calls == [INFOS]


@pytest.mark.parametrize("infos", [{"13_7": {"comment_count": 1}}, ["none"]])
async def test_an_answer_about_other_posts_says_nothing(tmp_path: Path, infos: object) -> None:
    async with serving(tmp_path) as gateway:
        gateway.upstream.answers[INFOS] = {"comment_infos": infos, "status": "ok"}
        answer = await gateway.ask(COUNTS)
        assert {code for _, code in answer.errors} == {"UPSTREAM_INVALID_ANSWER"}
        await gateway.ask(COUNTS)
        assert gateway.upstream.calls == [INFOS, INFOS]
