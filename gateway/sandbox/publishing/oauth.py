"""The OAuth servers of the sandbox: the contract's, and one that answers as Instagram Login does.

    GET, POST /oauth/authorize         the consent page; it leads back with `code` and `state`, or `error=access_denied`
    GET, POST /oauth/access            the accounts that apps have access to, where it can be removed
    POST      /oauth/access_token      a code for a token of an hour
    GET       /access_token            a token of an hour for one of 60 days
    GET       /refresh_access_token    a token of 60 days, at least a day old, for another one
    GET       /me                      Instagram alone: the account, by both of its ids there

They are under `/platform` and `/instagram`; id and secret of the app are `sandbox`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.sandbox.entities import User
from gateway.sandbox.faults import Effects
from gateway.sandbox.publishing.accounts import LIFETIME, Accounts
from gateway.sandbox.publishing.authorization_codes import APP_ID, APP_SECRET, AuthorizationCodes, ConsentRequest
from gateway.sandbox.publishing.bodies import read_body
from gateway.sandbox.publishing.consent_pages import HEADERS, access_page, consent_page, refusal_page
from gateway.sandbox.publishing.permissions import INSTAGRAM_NAMES, PLATFORM_NAMES, Permission
from gateway.sandbox.publishing.problems import INVALID, REMOVED, TOKEN_INVALID, WriteError
from gateway.sandbox.publishing.write_endpoint import Call
from gateway.sandbox.replies import Reply

EXCHANGE = "/oauth/access_token"
Refuse = Callable[[WriteError, float | None], Reply]


class ExchangeShape(msgspec.Struct, forbid_unknown_fields=True):
    """The shape in which the exchange answers: both platforms have been seen to answer in each of the four."""

    is_wrapped: bool = False
    """The answer is the one entry of a list `data`."""
    is_listed: bool = True
    """`permissions` is a list, and no text with commas."""


@dataclass(frozen=True, slots=True)
class Platform:
    """The particulars of one platform. `ending` follows the URL that leads back to the app."""

    names: Mapping[str, Permission]
    usual_shape: ExchangeShape
    needs_challenge: bool
    ending: str = ""

    def user_id(self, user: User) -> str | int:
        """Return the id by which the exchange names an account."""
        return str(user.pk)


class _Instagram(Platform):
    __slots__ = ()

    def user_id(self, user: User) -> str | int:
        return 17_841_400_000_000_000 + user.pk % 10**9


CONTRACT = Platform(PLATFORM_NAMES, ExchangeShape(), needs_challenge=True)
INSTAGRAM = _Instagram(INSTAGRAM_NAMES, ExchangeShape(is_wrapped=True, is_listed=False), False, "#_")


class OAuthServer:
    """One of the servers. `people` are the accounts that a person may choose, `refuse` makes the reply to an error."""

    def __init__(
        self,
        platform: Platform,
        accounts: Accounts,
        codes: AuthorizationCodes,
        people: Sequence[User],
        refuse: Refuse,
    ) -> None:
        self._platform = platform
        self._accounts = accounts
        self._codes = codes
        self._people = people
        self.refuse = refuse
        self.clear()

    def clear(self) -> None:
        self._codes.clear()
        self.shape = self._platform.usual_shape

    # The pages.

    def pages(self, prefix: str) -> list[Route]:
        return [
            Route(f"{prefix}/oauth/authorize", self._ask, methods=["GET"]),
            Route(f"{prefix}/oauth/authorize", self._decide, methods=["POST"]),
            Route(f"{prefix}/oauth/access", self._show_access, methods=["GET"]),
            Route(f"{prefix}/oauth/access", self._remove_access, methods=["POST"]),
        ]

    async def _ask(self, request: Request) -> Response:
        try:
            asked = self._consent_request(request, request.query_params)
        except WriteError as denied:
            return refusal_page(denied.problem.message)
        return consent_page(dict(request.query_params), self._people, asked.permissions)

    async def _decide(self, request: Request) -> Response:
        try:
            _require_own_page(request)
            form = (await read_body(request)).values
            asked = self._consent_request(request, {name: values[0] for name, values in form.items()})
            if form.get("decision") != ["allow"]:
                given = {"error": "access_denied", "error_reason": "user_denied", "error_description": "Denied"}
                return _redirect(asked.answered(given))
            user = self._accounts.named(form.get("account", [""])[0])
            permissions = frozenset(each for each in asked.permissions if each.name in form.get("permission", ()))
        except WriteError as denied:
            return refusal_page(denied.problem.message)
        return _redirect(asked.answered({"code": self._codes.add(user.pk, asked, permissions)}, self._platform.ending))

    async def _show_access(self, request: Request) -> Response:
        return access_page(self._accounts.connected())

    async def _remove_access(self, request: Request) -> Response:
        try:
            _require_own_page(request)
            user = self._accounts.named((await read_body(request)).required("account"))
        except WriteError as denied:
            return refusal_page(denied.problem.message)
        self._accounts.end(user.pk, REMOVED)
        return _redirect(request.url.path)

    def _consent_request(self, request: Request, parameters: Mapping[str, str]) -> ConsentRequest:
        platform, host = self._platform, request.url.hostname or ""
        return ConsentRequest.of(parameters, platform.names, host, needs_challenge=platform.needs_challenge)

    # The calls, as a dialect of which no call has an account of its own.

    async def identify(self, request: Request) -> User:
        """Return the account that the code or the token of a call belongs to. Raises WriteError."""
        if request.method == "POST":
            code = (await read_body(request)).required("code")
            return self._accounts.named(str(self._codes.account(code)))
        return self._accounts.of(_token_of(request))

    def answer(self, call: Call, work: Callable[[Call], Reply]) -> Reply:
        return work(call)

    def headers(self, caller: User | None, effects: Effects, denied: WriteError | None) -> dict[str, str]:
        return {"cache-control": "no-store"}

    def calls(self) -> Sequence[tuple[str, str, Callable[[Call], Reply]]]:
        return (
            ("POST", EXCHANGE, self._exchange_code),
            ("GET", "/access_token", self._exchange_token),
            ("GET", "/refresh_access_token", self._refresh),
        )

    def _exchange_code(self, call: Call) -> Reply:
        body = call.body
        if body.required("client_id") != APP_ID:
            raise WriteError(INVALID, "Invalid client_id")
        if body.required("grant_type") != "authorization_code":
            raise WriteError(INVALID, "grant_type must be authorization_code")
        account, permissions = self._codes.use(
            body.required("code"),
            secret=body.required("client_secret"),
            redirect_uri=body.required("redirect_uri"),
            verifier=body.text("code_verifier") or "",
        )
        user = self._accounts.named(str(account))
        names = [name for name, permission in self._platform.names.items() if permission in permissions]
        answer = {
            "access_token": self._accounts.granted(user, permissions),
            "user_id": self._platform.user_id(user),
            "permissions": names if self.shape.is_listed else ",".join(names),
        }
        return _reply({"data": [answer]} if self.shape.is_wrapped else answer)

    def _exchange_token(self, call: Call) -> Reply:
        if call.query.get("grant_type") != "ig_exchange_token":
            raise WriteError(INVALID, "grant_type must be ig_exchange_token")
        if call.query.get("client_secret") != APP_SECRET:
            raise WriteError(INVALID, "Error validating client secret")
        return _token(self._accounts.exchanged(call.query.get("access_token", "")))

    def me(self, call: Call) -> Reply:
        """Answer `GET /me`: `user_id` is what webhooks and paths name, `id` belongs to the app. Neither is the pk."""
        user = call.caller
        answer: dict[str, object] = {
            "user_id": str(self._platform.user_id(user)),
            "username": user.username,
            "name": user.full_name,
            "account_type": "BUSINESS",
        }
        asked = call.query.get("fields", "user_id,username").split(",")
        return _reply({name: answer[name] for name in asked if name in answer} | {"id": str(24_000_000_000 + user.pk)})

    def _refresh(self, call: Call) -> Reply:
        if call.query.get("grant_type") != "ig_refresh_token":
            raise WriteError(INVALID, "grant_type must be ig_refresh_token")
        return _token(self._accounts.refreshed(call.query.get("access_token", "")))


def _token_of(request: Request) -> str:
    """Return the token that a call carries. Raises WriteError."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = request.query_params.get("access_token") or (bearer.strip() if scheme.lower() == "bearer" else "")
    if not token:
        raise WriteError(TOKEN_INVALID, "An access token is required")
    return token


def _require_own_page(request: Request) -> None:
    """Raise WriteError for a form of another page: any page can have a browser send one."""
    origin = urlsplit(request.headers.get("origin", ""))
    if origin.netloc != request.url.netloc:
        raise WriteError(INVALID, "The form comes from another page")


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303, HEADERS)


def _token(token: str) -> Reply:
    return _reply({"access_token": token, "token_type": "bearer", "expires_in": int(LIFETIME)})  # nosec B105 # (a scheme)


def _reply(value: object) -> Reply:
    return Reply(200, msgspec.json.encode(value))
