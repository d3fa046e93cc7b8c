"""The OAuth providers: the URLs of each, its names for permissions, and the abilities that these give."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


class ConnectScope(enum.Enum):
    BASIC = "BASIC"
    PUBLISH = "PUBLISH"
    COMMENTS = "COMMENTS"
    INSIGHTS = "INSIGHTS"


class Capability(enum.Enum):
    PUBLISH_MEDIA = "PUBLISH_MEDIA"
    PUBLISH_STORY = "PUBLISH_STORY"
    HIGHLIGHTS = "HIGHLIGHTS"
    TOGGLE_COMMENTS = "TOGGLE_COMMENTS"
    COMMENT = "COMMENT"
    HIDE_COMMENT = "HIDE_COMMENT"
    LIKE = "LIKE"
    FOLLOW = "FOLLOW"
    MEDIA_INSIGHTS = "MEDIA_INSIGHTS"
    ACCOUNT_INSIGHTS = "ACCOUNT_INSIGHTS"
    EVENTS = "EVENTS"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider. `names` are its names of the scopes, `abilities` what each scope gives.

    `names_pks`: its ids of accounts are the pks of the read API. `issuer` is the value that it may send as `iss`.
    """

    name: str
    authorize_url: str
    exchange_url: str
    api_url: str
    owner_path: str
    names: Mapping[ConnectScope, str]
    abilities: Mapping[ConnectScope, frozenset[Capability]]
    names_pks: bool
    issuer: str

    def scopes(self, chosen: Iterable[ConnectScope]) -> tuple[str, ...]:
        """Return the provider's names for scopes. The basic one is always among them: without it no token is of use."""
        wanted = {ConnectScope.BASIC, *chosen}
        return tuple(name for scope, name in self.names.items() if scope in wanted)

    def capabilities(self, granted: Sequence[str]) -> frozenset[Capability]:
        """Return the abilities that these permissions give."""
        return frozenset(
            ability for scope, name in self.names.items() if name in granted for ability in self.abilities[scope]
        )


PLATFORM, INSTAGRAM = "platform", "instagram"
_PLATFORM_ABILITIES = MappingProxyType(
    {
        ConnectScope.BASIC: frozenset({Capability.EVENTS}),
        ConnectScope.PUBLISH: frozenset(
            {
                *(Capability.PUBLISH_MEDIA, Capability.PUBLISH_STORY, Capability.HIGHLIGHTS),
                *(Capability.LIKE, Capability.FOLLOW),
            }
        ),
        ConnectScope.COMMENTS: frozenset({Capability.COMMENT}),
        ConnectScope.INSIGHTS: frozenset({Capability.MEDIA_INSIGHTS, Capability.ACCOUNT_INSIGHTS}),
    }
)
# Today's Instagram has no highlights, likes and follows for apps.
_INSTAGRAM_ABILITIES = MappingProxyType(
    {
        ConnectScope.BASIC: frozenset({Capability.EVENTS}),
        ConnectScope.PUBLISH: frozenset({Capability.PUBLISH_MEDIA, Capability.PUBLISH_STORY}),
        ConnectScope.COMMENTS: frozenset({Capability.COMMENT, Capability.HIDE_COMMENT, Capability.TOGGLE_COMMENTS}),
        ConnectScope.INSIGHTS: frozenset({Capability.MEDIA_INSIGHTS, Capability.ACCOUNT_INSIGHTS}),
    }
)


def platform_provider(api_url: str, page_url: str | None = None) -> Provider:
    """Return the provider of the Platform API. `page_url` is where browsers reach it, if that is another URL."""
    page = api_url if page_url is None else page_url
    return Provider(
        name=PLATFORM,
        authorize_url=f"{page}/oauth/authorize",
        exchange_url=f"{api_url}/oauth/access_token",
        api_url=api_url,
        owner_path="/users/self",
        names={scope: scope.value.lower() for scope in ConnectScope},
        abilities=_PLATFORM_ABILITIES,
        names_pks=True,
        issuer=page,
    )


def instagram_provider(
    page_url: str = "https://www.instagram.com",
    exchange_url: str = "https://api.instagram.com",
    api_url: str = "https://graph.instagram.com",
) -> Provider:
    """Return the provider of Instagram Login. The arguments are its three hosts."""
    return Provider(
        name=INSTAGRAM,
        authorize_url=f"{page_url}/oauth/authorize",
        exchange_url=f"{exchange_url}/oauth/access_token",
        api_url=api_url,
        owner_path="/me?fields=id,user_id,username",
        names={
            ConnectScope.BASIC: "instagram_business_basic",
            ConnectScope.PUBLISH: "instagram_business_content_publish",
            ConnectScope.COMMENTS: "instagram_business_manage_comments",
            ConnectScope.INSIGHTS: "instagram_business_manage_insights",
        },
        abilities=_INSTAGRAM_ABILITIES,
        names_pks=False,
        issuer=page_url,
    )
