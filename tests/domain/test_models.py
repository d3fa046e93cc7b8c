"""The models, read from the vendor's recorded answers and from answers bent out of shape."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.models import Highlight, Item, LoadedHighlight, MediaKind
from gateway.domain.users import Profile, UserSummary

RECORDED = Path(__file__).parent.parent / "recorded"


def recorded(name: str) -> Any:
    return msgspec.json.decode((RECORDED / f"{name}.json").read_bytes())


def item(**fields: Any) -> Item:
    return msgspec.convert({"pk": "1", "id": "1_2"} | fields, Item)


def loaded(**fields: Any) -> LoadedHighlight:
    return msgspec.convert({"pk": "1", "user": {"pk": "2"}} | fields, LoadedHighlight)


def test_the_recorded_highlight_is_read_with_its_items() -> None:
    highlight = msgspec.convert(recorded("highlight_by_url"), LoadedHighlight)
    raw = recorded("highlight_by_url")
    assert highlight.id == f"highlight:{raw['pk']}" == raw["id"]
    assert highlight.url == f"https://www.instagram.com/stories/highlights/{raw['pk']}/"
    assert [item.id for item in highlight.items] == [item["id"] for item in raw["items"]]
    assert highlight.latest_media_at == datetime.fromtimestamp(raw["latest_reel_media"], UTC)
    assert highlight.missing_item_ids == ()


@pytest.mark.parametrize("name", ["user_highlights", "user_highlights_by_username"])
def test_the_recorded_trays_are_read(name: str) -> None:
    tray = msgspec.convert(recorded(name), tuple[Highlight, ...])
    assert [(entry.pk, entry.title, entry.media_count) for entry in tray] == [
        (raw["pk"], raw["title"], raw["media_count"]) for raw in recorded(name)
    ]
    assert {entry.owner.id for entry in tray if entry.owner} == {"787132"}


def test_an_items_urls_die_when_the_first_of_them_does() -> None:
    """`69AA3F6F` is the signature expiry of the facts' own example: 1772765039."""
    earlier, later = "https://a.test/x.jpg?a=1&oe=69AA3F6F", "https://a.test/y.mp4?oe=69AC0000&b=2"
    expected = datetime.fromtimestamp(1_772_765_039, UTC)
    assert item(thumbnail_url=earlier, video_url=later).urls_expire_at == expected
    assert item(thumbnail_url=later, video_url=earlier).urls_expire_at == expected
    assert item(thumbnail_url=earlier).urls_expire_at == expected


@pytest.mark.parametrize(
    "url", [None, "", "https://a.test/x.jpg", "https://a.test/x.jpg?oe=", "https://a.test/?poe=69AA3F6F&oe=zz"]
)
def test_a_url_without_a_readable_expiry_says_nothing(url: str | None) -> None:
    assert item(thumbnail_url=url).urls_expire_at is None


@pytest.mark.parametrize("digits", ["FFFFFFFFFFFF", "3AFFF44180", "ffffffffff"])
def test_an_expiry_beyond_the_calendar_is_null(digits: str) -> None:
    assert item(video_url=f"https://a.test/x.mp4?oe={digits}").urls_expire_at is None


@given(st.integers(-(2**63), 2**64 - 1))
def test_any_number_of_seconds_is_a_moment_or_none_that_is_read(seconds: int) -> None:
    try:
        moment = loaded(latest_reel_media=seconds).latest_media_at
    except msgspec.ValidationError:
        with pytest.raises((OverflowError, ValueError, OSError)):
            datetime.fromtimestamp(seconds, UTC)
    else:
        assert moment is not None
        assert moment.timestamp() == seconds


def test_a_moment_that_is_not_told_is_null() -> None:
    assert loaded().latest_media_at is None


@pytest.mark.parametrize(("number", "kind"), [(1, MediaKind.PHOTO), (2, MediaKind.VIDEO), (8, MediaKind.ALBUM)])
def test_kinds_are_read_from_the_platforms_numbers(number: int, kind: MediaKind) -> None:
    assert item(media_type=number).kind is kind


@pytest.mark.parametrize("number", [0, 3, -1, 10**12, None])
def test_a_kind_that_the_contract_does_not_know_is_null(number: int | None) -> None:
    assert item(media_type=number).kind is None


def test_items_are_chosen_by_kind_in_the_highlights_order() -> None:
    kinds = [1, 2, 1, 8, None, 2]
    highlight = loaded(items=[{"pk": str(n), "id": f"{n}_2", "media_type": kind} for n, kind in enumerate(kinds, 1)])
    assert [item.pk for item in highlight.items_of()] == ["1", "2", "3", "4", "5", "6"]
    assert [item.pk for item in highlight.items_of(MediaKind.VIDEO)] == ["2", "6"]
    assert [item.pk for item in highlight.items_of("PHOTO")] == ["1", "3"]


@given(st.lists(st.integers(1, 2**63), unique=True, max_size=20), st.data())
def test_missing_are_the_named_ids_without_an_item(named: list[int], data: st.DataObject) -> None:
    """Ids come as numbers in the list and as text, or numbers, in the items; order is the highlight's own."""
    present = data.draw(st.sets(st.sampled_from(named))) if named else set()
    pks: list[Any] = [data.draw(st.sampled_from([pk, str(pk)])) for pk in present]
    highlight = loaded(media_ids=named, items=[{"pk": pk, "id": f"{pk}_2"} for pk in pks])
    assert highlight.missing_item_ids == tuple(str(pk) for pk in named if pk not in present)


def test_numbers_above_2_to_the_53_stay_exact() -> None:
    pk = 18_085_475_671_830_441
    assert msgspec.convert({"pk": pk}, UserSummary).id == str(pk)
    assert loaded(media_ids=[pk]).missing_item_ids == (str(pk),)


def test_the_short_fields_of_a_profile_stand_alone() -> None:
    profile = msgspec.convert({"pk": 1, "username": "a", "full_name": "A", "biography": "long"}, Profile)
    alone = profile.alone()
    assert type(alone) is UserSummary
    assert (alone.pk, alone.username, alone.full_name) == (1, "a", "A")


def test_what_the_platform_adds_one_day_is_ignored() -> None:
    assert item(something_new={"a": [1]}).pk == "1"
