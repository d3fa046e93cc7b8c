"""The flat form of users: the fields of a UserSummary."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, field

from gateway.upstream.hikerapi.flat_parts import Part, first_given, first_pk


class RawUser(Part):
    """A user, raw and flat: `pk_id` and `strong_id` are not in the flat form."""

    pk: Any = UNSET
    id: Any = UNSET
    username: Any = UNSET
    full_name: Any = UNSET
    profile_pic_url: Any = UNSET
    profile_pic_url_hd: Any = UNSET
    is_private: Any = UNSET
    is_verified: Any = UNSET
    pk_id: Any = UNSET
    strong_id: Any = field(name="strong_id__", default=UNSET)


class RawListedUser(RawUser):
    """A user in a list of users, with the Unix seconds of the newest live story."""

    latest_reel_media: Any = UNSET
    long_latest_reel_media: Any = field(name="1llatest_reel_media", default=UNSET)


def flat_user(raw: Any) -> Any:
    """Make `raw` flat in place, and return it. The pk is absent if no field has it."""
    if isinstance(raw, RawUser):
        if not raw.pk:  # nearly all have one
            raw.pk = first_pk(raw.pk_id, raw.id, raw.strong_id)
        raw.pk_id = raw.strong_id = UNSET
    return raw


def flat_listed_user(raw: Any) -> Any:
    """Make `raw` flat in place, and return it."""
    if isinstance(raw, RawListedUser):
        raw.latest_reel_media = first_given(raw.latest_reel_media, raw.long_latest_reel_media)
        raw.long_latest_reel_media = UNSET
    return flat_user(raw)
