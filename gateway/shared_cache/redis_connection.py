"""Connections to Redis that never hold an operation for long, and what their errors mean."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from gateway.shared_cache.store_port import StoreProblem

# Seconds. A look-up stands before every purchase of every operation; other commands stand beside a purchase.
LOOKUP_SECONDS = 0.25
COMMAND_SECONDS = 0.5
CONNECT_SECONDS = 1.0
# Seconds after which a connection is given up, whatever its command waits for: more than any of these.
LATEST_SECONDS = 5.0
# Of one process. Commands beyond it wait for one of them.
CONNECTIONS = 32
# Errors of the server, by what they mean; the first that matches.
PROBLEMS: tuple[tuple[type[Exception], StoreProblem], ...] = (
    (BusyLoadingError, StoreProblem.LOADING),
    (AuthenticationError, StoreProblem.REFUSED),
    (NoPermissionError, StoreProblem.REFUSED),
    (OutOfMemoryError, StoreProblem.FULL),
    (ReadOnlyError, StoreProblem.READ_ONLY),
    (RedisTimeoutError, StoreProblem.SLOW),
    (TimeoutError, StoreProblem.SLOW),
    (OSError, StoreProblem.UNREACHABLE),
    (RedisConnectionError, StoreProblem.UNREACHABLE),
)
ERRORS = (RedisError, OSError)


def connected(url: str, *, connections: int = CONNECTIONS) -> Redis:
    """Return a client, which connects when it is used. A connection that Redis has closed is opened again once.

    Raise ValueError for an invalid URL.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=LATEST_SECONDS,
        socket_timeout=LATEST_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        protocol=2,
        client_name="highlights-gateway",
    )
    return Redis.from_pool(pool)


def problem_of(error: Exception) -> StoreProblem:
    """Return the meaning of one of ERRORS. Its own text may quote the URL, and is never shown."""
    cause = error.__cause__  # of one that was met while connecting
    found = cause if isinstance(cause, RedisError) else error
    return next((problem for kind, problem in PROBLEMS if isinstance(found, kind)), StoreProblem.FAILING)
