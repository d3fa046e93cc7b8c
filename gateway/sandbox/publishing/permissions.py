"""The permissions that an account gives an app, by the names that each of the two platforms has for them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Permission(enum.Enum):
    """A permission, with what a consent page says of it."""

    BASIC = "See the profile and the media"
    PUBLISH = "Publish stories and highlights"
    COMMENTS = "Manage comments"
    INSIGHTS = "See insights"


ALL = frozenset(Permission)
# The contract names none.
PLATFORM_NAMES: Mapping[str, Permission] = MappingProxyType(
    {permission.name.lower(): permission for permission in Permission}
)
INSTAGRAM_NAMES: Mapping[str, Permission] = MappingProxyType(
    {
        "instagram_business_basic": Permission.BASIC,
        "instagram_business_content_publish": Permission.PUBLISH,
        "instagram_business_manage_comments": Permission.COMMENTS,
        "instagram_business_manage_insights": Permission.INSIGHTS,
    }
)
