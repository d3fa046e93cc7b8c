"""Invalidations that a gateway could not send before its end are made up for by its next start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.composition import control
from gateway.domain.ids import UserId
from gateway.shared_cache.unsent_marker import FOLDER
from tests.shared_cache.instances import Upstream, charged, instance
from tests.shared_cache.listening import until
from tests.shared_cache.redis_server import RedisServer, redis_server

ID = "787132"
PROFILE = f'{{ user(by: {{id: "{ID}"}}) {{ biography }} }}'


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as made:
        yield made


async def test_what_was_forgotten_beside_a_frozen_redis_does_not_come_back_after_a_restart(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "FORGET_SECONDS", 0.5)
    upstream, settings = Upstream(), {"GATEWAY_REDIS_URL": server.url}
    marks = tmp_path / "a" / FOLDER
    async with instance(tmp_path / "b", upstream, settings) as other:
        async with instance(tmp_path / "a", upstream, settings) as first:
            assert charged(await first.ask(PROFILE)) == 1
            shared = first.gateway.reading.services.shared
            assert shared is not None
            await until(lambda: shared.cache.is_idle)
            assert charged(await other.ask(PROFILE)) == 0
            server.freeze()
            await first.gateway.control.forget(UserId(ID))
        assert len(list(marks.iterdir())) == 1
        server.thaw()
        async with instance(tmp_path / "a", upstream, settings) as again:
            assert charged(await again.ask(PROFILE)) == 1
            await until(lambda: not list(marks.iterdir()))
            again_shared = again.gateway.reading.services.shared
            assert again_shared is not None
            await until(lambda: again_shared.cache.is_idle)
            answer = await other.ask(PROFILE)
            assert charged(answer) == 0, "bought by the other one, and not from before"
    assert upstream.calls == {"/v1/user/by/id": 2}
