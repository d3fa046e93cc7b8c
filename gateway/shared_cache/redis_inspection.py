"""The state that a Redis reports of itself, for a look from outside of a running gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis import Redis

from gateway.shared_cache.redis_connection import ERRORS, problem_of
from gateway.shared_cache.store_port import StoreProblem


class RedisUnusable(Exception):
    """Redis cannot be used. `problem` says why; the text of the client's own error may quote the URL."""

    def __init__(self, problem: StoreProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def inspect(url: str, seconds: float) -> Mapping[str, Any]:
    """Return the fields of the command INFO. This blocks, for so many seconds at most. Raise RedisUnusable."""
    try:
        with Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
            found: Mapping[str, Any] = client.info()
            return found
    except ERRORS as error:
        raise RedisUnusable(problem_of(error)) from None
