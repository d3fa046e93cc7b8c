"""Media that fail, containers that expire, stories that die, a quota that is used up."""

from __future__ import annotations

import pytest

from gateway.durable.port import StepState
from gateway.errors import (
    AccountDisconnected,
    ContainerExpired,
    UpstreamError,
    UpstreamInvalidAnswer,
    UpstreamRejected,
    UpstreamUnavailable,
)
from gateway.publishing.commands import MediumSpec, OnMediaError, OnQuota
from gateway.publishing.phases import FlowState
from tests.fakes.publisher import DAY, PLAIN
from tests.publishing.harness import CLIENT, House, link


def url(name: str) -> str:
    return f"https://example.com/{name}.jpg"


@pytest.mark.parametrize("kind", ["poisoned", "refused"])
async def test_a_poisoned_medium_fails_the_flow_and_is_named(house: House, kind: str) -> None:
    getattr(house.upstream, kind).add(url("b"))
    receipt = await house.made("a", "b", "c")
    assert receipt.state is FlowState.FAILED
    assert receipt.fault is not None
    assert (receipt.fault.code, receipt.fault.extensions["medium"]) == ("MEDIUM_REFUSED", 1)
    assert not receipt.retryable
    assert "publish" not in house.upstream.calls


async def test_a_refused_look_at_a_medium_is_put_again_before_it_is_believed(house: House) -> None:
    house.fail_at("container", "before", UpstreamRejected("Refused."), UpstreamInvalidAnswer("Odd."))
    receipt = await house.made("a")
    assert receipt.state is FlowState.DONE
    assert receipt.warnings == ()


@pytest.mark.parametrize("error", [UpstreamInvalidAnswer("It could not be read."), UpstreamRejected("It was refused.")])
async def test_what_stays_unreadable_fails_within_minutes_and_names_the_medium(
    house: House, error: UpstreamError
) -> None:
    house.fail_at("container", "before", *[type(error)(error.message) for _ in range(200)])
    begun = house.clock.now()
    receipt = await house.made("a")
    assert receipt.state is FlowState.FAILED
    assert receipt.fault is not None
    assert (receipt.fault.code, receipt.fault.message) == (error.code, error.message)
    assert receipt.fault.extensions["medium"] == 0
    assert 60 < house.clock.now() - begun < 300


async def test_trouble_that_lasts_shows_its_reason_while_it_lasts(house: House) -> None:
    trouble = UpstreamUnavailable("The platform failed at the upload.")
    house.fail_at("upload", "before", *[trouble] * 20)
    begun = await house.create("a")
    receipt = await house.publishing.wait(CLIENT, begun.id, 30.0)
    (step,) = [step for step in receipt.steps if step.name.startswith("upload")]
    assert (step.state, step.attempts > 1) == (StepState.RUNNING, True)
    assert step.error is not None
    assert (step.error.code, step.error.message) == ("UPSTREAM_UNAVAILABLE", "The platform failed at the upload.")
    (step,) = [step for step in (await house.end(begun.id)).steps if step.name.startswith("upload")]
    assert (step.state, step.error) == (StepState.DONE, None)


async def test_of_several_faults_the_one_is_told_that_a_retry_would_not_mend(house: House) -> None:
    house.speak(PLAIN)
    house.upstream.unspeakable.add(url("a"))
    house.upstream.refused.add(url("b"))
    receipt = await house.made("a", "b")
    assert receipt.fault is not None
    assert (receipt.fault.code, receipt.fault.extensions["medium"]) == ("MEDIUM_REFUSED", 1)


async def test_a_failed_flow_tells_what_it_left_behind(house: House) -> None:
    house.upstream.poisoned.add(url("b"))
    receipt = await house.made("a", "b")
    fate = "a container, unpublished: it expires by itself 24 hours after its upload."
    ids = list(house.upstream.containers)
    assert receipt.leftovers == tuple(f"Of medium {i}: container {ids[i]}, {fate}" for i in (0, 1))


async def test_a_poisoned_cover_is_named_as_such(house: House) -> None:
    house.upstream.poisoned.add(url("cover"))
    receipt = await house.made("a", cover=link("cover"))
    assert receipt.fault is not None
    assert receipt.fault.extensions["medium"] == "cover"


async def test_a_poisoned_medium_is_skipped_if_so_ordered(house: House) -> None:
    house.upstream.poisoned.add(url("b"))
    receipt = await house.made("a", "b", "c", on_media_error=OnMediaError.SKIP)
    assert (receipt.state, receipt.skipped) == (FlowState.DONE, (1,))
    (made,) = house.upstream.highlights
    assert [house.upstream.containers[id].name for id in made.media_ids] == [url("a"), url("c")]
    assert len(receipt.leftovers) == 1


async def test_a_skipped_cover_leaves_the_choice_to_the_platform_and_says_so(house: House) -> None:
    house.upstream.poisoned.add(url("b"))
    receipt = await house.made("a", "b", cover=1, on_media_error=OnMediaError.SKIP)
    assert house.upstream.highlights[0].cover_id is None
    assert receipt.warnings == ("The cover that was ordered failed: the highlight has the platform's choice.",)


async def test_if_all_media_are_skipped_the_flow_fails(house: House) -> None:
    house.upstream.poisoned |= {url("a"), url("b")}
    receipt = await house.made("a", "b", on_media_error=OnMediaError.SKIP)
    assert receipt.state is FlowState.FAILED
    assert house.upstream.highlights == []


async def test_what_befalls_the_account_is_no_fault_of_a_medium_and_not_skipped(house: House) -> None:
    house.fail_at("upload", "before", AccountDisconnected("Reconnect the account."))
    receipt = await house.made("a", "b", on_media_error=OnMediaError.SKIP)
    assert receipt.state is FlowState.FAILED
    assert receipt.retryable
    assert (await house.publishing.retry(CLIENT, receipt.id)).state is not FlowState.FAILED
    assert (await house.end(receipt.id)).state is FlowState.DONE


async def test_a_retry_does_not_upload_again_what_was_uploaded(house: House) -> None:
    house.fail_at("upload", "before", AccountDisconnected("Reconnect the account."))
    receipt = await house.made("a", "b", "c")
    await house.publishing.retry(CLIENT, receipt.id)
    await house.end(receipt.id)
    assert house.upstream.calls.count("upload") == 4
    assert len(house.upstream.containers) == 3


async def test_a_container_that_is_missed_for_a_moment_is_not_uploaded_again(house: House) -> None:
    house.fail_at("publish", "before", ContainerExpired("Missing."), ContainerExpired("Missing."))
    receipt = await house.made("a")
    assert receipt.state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 1
    assert house.upstream.calls.count("publish") == 3


@pytest.mark.parametrize("call", ["container", "publish"])
async def test_an_expired_container_is_uploaded_again(house: House, call: str) -> None:
    house.fail_at(call, "before", *(ContainerExpired("Gone.") for _ in range(3)))
    receipt = await house.made("a")
    assert receipt.state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 2
    assert len(house.upstream.highlights[0].media_ids) == 1
    assert len(receipt.leftovers) == 1


async def test_nothing_is_published_while_an_expired_medium_is_uploaded_again(house: House) -> None:
    def expire() -> None:
        del house.upstream.containers[next(iter(house.upstream.containers))]

    house.at("container", "before", expire)
    await house.made("a", "b", "c")
    calls = house.upstream.calls
    assert calls.count("upload") == 4
    assert max(i for i, call in enumerate(calls) if call in ("upload", "container")) < calls.index("publish")


async def test_containers_that_expired_while_the_gateway_was_down_are_uploaded_again(house: House) -> None:
    house.at("publish", "before", house.crash)
    receipt = await house.create("a", "b")
    await house.clock.sleep(DAY + 60)
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 4


async def test_a_medium_that_expires_again_and_again_fails_the_flow(house: House) -> None:
    house.fail_at("publish", "before", *(ContainerExpired("Gone.") for _ in range(100)))
    receipt = await house.made("a")
    assert receipt.fault is not None
    assert (receipt.fault.code, receipt.fault.extensions["medium"]) == ("CONTAINER_EXPIRED", 0)
    assert house.upstream.calls.count("upload") == 4
    house.recover()
    await house.publishing.retry(CLIENT, receipt.id)
    assert (await house.end(receipt.id)).state is FlowState.DONE


async def test_stories_that_die_again_and_again_fail_the_flow(house: House) -> None:
    house.fail_at("create", "before", *(ContainerExpired("Gone.") for _ in range(100)))
    receipt = await house.made("a")
    assert receipt.fault is not None
    assert receipt.fault.code == "CONTAINER_EXPIRED"
    house.recover()
    await house.publishing.retry(CLIENT, receipt.id)
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert len(house.upstream.highlights) == 1


async def test_a_clients_own_medium_that_expired_cannot_be_uploaded_again(house: House) -> None:
    receipt = await house.made(MediumSpec(media_id="unknown"))
    assert receipt.fault is not None
    assert (receipt.fault.code, receipt.fault.extensions["medium"]) == ("CONTAINER_EXPIRED", 0)


async def test_a_story_about_to_die_is_published_again_before_the_highlight_is_made(house: House) -> None:
    house.at("publish", "after", house.crash)
    receipt = await house.create("a", "b")
    await house.clock.sleep(DAY - 300)
    house.upstream.processing = 0.0
    receipt = await house.end(receipt.id)
    assert receipt.state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 2
    assert "publish again (1)" in [step.name for step in receipt.steps]
    assert any("story" in left for left in receipt.leftovers)


async def test_stories_that_died_before_the_creation_are_published_again(house: House) -> None:
    house.at("create", "before", house.crash)
    receipt = await house.create("a", "b")
    await house.clock.sleep(60)
    house.upstream.kill_stories()
    receipt = await house.end(receipt.id)
    assert receipt.state is FlowState.DONE
    assert "create again (1)" in [step.name for step in receipt.steps]
    assert len(house.upstream.highlights) == 1


async def test_where_an_upload_is_a_story_a_dead_one_is_uploaded_again(house: House) -> None:
    house.speak(PLAIN)
    house.at("create", "before", house.crash)
    receipt = await house.create("a")
    await house.clock.sleep(DAY + 60)
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 2


async def test_where_nobody_says_why_a_creation_fails_old_stories_are_made_anew(house: House) -> None:
    """Without codes, dead stories look like an outage that never ends."""
    house.speak(PLAIN)
    house.upstream.life = DAY / 2
    house.fail_at("create", "before", *(UpstreamUnavailable("Down.") for _ in range(1000)))
    receipt = await house.made("a")
    assert (receipt.state, receipt.retryable) == (FlowState.FAILED, True)
    house.recover()
    house.upstream.life = DAY
    await house.clock.sleep(DAY)
    await house.publishing.retry(CLIENT, receipt.id)
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 2


async def test_where_each_attempt_may_leave_a_story_there_are_few(house: House) -> None:
    house.speak(PLAIN)
    house.fail_at("upload", "after", *(UpstreamUnavailable("Down.") for _ in range(1000)))
    receipt = await house.made("a")
    assert (receipt.state, receipt.retryable) == (FlowState.FAILED, True)
    assert len(house.upstream.stories) <= 12


async def test_a_medium_that_fails_again_and_again_is_skipped_where_others_do_not(house: House) -> None:
    """Without codes, a refused medium looks like an outage, too."""
    house.speak(PLAIN)
    house.fail_at("upload", "before", UpstreamUnavailable("Failed."))
    house.upstream.unspeakable.add(url("b"))
    receipt = await house.made("a", "b", on_media_error=OnMediaError.SKIP)
    assert (receipt.state, receipt.skipped) == (FlowState.DONE, (1,))


async def test_an_outage_for_all_is_no_fault_of_the_media(house: House) -> None:
    house.speak(PLAIN)
    house.fail_at("upload", "before", *(UpstreamUnavailable("Down.") for _ in range(1000)))
    receipt = await house.made("a", "b", on_media_error=OnMediaError.SKIP)
    assert (receipt.state, receipt.retryable) == (FlowState.FAILED, True)


async def test_an_outage_for_all_that_is_uploaded_is_no_fault_of_the_media_either(house: House) -> None:
    house.upstream.owned = {"medium-7"}
    house.fail_at("upload", "before", *(UpstreamUnavailable("Down.") for _ in range(5000)))
    receipt = await house.made(MediumSpec(media_id="medium-7"), "a", on_media_error=OnMediaError.SKIP)
    assert (receipt.state, receipt.retryable) == (FlowState.FAILED, True)


async def test_a_clients_own_story_that_died_is_reported(house: House) -> None:
    receipt = await house.made(MediumSpec(story_id="dead"))
    assert receipt.state is FlowState.FAILED
    assert receipt.fault is not None
    assert receipt.fault.code == "CONTAINER_EXPIRED"
    assert receipt.warnings == ()


async def test_a_file_that_is_no_longer_kept_fails_its_medium(house: House) -> None:
    receipt = await house.made(MediumSpec(file="0" * 64))
    assert receipt.fault is not None
    assert receipt.fault.code == "MEDIUM_REFUSED"


async def test_a_used_up_quota_is_waited_for_before_anything_is_uploaded(house: House) -> None:
    now = house.clock.now()
    house.upstream.publications = [now - DAY + 7200.0] * 49
    receipt = await house.create("a", "b")
    await house.clock.sleep(7000)
    assert "upload" not in house.upstream.calls
    receipt = await house.end(receipt.id)
    assert receipt.state is FlowState.DONE
    assert 7200 <= receipt.updated_at - now < 7200 + 1000


async def test_a_quota_that_is_used_up_meanwhile_is_waited_for(house: House) -> None:
    def others_publish() -> None:
        house.upstream.publications = [house.clock.now() - DAY + 3600.0] * 50

    house.at("upload", "after", others_publish)
    receipt = await house.made("a")
    assert receipt.state is FlowState.DONE
    assert receipt.updated_at - receipt.created_at >= 3600


async def test_a_used_up_quota_fails_the_flow_if_so_ordered(house: House) -> None:
    house.upstream.publications = [house.clock.now()] * 50
    receipt = await house.made("a", on_quota=OnQuota.FAIL)
    assert receipt.fault is not None
    assert receipt.fault.code == "PUBLISHING_QUOTA_EXHAUSTED"
    assert receipt.retryable
    assert house.upstream.calls == ["quota"]


async def test_more_media_than_a_day_allows_are_refused_and_not_waited_for(house: House) -> None:
    receipt = await house.made(*(f"m{i}" for i in range(51)))
    assert receipt.fault is not None
    assert (receipt.fault.code, receipt.retryable) == ("PUBLISHING_REJECTED", False)


async def test_a_webhook_ends_the_wait_for_a_medium(house: House) -> None:
    house.upstream.processing = 40.0
    receipt = await house.create("a")
    await house.clock.sleep(39.0)
    before = house.upstream.calls.count("container")
    await house.clock.sleep(1.5)
    house.durable.signal(f"media:{next(iter(house.upstream.containers))}")
    await house.clock.sleep(0.1)
    assert house.upstream.calls.count("container") == before + 1
    assert (await house.publishing.wait(CLIENT, receipt.id, 1.0)).state is FlowState.DONE


async def test_a_webhook_ends_the_wait_for_a_highlight(house: House) -> None:
    house.upstream.processing, house.upstream.creating = 0.0, 60.0
    receipt = await house.create("a")
    await house.clock.sleep(60.1)
    (made,) = house.upstream.highlights
    house.durable.signal(f"highlight:{made.pk}")
    await house.clock.sleep(0.1)
    assert (await house.publishing.wait(CLIENT, receipt.id, 0.0)).state is FlowState.DONE


async def test_webhooks_that_come_early_or_twice_or_never_change_nothing(house: House) -> None:
    house.upstream.processing = 120.0
    receipt = await house.create("a", "b")
    await house.clock.sleep(1.0)
    for id in [*house.upstream.containers, *house.upstream.containers]:
        house.durable.signal(f"media:{id}")
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert len(house.upstream.highlights) == 1


async def test_a_medium_is_not_looked_at_before_the_upload_said(house: House) -> None:
    house.upstream.processing = house.upstream.retry_after = 30.0
    await house.made("a")
    assert house.upstream.calls.count("container") == 1


async def test_a_look_is_put_off_for_ten_minutes_at_most(house: House) -> None:
    """One odd header would have the flow sleep for days."""
    house.upstream.processing, house.upstream.retry_after = 30.0, 999_999.0
    begun = house.clock.monotonic()
    await house.made("a")
    assert house.clock.monotonic() - begun < 1_000


async def test_looks_at_a_medium_grow_further_apart(house: House) -> None:
    house.upstream.processing = 3600.0
    receipt = await house.made("a")
    assert receipt.state is FlowState.DONE
    assert 60 < house.upstream.calls.count("container") < 140


async def test_an_outage_that_names_its_end_is_believed_for_an_hour(house: House) -> None:
    house.fail_at("container", "before", UpstreamUnavailable("Down.", retry_after=86_400.0))
    begun = house.clock.monotonic()
    await house.made("a")
    assert house.clock.monotonic() - begun < 4_000


async def test_an_outage_while_media_are_processed_is_outlasted(house: House) -> None:
    house.fail_at("container", "before", *(UpstreamUnavailable("Down.") for _ in range(100)))
    receipt = await house.made("a")
    assert receipt.state is FlowState.DONE
    assert max(step.attempts for step in receipt.steps) == 101
