"""The webhooks of a gateway without the rest of it, and what the platform posts to them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette

from gateway.composition.webhook_component import Listener, WebhookComponent
from gateway.events import Event
from gateway.http.routes.webhooks import PATH
from gateway.webhooks.event_reader import WebhookEvent
from tests.fakes.clock import EPOCH, ManualClock
from tests.fakes.inbox import VolatileInbox

SECRET = "app-s3cret"  # pragma: allowlist secret
VERIFY = "ver1fy"
ACCOUNT = "787132"
FOREIGN = "25025320"


class Desk:
    """An app with nothing but the webhooks, and what it heard."""

    def __init__(self, *, before: Desk | None = None) -> None:
        """With one `before`, it is another worker beside that, or its next start."""
        self.news: list[WebhookEvent] = []
        self.events: list[Event] = []
        self.knows_accounts = True
        self.clock: ManualClock = before.clock if before else ManualClock()
        self.inbox: VolatileInbox = before.inbox if before else VolatileInbox(self.clock)
        listener = Listener(
            lambda: self.knows_accounts,
            lambda account: account if account in (ACCOUNT, "7") else None,
            self.news.append,
        )
        self.webhooks = WebhookComponent(
            SECRET, VERIFY, self.inbox, listener, clock=self.clock, hook=self.events.append
        )
        app = Starlette(routes=self.webhooks.routes())
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test")

    async def store(self, body: bytes, signature: str | None = None) -> httpx.Response:
        headers = {"x-hub-signature-256": signed(body) if signature is None else signature}
        return await self.client.post(PATH, content=body, headers=headers)

    async def work(self) -> None:
        await self.webhooks.worker.work_off()

    async def post(self, body: bytes, signature: str | None = None) -> httpx.Response:
        """Posted, and worked on."""
        answer = await self.store(body, signature)
        await self.work()
        return answer

    async def subscribe(self, **params: str) -> httpx.Response:
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
        return await self.client.get(PATH, params=asked | {f"hub.{name}": text for name, text in params.items()})


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def change(field: str, **value: Any) -> dict[str, Any]:
    return {"field": field, "value": value}


def entry(*changes: object, account: str | int = ACCOUNT, time: float = EPOCH) -> dict[str, Any]:
    return {"id": account, "time": time, "changes": list(changes)}


def told(*entries: object) -> bytes:
    return msgspec.json.encode({"object": "instagram", "entry": list(entries)})


def events(*changes: object, account: str | int = ACCOUNT, time: float = EPOCH) -> bytes:
    return told(entry(*changes, account=account, time=time))


MEDIUM = change("media", media_id="18", status="FINISHED")
CREATED = change("highlights", highlight_id="17900000000000001", verb="created")
