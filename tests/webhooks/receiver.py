"""A process that receives a webhook, or works on those that another one has left: `receiver URL MODE [AHEAD [BODY]]`.

`holds` answers the body and is in the midst of its work then; `waits` answers it and does not begin with the work;
`works` works on all that is there. Its clock is AHEAD seconds ahead, so that the claims of others have ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import httpx
from starlette.applications import Starlette

from gateway.clock import SystemClock
from gateway.composition.webhook_component import Listener, WebhookComponent
from gateway.events import ignore
from gateway.http.routes.webhooks import PATH
from gateway.webhooks.event_reader import WebhookEvent
from gateway.webhooks.stored_inbox import StoredInbox
from tests.webhooks.desk import SECRET, VERIFY, signed

LONG = 600.0  # seconds: it is killed meanwhile


class ClockAhead(SystemClock):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds


async def run(url: str, mode: str, ahead: float, body: bytes) -> None:
    def heard(event: WebhookEvent) -> None:
        print("heard", event.topic, flush=True)
        if mode == "holds":
            time.sleep(LONG)

    clock = ClockAhead(ahead)
    listener = Listener(lambda: mode != "waits", lambda account: account, heard)
    async with contextlib.AsyncExitStack() as parts:
        inbox = StoredInbox(url, clock)
        webhooks = WebhookComponent(SECRET, VERIFY, inbox, listener, clock=clock, hook=ignore)
        if mode == "works":
            parts.push_async_callback(inbox.aclose)
            await webhooks.worker.work_off()
            return
        await parts.enter_async_context(webhooks.running())
        transport = httpx.ASGITransport(Starlette(routes=webhooks.routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            answer = await client.post(PATH, content=body, headers={"x-hub-signature-256": signed(body)})
        print("answered", answer.status_code, flush=True)
        await asyncio.sleep(LONG)


if __name__ == "__main__":
    url, mode, *rest = sys.argv[1:]
    ahead, body = (*rest, "0", "")[:2] if rest else ("0", "")
    asyncio.run(run(url, mode, float(ahead), body.encode()))
