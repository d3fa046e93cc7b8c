"""The rate of an upstream, where several processes share it."""

from __future__ import annotations

from gateway.clock import Clock
from gateway.reads.port import SharedRate
from gateway.upstream.client.token_bucket import TokenBucket


async def shared_turn(shared: SharedRate, bucket: TokenBucket, clock: Clock, patience: float) -> float:
    """Wait for the turn of a request among those of all processes, and return the seconds waited.

    Raise TimeoutError at once if it is not due within `patience` seconds.

    While it waits the process's own bucket grants no token, so that requests wait in the queue, which is fair.
    Without the shared bucket, each process has an equal part of the rate.
    """
    wait = await shared.reserve(bucket.whole_rate)
    bucket.divide(1 if wait is not None else shared.processes)
    if not wait:
        return 0.0
    bucket.pause(wait)
    if wait > patience:
        raise TimeoutError
    await clock.sleep(wait)
    return wait
