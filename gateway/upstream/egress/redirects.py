"""Redirects, each of which is checked before it is followed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import urljoin

import httpx

from gateway.upstream.egress.address_policy import AddressNotAllowed

Permit: TypeAlias = Callable[[str], Awaitable[object]]
Ask: TypeAlias = Callable[[str], Awaitable[httpx.Response]]

MOST = 5
STATUSES = frozenset({301, 302, 303, 307, 308})


async def follow(url: str, *, permit: Permit, ask: Ask) -> httpx.Response:
    """Return the response at the end of the redirects, with its body unread. The caller closes it.

    `permit` raises AddressNotAllowed for an address that must not be requested. Raises that, and the errors of `ask`.
    """
    for _ in range(1 + MOST):
        await permit(url)
        response = await ask(url)
        location = response.headers.get("location")
        if response.status_code not in STATUSES or location is None:
            return response
        await response.aclose()
        url = _joined(url, location)
    raise AddressNotAllowed("redirects too often")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as exc:
        raise AddressNotAllowed("redirects to an invalid URL") from exc
