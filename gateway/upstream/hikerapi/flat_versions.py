"""The versions of a picture or a video, of which the first one is shown: its URL and its size."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from gateway.upstream.hikerapi.flat_parts import UNREADABLE, Given, Part, is_given


class RawVersion(Part):
    """One size of a picture or a video, in pixels."""

    url: Any = UNSET
    width: Any = UNSET
    height: Any = UNSET


class RawImages(Part):
    candidates: Given[list[RawVersion]] = UNSET


def candidates(images: Any) -> Any:
    """Return the versions of a raw picture; UNREADABLE if its container is of another type."""
    if isinstance(images, RawImages):
        return images.candidates
    return [UNREADABLE] if is_given(images) else None


def first_url(versions: Any) -> Any:
    """Return the URL of the first version, None if there is none; UNREADABLE for a container of another type."""
    first = _first(versions)
    return first.url if isinstance(first, RawVersion) else first


def size_of(videos: Any, images: Any) -> tuple[Any, Any]:
    """Return width and height of a post or a part of one: of its video, otherwise of its picture."""
    shown = _first(videos)
    if shown is None:
        shown = _first(images)
    if isinstance(shown, RawVersion):
        return shown.width, shown.height
    return (UNSET, UNSET) if shown is None else (UNREADABLE, UNREADABLE)


def _first(versions: Any) -> Any:
    if not versions and not isinstance(versions, str | int | dict):
        return None
    first = versions[0] if isinstance(versions, list) else None
    return first if isinstance(first, RawVersion) else UNREADABLE
