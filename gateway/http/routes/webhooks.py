"""The webhook of the platform: signed bodies are stored in the inbox, then answered, and processed later.

Contract: a GET with `hub.mode`, `hub.verify_token` and `hub.challenge` subscribes; events are posted with
`X-Hub-Signature-256: sha256=<HMAC-SHA256 of the raw body with the app secret>`, and posted again for 36 hours unless
they are answered 200.

A signature proves the author of an event, not that it is new: anyone who has seen one could replay it, and each replay
would invalidate cache entries that were paid for. So the inbox recognises a body for as long as its events are
accepted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.errors import BodyTooLarge, InvalidRequest, TooManyBodies
from gateway.http.request_parsing import parameters
from gateway.http.unknown_senders import UnknownSenders
from gateway.webhooks.inbox import Inbox, InboxUnavailable

PATH = "/webhooks/platform"
SIGNATURE = "x-hub-signature-256"
SIGNED = re.compile(r"sha256=[0-9a-f]{64}")
# Browsers must not interpret a challenge as HTML.
SAFE_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
LATER = {"retry-after": "10"}


class WebhookReceiver:
    """The route `/webhooks/platform`. `stored` is called with each body that was stored, and whether it is new."""

    def __init__(self, secret: str, verify_token: str, inbox: Inbox, *, stored: Callable[[bytes, bool], None]) -> None:
        self._secret = secret.encode()
        self._verify_token = verify_token.encode()
        self._inbox = inbox
        self._stored = stored
        self._senders = UnknownSenders()

    def route(self) -> Route:
        return Route(PATH, self.answer, methods=["GET", "POST"])

    async def answer(self, request: Request) -> Response:
        return await self._receive(request) if request.method == "POST" else self._subscribe(request)

    def _subscribe(self, request: Request) -> Response:
        try:
            params = parameters(request)
        except InvalidRequest:
            return _refused()
        shown = params.get("hub.verify_token", "").encode()
        is_known = hmac.compare_digest(shown, self._verify_token)
        if not is_known or params.get("hub.mode") != "subscribe":
            return _refused()
        return PlainTextResponse(params.get("hub.challenge", ""), headers=SAFE_HEADERS)

    async def _receive(self, request: Request) -> Response:
        """Return 200 for any signed body, even an undecodable one: the platform would only send it again.

        Return 503 if it cannot be stored, so that the platform does send it again.
        """
        signature = request.headers.get(SIGNATURE, "")
        if not SIGNED.fullmatch(signature):
            return _refused()
        try:
            body = await self._senders.body_of(request)
            if not self._is_signed(body, signature):
                return _refused()
            self._stored(body, await self._inbox.put(body))
        except TooManyBodies as error:
            return PlainTextResponse(error.message, status_code=503, headers=LATER)
        except InboxUnavailable as error:
            return PlainTextResponse(str(error), status_code=503, headers=LATER)
        except BodyTooLarge as error:
            return PlainTextResponse(error.message, status_code=413)
        except InvalidRequest as error:
            return PlainTextResponse(error.message, status_code=400)
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(status_code=200)

    def _is_signed(self, body: bytes, signature: str) -> bool:
        """Return whether the raw body is signed: re-encoded JSON would have another signature."""
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature.encode(), expected.encode())


def _refused() -> Response:
    """Return 403 without a reason, so that guessing reveals nothing."""
    return PlainTextResponse("Forbidden", status_code=403)
