"""Endpoints of the read API with their prices, and calls of them.

Source of paths, parameters and prices: the vendor's documentation. Prices are in billed requests.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from urllib.parse import quote

from gateway.domain.ids import highlight_url


class Endpoint(enum.Enum):
    """An endpoint: path, key parameter, price, price with `force=on` (None: cannot be forced), noun of its object."""

    HIGHLIGHT = ("/v1/highlight/by/url", "url", 1, None, "highlight")
    TRAY = ("/v1/user/highlights", "user_id", 2, 1, "user")
    TRAY_BY_USERNAME = ("/v1/user/highlights/by/username", "username", 3, 2, "user")
    PROFILE = ("/v1/user/by/id", "id", 1, None, "user")
    PROFILE_BY_USERNAME = ("/v1/user/by/username", "username", 1, None, "user")
    ITEM = ("/v1/story/by/id", "id", 1, None, "item")

    def __init__(self, path: str, parameter: str, price: int, forced_price: int | None, noun: str) -> None:
        self.path = path
        self.parameter = parameter
        self.price = price
        self.forced_price = forced_price
        self.noun = noun
        self.label = self.name.lower()

    # The hash by identity: an enum's own hashes its name, and calls are looked up a hundred times an operation.
    __hash__ = object.__hash__

    @property
    def is_tray(self) -> bool:
        return self in (Endpoint.TRAY, Endpoint.TRAY_BY_USERNAME)


@dataclass(frozen=True, slots=True)
class Call:
    """One upstream request. `key` is a user's id or name, or the pk of a highlight or item, as `endpoint` wants it.

    `forced` skips the upstream's privacy check; raises ValueError for an endpoint that cannot be forced.
    """

    endpoint: Endpoint
    key: str
    forced: bool = False

    def __post_init__(self) -> None:
        if self.forced and self.endpoint.forced_price is None:
            raise ValueError(f"{self.endpoint.label} cannot be forced")

    @property
    def nominal_price(self) -> int:
        forced = self.endpoint.forced_price
        return forced if self.forced and forced is not None else self.endpoint.price

    @property
    def subject(self) -> str:
        """The requested object in a sentence: `user 'natgeo'`."""
        return f"{self.endpoint.noun} '{self.key}'"

    @property
    def target(self) -> str:
        """Path and query."""
        key = highlight_url(self.key) if self.endpoint is Endpoint.HIGHLIGHT else self.key
        force = "&force=on" if self.forced else ""
        return f"{self.endpoint.path}?{self.endpoint.parameter}={quote(key, safe='')}{force}"
