"""Consent to an app: what it asks for, and the codes that it exchanges for tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from gateway.clock import Clock
from gateway.domain.hosts import is_loopback
from gateway.sandbox.publishing.permissions import Permission
from gateway.sandbox.publishing.problems import INVALID, WriteError

APP_ID = "sandbox"
APP_SECRET = "sandbox"  # pragma: allowlist secret # nosec B105 # noqa: S105 (of the sandbox alone)
LIFETIME = 3_600.0  # seconds
LONGEST = 2_048  # characters of a parameter
# RFC 7636, 4.2: the SHA-256 in base64url, without padding.
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
# Names that nobody can register.
RESERVED = ".test"


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """The request of an app for consent. `challenge` is empty where the platform knows no PKCE and none was sent."""

    redirect_uri: str
    state: str
    challenge: str
    permissions: frozenset[Permission]

    @classmethod
    def of(
        cls, parameters: Mapping[str, str], names: Mapping[str, Permission], host: str, *, needs_challenge: bool
    ) -> ConsentRequest:
        """Return the request that is in a query or form; `host` is the sandbox's own. Raises WriteError."""
        if any(len(value) > LONGEST for value in parameters.values()):
            raise WriteError(INVALID, f"A parameter has more than {LONGEST} characters")
        if parameters.get("client_id") != APP_ID:
            raise WriteError(INVALID, "Invalid client_id")
        uri = parameters.get("redirect_uri", "")
        if not _is_allowed(uri, host):
            raise WriteError(INVALID, "redirect_uri must be on this machine")
        if parameters.get("response_type") != "code":
            raise WriteError(INVALID, "response_type must be code")
        scopes = parameters.get("scope", "").replace(",", " ").split()
        if not scopes or (unknown := [scope for scope in scopes if scope not in names]):
            raise WriteError(INVALID, f"Invalid scope: {unknown[0] if scopes else 'none'}")
        challenge = parameters.get("code_challenge", "")
        if needs_challenge or challenge:
            is_s256 = parameters.get("code_challenge_method") == "S256"
            if not is_s256 or not CHALLENGE.fullmatch(challenge):
                raise WriteError(INVALID, "A code_challenge of the method S256 is required")
        return cls(uri, parameters.get("state", ""), challenge, frozenset(names[scope] for scope in scopes))

    def answered(self, parameters: Mapping[str, str], ending: str = "") -> str:
        """Return the URL that leads back to the app."""
        given = {**parameters, "state": self.state} if self.state else {**parameters}
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode(given)}{ending}"


@dataclass(frozen=True, slots=True)
class _Code:
    account: int
    permissions: frozenset[Permission]
    redirect_uri: str
    challenge: str
    until: float


class AuthorizationCodes:
    """The codes of one platform that are not used yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, _Code] = {}

    def clear(self) -> None:
        self._codes.clear()

    def add(self, account: int, request: ConsentRequest, permissions: frozenset[Permission]) -> str:
        """Return a code for an account that gives these permissions."""
        code = secrets.token_urlsafe(24)
        until = self._clock.now() + LIFETIME
        self._codes[code] = _Code(account, permissions, request.redirect_uri, request.challenge, until)
        return code

    def account(self, code: str) -> int:
        """Return the account of a code. Raises WriteError."""
        known = self._codes.get(code)
        if known is None or known.until <= self._clock.now():
            raise WriteError(INVALID, "This authorization code has been used or has expired")
        return known.account

    def use(self, code: str, *, secret: str, redirect_uri: str, verifier: str) -> tuple[int, frozenset[Permission]]:
        """Return the account and the permissions of a code, which is used by that, also where something is wrong.

        Raises WriteError.
        """
        self.account(code)
        known = self._codes.pop(code)
        if not hmac.compare_digest(secret.encode(), APP_SECRET.encode()):
            raise WriteError(INVALID, "Error validating client secret")
        if redirect_uri != known.redirect_uri:
            raise WriteError(INVALID, "redirect_uri is not that of the authorization request")
        if known.challenge and _challenge(verifier) != known.challenge:
            raise WriteError(INVALID, "code_verifier does not fit the code_challenge")
        return known.account, known.permissions


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _is_allowed(uri: str, own: str) -> bool:
    """Return whether an app may have this redirect URI: anybody can send a browser to the sandbox."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_plain = parts.scheme in ("http", "https") and "#" not in uri and parts.username is None
    return is_plain and (is_loopback(host) or host in ("localhost", own) or host.endswith(RESERVED))
