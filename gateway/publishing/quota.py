"""The account's publications of a rolling day: waited for, or not, as the order says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.durable.port import Json
from gateway.errors import PublishingRejected, QuotaExhausted
from gateway.publishing.commands import OnQuota
from gateway.publishing.context import DAY, WorkflowContext

T = TypeVar("T")

# Between two looks at the quota, in seconds, where the upstream does not say when it frees.
LOOK = 900.0


class QuotaOf:
    """Of one account, for one flow. Everything here is done inside a step."""

    def __init__(self, ports: WorkflowContext, flow: str, account: str, on_quota: OnQuota) -> None:
        self._ports = ports
        self._flow = flow
        self._account = account
        self._on_quota = on_quota

    async def wait_for(self, need: int) -> Json:
        """Until `need` publications are free. To be done before anything is uploaded: it would expire meanwhile."""

        async def enough() -> None:
            quota = await self._ports.publisher.quota(self._account)
            if quota is None or quota.used + need <= quota.total:
                return
            if need > quota.total:
                raise PublishingRejected(
                    f"{need} publications are needed, and the account has {quota.total} a day: order fewer media, and "
                    "add the rest another day."
                )
            free = max(0, quota.total - quota.used)
            raise QuotaExhausted(f"{need} publications are needed, and {free} of {quota.total} are left.")

        await self.when_free(enough)
        return None

    async def when_free(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` gives once the quota allows it. Raises QuotaExhausted after a day, or at once if so told."""
        give_up = self._ports.clock.monotonic() + DAY + LOOK
        while True:
            try:
                return await attempt()
            except QuotaExhausted as full:
                if self._on_quota is OnQuota.FAIL or self._ports.clock.monotonic() > give_up:
                    raise
                named = full.extensions.get("retryAfter")
                await self._ports.clock.sleep(min(DAY, named) if isinstance(named, (int, float)) else LOOK)
                await self._ports.check(self._flow)
