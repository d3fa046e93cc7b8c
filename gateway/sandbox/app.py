"""The sandbox's Starlette app, at the root of its own server or mounted under a prefix."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.clock import Clock
from gateway.sandbox.account import Account
from gateway.sandbox.answers import Answers
from gateway.sandbox.call_counter import Meter
from gateway.sandbox.cdn import PictureServer, Signer
from gateway.sandbox.control import Control, checked, control_routes
from gateway.sandbox.endpoints import BALANCE, ENDPOINTS, Endpoint
from gateway.sandbox.faults import Faults
from gateway.sandbox.fixture_users import TOKENS
from gateway.sandbox.publishing.build import Publishing, Terms
from gateway.sandbox.publishing.stories import QUOTA_TOTAL
from gateway.sandbox.publishing.usage import CALLS_PER_HOUR
from gateway.sandbox.read_endpoint import ReadEndpoint, SandboxServices
from gateway.sandbox.scheduler import Scheduler
from gateway.sandbox.uploaded_media import Gallery
from gateway.sandbox.wire import Wire
from gateway.sandbox.world import World

PICTURES = "/cdn/{path:path}"


class Sandbox:
    """The state that a test can read and change: `app.state.sandbox`."""

    def __init__(
        self, clock: Clock, account: Account, terms: Terms, webhook_transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.world = World()
        self.meter = Meter()
        self.faults = Faults()
        self.account = account
        self.services = SandboxServices(clock, account, self.meter, self.faults, Scheduler(clock))
        self.gallery = Gallery()
        self.publishing = Publishing(self.world, self.services, self.gallery, terms, webhook_transport)

    @property
    def balance(self) -> int:
        """The remaining balance, in billed requests."""
        return self.account.balance

    @balance.setter
    def balance(self, requests: int) -> None:
        self.account.balance = requests

    def reset(self) -> None:
        """Restore the initial state: meter, faults, balance, rate, data, and nothing published."""
        self.meter.reset()
        self.faults.clear()
        self.account.reset()
        self.publishing.clear()
        self.world.restore()


def create_sandbox(
    *,
    clock: Clock,
    keys: frozenset[str] = frozenset({"sandbox"}),
    balance: int = 1_000_000,
    rate: int | None = None,
    base_url: str = "http://127.0.0.1:8000/sandbox",
    tokens: Mapping[str, int] = TOKENS,
    quota: int = QUOTA_TOTAL,
    calls_per_hour: int = CALLS_PER_HOUR,
    webhook_transport: httpx.AsyncBaseTransport | None = None,
    control: Control = Control.ANYBODY,
) -> Starlette:
    """Return an app for the read API and, under `/platform` and `/aiograpi`, both dialects of the write API.

    `keys` are the access keys it accepts, `balance` is in billed requests, `rate` in requests per second (None: no
    limit), `base_url` is where the app can be reached, prefix included: its signed URLs begin with it.

    `tokens` map an access token (in the other dialect: session id) to the pk of its user. `quota` is in
    publications per account and rolling day, `calls_per_hour` is in write calls per account. Webhooks are sent over
    `webhook_transport` (None: real sockets, to this machine only), which is entered and left for each. Raises
    ValueError for a token of an unknown user.
    """
    terms = Terms(tokens, quota, calls_per_hour)
    sandbox = Sandbox(clock, Account(clock, keys, balance, rate), terms, webhook_transport)
    signer = Signer(base_url)
    wire = Wire(sandbox.world, signer)
    answers = Answers(sandbox.world, wire, clock)
    pictures = PictureServer(signer, sandbox.world, sandbox.gallery, clock)
    routes: list[BaseRoute] = [Route(each.path, each, methods=["GET"]) for each in _read_endpoints(sandbox, answers)]
    routes += [Route(PICTURES, pictures.serve), *sandbox.publishing.routes(wire, base_url)]
    routes += checked([*control_routes(sandbox), *sandbox.publishing.control_routes()], control)
    app = Starlette(routes=routes, exception_handlers={HTTPException: _fastapi_error})
    app.router.redirect_slashes = False  # a redirect would lead to any host in the `Host` header
    app.state.sandbox = sandbox
    return app


def pictures_of(sandbox: Starlette) -> Starlette:
    """Return an app with only the CDN of a sandbox, which requires no key."""
    app = Starlette(routes=[route for route in sandbox.routes if isinstance(route, Route) and route.path == PICTURES])
    app.router.redirect_slashes = False
    app.state = sandbox.state
    return app


def _read_endpoints(sandbox: Sandbox, answers: Answers) -> list[ReadEndpoint]:
    priced = [
        ReadEndpoint(
            sandbox.services,
            endpoint.path,
            endpoint.price_of,
            functools.partial(_work, answers, endpoint),
            endpoint.cursor,
        )
        for endpoint in ENDPOINTS
    ]
    free = ReadEndpoint(
        sandbox.services, BALANCE, lambda query: 0, lambda query: msgspec.json.encode(sandbox.account.statement())
    )
    return [*priced, free]


def _work(answers: Answers, endpoint: Endpoint, query: QueryParams) -> bytes:
    return endpoint.answer(answers, endpoint.question(query))


async def _fastapi_error(request: Request, exc: Exception) -> Response:
    """Reject an unknown path or method as the vendor's framework does."""
    if not isinstance(exc, HTTPException):
        raise exc
    return JSONResponse({"detail": exc.detail}, exc.status_code, exc.headers)
