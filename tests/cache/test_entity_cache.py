"""What is remembered of past answers, and who may know it."""

from __future__ import annotations

import msgspec
import pytest

from gateway.cache.entity_cache import EntityCache
from gateway.cache.operation_view import OperationView
from gateway.domain.ids import HighlightId, ItemId, UserId, Username
from gateway.domain.models import Highlight, Item, LoadedHighlight
from gateway.domain.users import Profile, UserSummary
from gateway.errors import Missing, NotFound, PrivateAccount, UpstreamTimeout, UpstreamUnavailable
from gateway.reads.endpoints import Call, Endpoint
from gateway.reads.facts import FactKind, Lifetime
from gateway.upstream.hikerapi import endpoints
from tests.cache.harness import LIFETIMES, answered, entry, failed, highlight, memory, user
from tests.fakes.clock import ManualClock

ANN, ANN_BY_NAME = UserId("1"), Username("ann")
NOBODY = NotFound("There is no such user.")
LOCKED = PrivateAccount("Private.")


def is_told(problem: object, as_: Missing) -> bool:
    """It is another exception each time."""
    return type(problem) is type(as_) and str(problem) == str(as_)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def kept(clock: ManualClock) -> EntityCache:
    return memory(clock)


@pytest.fixture
def recalled(kept: EntityCache) -> OperationView:
    return OperationView(kept, forced=False)


@pytest.fixture
def forced(kept: EntityCache) -> OperationView:
    return OperationView(kept, forced=True)


# -- what an answer tells


def test_a_tray_tells_its_owner_the_name_and_whose_its_highlights_are(
    kept: EntityCache, recalled: OperationView
) -> None:
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user()), entry("11", user())]))
    tray = recalled.fact(FactKind.TRAY, ANN)
    assert isinstance(tray, tuple)
    assert [highlight.pk for highlight in tray] == ["10", "11"]
    short = recalled.fact(FactKind.SUMMARY, ANN)
    assert isinstance(short, UserSummary)
    assert (short.username, short.full_name) == ("ann", "Ann")
    assert recalled.fact(FactKind.IDENTITY, ANN_BY_NAME) == ANN
    assert recalled.owner_of(HighlightId("10")) == recalled.owner_of(HighlightId("11")) == ANN


def test_a_tray_by_name_is_remembered_by_id(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.TRAY_BY_USERNAME, "ann", [entry("10", user())]))
    assert isinstance(recalled.fact(FactKind.TRAY, ANN), tuple)
    assert recalled.fact(FactKind.IDENTITY, ANN_BY_NAME) == ANN


def test_an_empty_tray_by_name_does_not_tell_whose_it_is(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.TRAY_BY_USERNAME, "ann", []))
    assert recalled.fact(FactKind.TRAY, ANN_BY_NAME) == ()
    assert recalled.fact(FactKind.TRAY, ANN) is None
    assert recalled.fact(FactKind.IDENTITY, ANN_BY_NAME) is None


def test_a_profile_by_name_is_remembered_by_id_with_its_short_fields(
    kept: EntityCache, recalled: OperationView
) -> None:
    kept.keep(answered(endpoints.PROFILE_BY_USERNAME, "ann", user(biography="Hello")))
    profile, short = recalled.fact(FactKind.PROFILE, ANN), recalled.fact(FactKind.SUMMARY, ANN)
    assert isinstance(profile, Profile)
    assert profile.biography == "Hello"
    assert type(short) is UserSummary
    assert recalled.fact(FactKind.IDENTITY, ANN_BY_NAME) == ANN


def test_a_highlight_tells_its_owner_and_whose_it_is(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.HIGHLIGHT, "10", highlight("10", user(), "100")))
    loaded = recalled.fact(FactKind.HIGHLIGHT, HighlightId("10"))
    assert isinstance(loaded, LoadedHighlight)
    assert [item.pk for item in loaded.items] == ["100"]
    assert isinstance(recalled.fact(FactKind.SUMMARY, ANN), UserSummary)
    assert recalled.owner_of(HighlightId("10")) == ANN


def test_profiles_and_short_fields_are_remembered_by_id_and_an_id_is_its_own_identity(
    kept: EntityCache, recalled: OperationView
) -> None:
    """Who asks by name asks for the identity first."""
    kept.keep(answered(endpoints.PROFILE_BY_USERNAME, "ann", user()))
    assert recalled.fact(FactKind.IDENTITY, ANN) == ANN
    assert recalled.fact(FactKind.PROFILE, ANN_BY_NAME) is None
    assert recalled.fact(FactKind.SUMMARY, ANN_BY_NAME) is None


def test_an_item_is_remembered_alone(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.ITEM, "100", {"pk": "100", "id": "100_1", "user": user()}))
    assert isinstance(recalled.fact(FactKind.ITEM, ItemId("100")), Item)


def test_an_owner_without_a_name_teaches_no_short_fields(kept: EntityCache, recalled: OperationView) -> None:
    """They would be handed out as if the platform had none."""
    kept.keep(answered(endpoints.HIGHLIGHT, "10", highlight("10", {"pk": "1"}, "100")))
    assert recalled.fact(FactKind.SUMMARY, ANN) is None
    assert recalled.owner_of(HighlightId("10")) == ANN


def test_names_are_remembered_whatever_their_case(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user(username="Ann"))]))
    assert recalled.fact(FactKind.IDENTITY, ANN_BY_NAME) == ANN


def test_a_renamed_account_is_found_by_its_new_name(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.PROFILE, "1", user()))
    kept.keep(answered(endpoints.PROFILE, "1", user(username="anna")))
    assert recalled.fact(FactKind.IDENTITY, Username("anna")) == ANN
    short = recalled.fact(FactKind.SUMMARY, ANN)
    assert short is not None
    assert short.username == "anna"


def test_a_name_that_changed_hands_leads_to_who_was_seen_with_it_last(
    kept: EntityCache, recalled: OperationView
) -> None:
    kept.keep(answered(endpoints.PROFILE, "1", user()))
    kept.keep(answered(endpoints.PROFILE, "2", user(pk="2")))
    assert recalled.fact(FactKind.IDENTITY, ANN_BY_NAME) == UserId("2")


# -- how long


def test_each_kind_is_forgotten_in_its_own_time(clock: ManualClock, kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())]))
    kept.keep(answered(endpoints.PROFILE, "1", user()))
    kept.keep(answered(endpoints.HIGHLIGHT, "10", highlight("10", user(), "100")))
    for seconds, expected in ((10, "HPN"), (10, "PN"), (10, "N"), (10, "")):
        clock.advance(seconds)
        known = {
            "T": recalled.fact(FactKind.TRAY, ANN),
            "H": recalled.fact(FactKind.HIGHLIGHT, HighlightId("10")),
            "P": recalled.fact(FactKind.PROFILE, ANN),
            "N": recalled.fact(FactKind.IDENTITY, ANN_BY_NAME),
        }
        assert "".join(letter for letter, value in known.items() if value is not None) == expected


def test_an_answer_is_given_up_before_its_first_url_dies(
    clock: ManualClock, kept: EntityCache, recalled: OperationView
) -> None:
    dies = int(clock.now()) + 8
    cover = {"cropped_image_version": {"url": f"https://a.test/x.jpg?a=1&oe={dies:X}", "width": 1, "height": 1}}
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user(), cover_media=cover)]))
    clock.advance(4)
    assert recalled.fact(FactKind.TRAY, ANN) is not None
    clock.advance(2)
    assert recalled.fact(FactKind.TRAY, ANN) is None
    assert recalled.stale(Call(endpoints.TRAY, "1")) is None


def test_short_fields_die_with_their_own_picture(
    clock: ManualClock, kept: EntityCache, recalled: OperationView
) -> None:
    dies = int(clock.now()) + 8
    owner = user(profile_pic_url=f"https://a.test/me.jpg?oe={dies:X}")
    kept.keep(answered(endpoints.HIGHLIGHT, "10", highlight("10", owner, "100")))
    clock.advance(6)
    assert recalled.fact(FactKind.SUMMARY, ANN) is None
    assert recalled.fact(FactKind.IDENTITY, ANN_BY_NAME) == ANN


# -- absences


@pytest.mark.parametrize("endpoint", [endpoints.TRAY, endpoints.PROFILE])
def test_that_a_user_does_not_exist_is_paid_for_once(
    endpoint: Endpoint, kept: EntityCache, recalled: OperationView
) -> None:
    kept.keep(failed(endpoint, "1", NOBODY))
    assert is_told(recalled.fact(FactKind.TRAY, ANN), NOBODY)
    assert is_told(recalled.fact(FactKind.PROFILE, ANN), NOBODY)


@pytest.mark.parametrize("endpoint", [endpoints.TRAY_BY_USERNAME, endpoints.PROFILE_BY_USERNAME])
def test_a_name_that_nobody_has_any_more_is_forgotten(
    endpoint: Endpoint, kept: EntityCache, recalled: OperationView
) -> None:
    kept.keep(answered(endpoints.PROFILE, "1", user()))
    kept.keep(failed(endpoint, "ann", NOBODY))
    assert is_told(recalled.fact(FactKind.IDENTITY, ANN_BY_NAME), NOBODY)


def test_a_locked_tray_is_believed_and_the_profile_stays_open(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(failed(endpoints.TRAY, "1", LOCKED))
    assert is_told(recalled.fact(FactKind.TRAY, ANN), LOCKED)
    assert recalled.fact(FactKind.PROFILE, ANN) is None


def test_absences_are_believed_for_a_short_time(clock: ManualClock, kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(failed(endpoints.TRAY, "1", NOBODY))
    clock.advance(LIFETIMES.ttls[Lifetime.MISSING])
    assert recalled.fact(FactKind.TRAY, ANN) is None
    assert recalled.stale(Call(endpoints.TRAY, "1")) is None


def test_trouble_is_never_remembered(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(failed(endpoints.TRAY, "1", UpstreamTimeout("No answer.")))
    assert recalled.fact(FactKind.TRAY, ANN) is None
    assert len(kept.store) == 0


def test_trouble_leaves_what_was_known(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())]))
    kept.keep(failed(endpoints.TRAY, "1", UpstreamUnavailable("Down.")))
    assert isinstance(recalled.fact(FactKind.TRAY, ANN), tuple)


# -- forced answers


def test_a_forced_tray_is_for_those_who_may_force(
    kept: EntityCache, recalled: OperationView, forced: OperationView
) -> None:
    """It skipped the upstream's privacy check, so it may show what an ordinary client must not see."""
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())], forced=True))
    assert isinstance(forced.fact(FactKind.TRAY, ANN), tuple)
    assert recalled.fact(FactKind.TRAY, ANN) is None


def test_an_unforced_tray_is_for_everybody(kept: EntityCache, recalled: OperationView, forced: OperationView) -> None:
    kept.keep(answered(endpoints.TRAY_BY_USERNAME, "ann", [entry("10", user())]))
    assert isinstance(forced.fact(FactKind.TRAY, ANN), tuple)
    assert isinstance(recalled.fact(FactKind.TRAY, ANN), tuple)


def test_a_locked_door_says_nothing_to_those_who_may_force_it(
    kept: EntityCache, recalled: OperationView, forced: OperationView
) -> None:
    kept.keep(failed(endpoints.TRAY, "1", LOCKED))
    assert is_told(recalled.fact(FactKind.TRAY, ANN), LOCKED)
    assert forced.fact(FactKind.TRAY, ANN) is None
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())], forced=True))
    assert isinstance(forced.fact(FactKind.TRAY, ANN), tuple)
    assert is_told(recalled.fact(FactKind.TRAY, ANN), LOCKED)


def test_a_stale_forced_tray_is_for_those_who_force(
    clock: ManualClock, kept: EntityCache, recalled: OperationView, forced: OperationView
) -> None:
    kept.keep(answered(endpoints.TRAY_BY_USERNAME, "ann", [entry("10", user())], forced=True))
    clock.advance(50)
    assert recalled.stale(Call(endpoints.TRAY, "1")) is None
    assert forced.stale(Call(endpoints.TRAY, "1", forced=True)) is not None


# -- stale entries


@pytest.mark.parametrize(
    "call",
    [
        Call(endpoints.TRAY, "1"),
        Call(endpoints.TRAY_BY_USERNAME, "ann"),
        Call(endpoints.PROFILE, "1"),
        Call(endpoints.PROFILE_BY_USERNAME, "ann"),
        Call(endpoints.HIGHLIGHT, "10"),
    ],
    ids=lambda call: call.endpoint.label,
)
def test_an_old_answer_may_stand_in_up_to_a_limit(
    call: Call, clock: ManualClock, kept: EntityCache, recalled: OperationView
) -> None:
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())]))
    kept.keep(answered(endpoints.PROFILE, "1", user(biography="Hello")))
    kept.keep(answered(endpoints.HIGHLIGHT, "10", highlight("10", user(), "100")))
    clock.advance(45)
    stale = recalled.stale(call)
    assert stale is not None
    assert stale.age == 45
    assert isinstance(stale.value, tuple | Profile | LoadedHighlight)
    clock.advance(LIFETIMES.stale)
    assert recalled.stale(call) is None


def test_short_fields_stand_in_for_a_profile(clock: ManualClock, kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())]))
    clock.advance(35)
    stale = recalled.stale(Call(endpoints.PROFILE, "1"))
    assert stale is not None
    assert type(stale.value) is UserSummary


@pytest.mark.parametrize("endpoint", [endpoints.TRAY_BY_USERNAME, endpoints.HIGHLIGHT, endpoints.ITEM])
def test_nothing_stands_in_for_what_was_never_known(endpoint: Endpoint, recalled: OperationView) -> None:
    assert recalled.stale(Call(endpoint, "1")) is None


# -- what is read is what was sent


def test_what_is_recalled_equals_what_the_upstream_sent(kept: EntityCache, recalled: OperationView) -> None:
    sent = highlight("10", user(), "100", "101")
    kept.keep(answered(endpoints.HIGHLIGHT, "10", sent))
    expected = msgspec.convert(sent, LoadedHighlight)
    assert recalled.fact(FactKind.HIGHLIGHT, HighlightId("10")) == expected
    assert isinstance(expected, Highlight)


# -- after a write


def test_a_write_makes_the_tray_and_the_highlight_forgotten_and_leaves_the_profile(
    kept: EntityCache, recalled: OperationView
) -> None:
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())]))
    kept.keep(answered(endpoints.HIGHLIGHT, "10", highlight("10", user(), "100")))
    kept.keep(answered(endpoints.HIGHLIGHT, "11", highlight("11", user(), "101")))
    kept.keep(answered(endpoints.PROFILE, "1", user(biography="Hello")))
    kept.forget(ANN, "ann", HighlightId("10"))
    assert recalled.fact(FactKind.TRAY, ANN) is None
    assert recalled.fact(FactKind.HIGHLIGHT, HighlightId("10")) is None
    assert isinstance(recalled.fact(FactKind.HIGHLIGHT, HighlightId("11")), LoadedHighlight)
    assert isinstance(recalled.fact(FactKind.PROFILE, ANN), Profile)


def test_a_write_makes_an_empty_tray_that_was_asked_for_by_name_forgotten(
    kept: EntityCache, recalled: OperationView
) -> None:
    """An empty tray does not tell whose it is, so it is kept under the name."""
    kept.keep(answered(endpoints.TRAY_BY_USERNAME, "ann", []))
    kept.forget(ANN, "Ann")
    assert recalled.fact(FactKind.TRAY, ANN_BY_NAME) is None


def test_that_a_highlight_is_missing_is_forgotten_when_it_is_made(kept: EntityCache, recalled: OperationView) -> None:
    kept.keep(failed(endpoints.HIGHLIGHT, "10", NotFound("There is no such highlight.")))
    kept.forget(ANN, "ann", HighlightId("10"))
    assert recalled.fact(FactKind.HIGHLIGHT, HighlightId("10")) is None


def test_an_answer_to_a_question_from_before_the_write_is_not_kept(kept: EntityCache, recalled: OperationView) -> None:
    """It may have been made before the write, and would hide the new highlight for as long as a tray is fresh."""
    begun = kept.version
    kept.forget(ANN, "Ann")
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())]), begun=begun)
    assert recalled.fact(FactKind.TRAY, ANN) is None
    kept.keep(answered(endpoints.TRAY, "1", [entry("10", user())]), begun=kept.version)
    assert isinstance(recalled.fact(FactKind.TRAY, ANN), tuple)


def test_an_owner_that_had_to_make_room_is_kept_again_when_it_is_told_again(clock: ManualClock) -> None:
    small = memory(clock, max_bytes=6_000)
    for pk in ("5", "6"):
        small.keep(answered(endpoints.HIGHLIGHT, pk, highlight(pk, user(), "51", title="x" * 4_000)))
        assert OperationView(small, forced=False).fact(FactKind.SUMMARY, UserId("1")) is not None


def test_a_problem_that_is_recalled_keeps_nothing_of_who_was_told() -> None:
    """Each time it is raised, an exception takes along what all who raise it were at."""
    clock = ManualClock()
    remembered = memory(clock)
    bought = failed(endpoints.PROFILE, "1", NotFound("gone"))
    remembered.keep(bought)
    told = [OperationView(remembered, forced=False).fact(FactKind.PROFILE, UserId("1")) for _ in range(2)]
    assert bought.problem is not None
    for problem in (bought.problem, *told):
        assert isinstance(problem, NotFound)
        with pytest.raises(NotFound, match="gone"):
            raise problem
    entry = remembered.store.get(Call(endpoints.PROFILE, "1"))
    assert entry is not None
    assert entry.problem is not None
    assert entry.problem.__traceback__ is None
    assert told[0].extensions == told[1].extensions == {"code": "NOT_FOUND"}
