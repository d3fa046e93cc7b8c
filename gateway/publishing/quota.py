"""The publishing quota of an account over a rolling day: a workflow waits for it or fails, as its command says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.durable.port import Json
from gateway.errors import PublishingRejected, QuotaExhausted
from gateway.publishing.commands import OnQuota
from gateway.publishing.context import DAY, RunContext
from gateway.upstream.platforms.port import Quotas

T = TypeVar("T")

# The polling interval of the quota, in seconds, if the upstream does not say when some becomes free.
LOOK = 900.0


class QuotaOf:
    """The quota of one account, for one workflow. All methods run inside a step."""

    def __init__(self, context: RunContext, on_quota: OnQuota) -> None:
        self._context = context
        self._on_quota = on_quota

    async def wait_for(self, quotas: Quotas, need: int) -> Json:
        """Wait until `need` publications are free. Call it before any upload: containers would expire meanwhile."""

        async def enough() -> None:
            quota = await quotas.quota(self._context.authorization.account)
            if quota.used + need <= quota.total:
                return
            if need > quota.total:
                raise PublishingRejected(
                    f"{need} publications are needed, and the account has {quota.total} a day: send fewer media, and "
                    "add the rest another day."
                )
            free = max(0, quota.total - quota.used)
            raise QuotaExhausted(f"{need} publications are needed, and {free} of {quota.total} are left.")

        await self.when_free(enough)
        return None

    async def when_free(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `attempt` once the quota allows it.

        Raises QuotaExhausted after a day, or at once with OnQuota.FAIL.
        """
        deadline = self._context.clock.monotonic() + DAY + LOOK
        while True:
            try:
                return await attempt()
            except QuotaExhausted as error:
                if self._on_quota is OnQuota.FAIL or self._context.clock.monotonic() > deadline:
                    raise
                retry_after = error.extensions.get("retryAfter")
                await self._context.clock.sleep(
                    min(DAY, retry_after) if isinstance(retry_after, (int, float)) else LOOK
                )
                await self._context.check_running()
