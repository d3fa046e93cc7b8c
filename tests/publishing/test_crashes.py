"""The gateway is killed, or an answer is lost: exactly one highlight per key, and none is lost."""

from __future__ import annotations

import pytest

from gateway.domain.publishing import Traits
from gateway.errors import UpstreamTimeout, UpstreamUnavailable
from gateway.publishing.commands import MediumSpec
from gateway.publishing.create_highlight import LOOKS_FOR_TWINS
from gateway.publishing.phases import FlowState
from tests.fakes.publisher import DAY, IDEMPOTENT, PLAIN
from tests.publishing.harness import House

DIALECTS = [pytest.param(IDEMPOTENT, id="with keys"), pytest.param(PLAIN, id="without keys")]


def own_media_is_in_one_highlight(house: House) -> bool:
    (made,) = house.upstream.standing
    return [house.upstream.containers[id].name[-5:] for id in made.media_ids] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("call", "moment"),
    [
        ("quota", "before"),
        ("upload", "before"),
        ("upload", "after"),
        ("container", "before"),
        ("publish", "before"),
        ("publish", "after"),
        ("create", "before"),
        ("create", "after"),
    ],
)
async def test_crash_at_each_call(house: House, dialect: Traits, call: str, moment: str) -> None:
    house.speak(dialect)
    house.at(call, moment, house.crash)
    receipt = await house.made("a", "b")
    assert house.crashes == (call in house.upstream.calls)
    assert receipt.state is FlowState.DONE
    assert own_media_is_in_one_highlight(house)
    assert receipt.entity_id == house.upstream.standing[0].pk


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("call", ["upload", "publish", "create"])
async def test_crash_after_the_upstream_accepted_and_twice_on_resuming(
    house: House, dialect: Traits, call: str
) -> None:
    house.speak(dialect)
    house.at(call, "after", house.crash, house.crash)
    house.at("tray", "before", house.crash)
    await house.made("a", "b")
    assert own_media_is_in_one_highlight(house)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_response_lost_after_the_highlight_was_created(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    house.fail_at("create", "after", UpstreamTimeout("No answer."), UpstreamUnavailable("Cut off."))
    receipt = await house.made("a", "b")
    assert own_media_is_in_one_highlight(house)
    assert receipt.warnings == ()


async def test_without_keys_the_tray_is_read_before_a_creation_is_repeated(house: House) -> None:
    house.speak(PLAIN)
    house.fail_at("create", "before", UpstreamUnavailable("Cut off."))
    await house.made("a", "b")
    calls = house.upstream.calls
    assert calls[calls.index("create") :][:3] == ["create", "tray", "create"]


async def test_a_creation_that_shows_only_after_its_repetition_is_reported_as_a_twin(house: House) -> None:
    """The one race that an upstream without keys leaves open."""
    house.speak(PLAIN)
    house.upstream.lag = 6.0
    house.fail_at("create", "after", UpstreamTimeout("No answer."))
    receipt = await house.made("a", "b")
    twin, kept = house.upstream.highlights
    assert receipt.entity_id == kept.pk
    assert receipt.warnings == (f"The highlight {twin.pk} is a twin of this one: delete it.",)


async def test_a_look_for_twins_that_fails_is_repeated_alone(house: House) -> None:
    """All of them take half a minute: an upstream that fails at every fourth call would hold the flow up for long."""
    house.speak(PLAIN)
    house.fail_at("create", "after", UpstreamTimeout("No answer."))
    troubles = [UpstreamUnavailable("Cut off.")] * 4
    house.at("tray", "before", lambda: None, lambda: None)
    house.fail_at("tray", "before", *troubles)
    began = house.clock.monotonic()
    receipt = await house.made("a", "b")
    assert receipt.warnings == ()
    assert house.clock.monotonic() - began < sum(LOOKS_FOR_TWINS) + 15.0


async def test_a_crash_in_the_looks_for_twins_does_not_begin_them_anew(house: House) -> None:
    house.speak(PLAIN)
    house.fail_at("create", "after", UpstreamTimeout("No answer."))
    house.at("tray", "before", *[lambda: None] * 2, house.crash)
    began = house.clock.monotonic()
    receipt = await house.made("a", "b")
    assert house.crashes == 1
    assert receipt.warnings == ()
    # The house starts again after half a minute: then only the last wait is left.
    assert house.clock.monotonic() - began < 30.0 + LOOKS_FOR_TWINS[-1] + 5.0


async def test_of_two_that_show_late_the_first_is_kept_and_the_other_reported(house: House) -> None:
    house.speak(PLAIN)
    house.upstream.lag = DAY

    def show() -> None:
        for made in house.upstream.highlights:
            made.visible_at = 0.0

    house.fail_at("create", "after", UpstreamTimeout("No answer."), UpstreamTimeout("No answer."))
    house.at("tray", "before", lambda: None, show)
    receipt = await house.made("a", "b")
    kept, twin = house.upstream.highlights
    assert receipt.entity_id == kept.pk
    assert receipt.warnings == (f"The highlight {twin.pk} is a twin of this one: delete it.",)


async def test_a_twin_of_other_stories_that_were_made_anew_is_reported_too(house: House) -> None:
    house.speak(PLAIN)
    house.upstream.lag, house.upstream.life = 1200.0, 700.0
    house.fail_at("create", "after", UpstreamTimeout("No answer."))
    house.at("create", "before", lambda: None)
    house.fail_at("create", "before", *(UpstreamUnavailable("Down.") for _ in range(10)))

    def recover() -> None:
        house.upstream.life, house.upstream.lag = DAY, 0.0
        for made in house.upstream.highlights:
            made.visible_at = house.clock.now() + 10.0

    house.at("upload", "before", lambda: None, lambda: None, recover)
    receipt = await house.made("a", "b")
    twin, kept = house.upstream.highlights
    assert house.upstream.calls.count("upload") == 4
    assert receipt.entity_id == kept.pk
    assert receipt.warnings == (f"The highlight {twin.pk} is a twin of this one: delete it.",)


async def test_a_tray_that_cannot_be_read_for_twins_does_not_fail_what_is_made(house: House) -> None:
    house.speak(PLAIN)

    def outage() -> None:
        house.fail_at("tray", "before", *(UpstreamUnavailable("Down.") for _ in range(200)))

    house.fail_at("create", "before", UpstreamTimeout("No answer."))
    house.at("create", "before", outage)
    receipt = await house.made("a", "b")
    assert receipt.state is FlowState.DONE
    assert receipt.warnings == ("The highlight may have a twin: its tray could not be read.",)


async def test_a_highlight_that_was_accepted_and_never_made_fails_the_flow(house: House) -> None:
    house.upstream.creating = 3600.0

    def vanish() -> None:
        house.upstream.highlights[0].is_deleted = True

    house.at("create", "after", vanish)
    receipt = await house.made("a", "b")
    assert receipt.fault is not None
    assert receipt.fault.code == "PUBLISHING_REJECTED"
    assert len(receipt.leftovers) == 2


async def test_a_highlight_made_before_of_the_same_stories_is_not_taken_for_ours(house: House) -> None:
    house.speak(PLAIN)
    house.upstream.owned = {"story-1"}
    earlier = await house.made(MediumSpec(story_id="story-1"), key="earlier")
    house.fail_at("create", "before", UpstreamTimeout("No answer."))
    later = await house.made(MediumSpec(story_id="story-1"), key="later")
    assert later.entity_id != earlier.entity_id
    assert len(house.upstream.highlights) == 2


async def test_a_key_that_is_older_than_the_upstream_remembers_is_not_trusted(house: House) -> None:
    house.at("create", "after", house.crash)
    receipt = await house.create("a", "b")
    await house.clock.sleep(DAY + 60)
    receipt = await house.end(receipt.id)
    assert receipt.state is FlowState.DONE
    assert own_media_is_in_one_highlight(house)


async def test_without_keys_a_repeated_upload_is_told(house: House) -> None:
    house.speak(PLAIN)
    house.fail_at("upload", "after", UpstreamTimeout("No answer."))
    receipt = await house.made("a", "b")
    assert own_media_is_in_one_highlight(house)
    assert len(house.upstream.stories) == 3
    assert receipt.warnings == ("Of medium 0: perhaps one more story, as an answer was lost: it dies within 24 hours.",)


async def test_an_outage_that_outlasts_patience_fails_the_flow_and_a_retry_ends_it(house: House) -> None:
    """The creation may have been carried out: retrying finds it."""
    house.speak(PLAIN)
    house.fail_at("create", "after", UpstreamTimeout("No answer."))
    house.fail_at("tray", "before", *(UpstreamUnavailable("Down.") for _ in range(200)))
    receipt = await house.made("a", "b")
    assert (receipt.state, receipt.retryable) == (FlowState.FAILED, True)
    assert receipt.warnings == ("What was ordered may have been done all the same: retry the flow to find out.",)
    house.recover()
    await house.publishing.retry("shop", receipt.id)
    done = await house.end(receipt.id)
    assert done.state is FlowState.DONE
    assert own_media_is_in_one_highlight(house)
