"""An account is taken from a client while its flow is under way: nothing begins anew, and what was begun is settled."""

from __future__ import annotations

import pytest

from gateway.domain.publishing import Traits
from gateway.errors import AccountDisconnected, Forbidden, UpstreamTimeout, UpstreamUnavailable
from gateway.publishing.commands import DeleteHighlight, OnMediaError, UpdateHighlight
from gateway.publishing.phases import FlowState
from gateway.publishing.views import WorkflowView
from tests.fakes.publisher import IDEMPOTENT, PLAIN
from tests.publishing.harness import ACCOUNT, CLIENT, House, link

DIALECTS = [pytest.param(IDEMPOTENT, id="with keys"), pytest.param(PLAIN, id="without keys")]
EFFECTS = ("upload", "publish", "create", "update", "delete")
IN_DOUBT = "What was ordered may have been done all the same: retry the flow to find out."


def withdraw(house: House) -> None:
    house.withdrawn.add(ACCOUNT)


def give_back(house: House) -> None:
    house.withdrawn.clear()


def effects(house: House) -> list[str]:
    return [call for call in house.upstream.calls if call in EFFECTS]


def code_of(receipt: WorkflowView) -> str | None:
    return receipt.fault.code if receipt.fault else None


@pytest.mark.parametrize(
    ("dialect", "call", "moment", "last"),
    [
        (IDEMPOTENT, "quota", "before", None),
        (IDEMPOTENT, "upload", "after", "upload"),
        (IDEMPOTENT, "container", "before", "upload"),
        (IDEMPOTENT, "publish", "after", "publish"),
        (PLAIN, "upload", "after", "upload"),
    ],
)
async def test_no_effect_begins_after_the_account_was_taken(
    house: House, dialect: Traits, call: str, moment: str, last: str | None
) -> None:
    house.speak(dialect)
    house.at(call, moment, lambda: withdraw(house))
    receipt = await house.made("a")
    assert (receipt.state, code_of(receipt), receipt.retryable) == (FlowState.FAILED, "FORBIDDEN", True)
    assert next(reversed(effects(house)), None) == last
    assert house.upstream.highlights == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_flow_that_is_resumed_after_a_crash_begins_nothing_anew(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    house.at("upload", "before", house.crash)
    receipt = await house.create("a", "b")
    await house.clock.sleep(1)
    withdraw(house)
    before = effects(house)
    receipt = await house.end(receipt.id)
    assert code_of(receipt) == "FORBIDDEN"
    assert effects(house) == before
    assert house.upstream.highlights == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_retried_without_the_account_it_is_refused_and_stays_as_it_is(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    house.fail_at("upload", "before", AccountDisconnected("Reconnect."))
    failed = await house.made("a")
    withdraw(house)
    with pytest.raises(Forbidden) as refusal:
        await house.publishing.retry(CLIENT, failed.id)
    assert refusal.value.extensions == {"code": "FORBIDDEN", "right": "write", "account": ACCOUNT}
    assert await house.publishing.flow(CLIENT, failed.id) == failed
    assert house.upstream.highlights == []


async def test_with_the_account_given_back_it_goes_on_where_it_stood(house: House) -> None:
    house.at("upload", "after", lambda: withdraw(house))
    failed = await house.made("a")
    give_back(house)
    await house.publishing.retry(CLIENT, failed.id)
    assert (await house.end(failed.id)).state is FlowState.DONE
    assert house.upstream.calls.count("upload") == 1
    assert len(house.upstream.highlights) == 1


async def test_retried_by_somebody_else_than_its_client_it_is_refused_too(house: House) -> None:
    """The operator's command knows no client: the flow itself asks."""
    house.fail_at("upload", "before", AccountDisconnected("Reconnect."))
    failed = await house.made("a")
    withdraw(house)
    await house.durable.retry(failed.id)
    assert code_of(await house.end(failed.id)) == "FORBIDDEN"
    assert effects(house) == ["upload"]


async def test_a_flow_that_waits_for_the_quota_asks_when_it_frees(house: House) -> None:
    def others_publish() -> None:
        house.upstream.publications = [house.clock.now() - 86_400 + 3_600.0] * 50

    house.at("upload", "after", others_publish)
    receipt = await house.create("a")
    await house.clock.sleep(600)
    withdraw(house)
    assert code_of(await house.end(receipt.id)) == "FORBIDDEN"
    assert house.upstream.stories == {}


async def test_a_medium_that_may_not_be_published_is_not_skipped(house: House) -> None:
    house.at("publish", "after", lambda: withdraw(house))
    receipt = await house.made("a", "b", "c", "d", "e", "f", on_media_error=OnMediaError.SKIP)
    assert (receipt.state, code_of(receipt)) == (FlowState.FAILED, "FORBIDDEN")
    assert [line for line in receipt.leftovers if "story" in line]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_creation_whose_answer_was_lost_is_found_without_the_account(house: House, dialect: Traits) -> None:
    """It was begun with the right to, so the highlight is the client's: it is told, and not made twice."""
    house.speak(dialect)

    def fail() -> None:
        withdraw(house)
        raise UpstreamTimeout("No answer.")

    house.at("create", "after", fail)
    receipt = await house.made("a", "b")
    assert receipt.state is FlowState.DONE
    assert receipt.entity_id == house.upstream.standing[0].pk
    assert house.upstream.calls.count("create") == 1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_creation_that_a_crash_interrupted_is_found_without_the_account(house: House, dialect: Traits) -> None:
    house.speak(dialect)

    def die() -> None:
        withdraw(house)
        house.crash()

    house.at("create", "after", die)
    receipt = await house.made("a", "b")
    assert receipt.state is FlowState.DONE
    assert len(house.upstream.highlights) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_creation_that_was_not_done_is_not_done_later_and_its_doubt_is_told(
    house: House, dialect: Traits
) -> None:
    house.speak(dialect)

    def fail() -> None:
        withdraw(house)
        raise UpstreamUnavailable("Cut off.")

    house.at("create", "before", fail)
    receipt = await house.made("a", "b")
    assert (receipt.state, code_of(receipt)) == (FlowState.FAILED, "FORBIDDEN")
    assert IN_DOUBT in receipt.warnings
    assert house.upstream.highlights == []
    # What it stands for is looked for again, as often as its client likes.
    await house.publishing.retry(CLIENT, receipt.id)
    receipt = await house.end(receipt.id)
    assert (code_of(receipt), IN_DOUBT in receipt.warnings) == ("FORBIDDEN", True)
    assert house.upstream.calls.count("create") == 1
    give_back(house)
    await house.publishing.retry(CLIENT, receipt.id)
    assert (await house.end(receipt.id)).state is FlowState.DONE
    assert len(house.upstream.highlights) == 1


async def test_a_creation_that_shows_late_is_found_by_the_retry(house: House) -> None:
    house.upstream.lag = 60.0

    def fail() -> None:
        withdraw(house)
        raise UpstreamTimeout("No answer.")

    house.at("create", "after", fail)
    receipt = await house.made("a")
    assert (code_of(receipt), IN_DOUBT in receipt.warnings) == ("FORBIDDEN", True)
    await house.clock.sleep(120)
    await house.publishing.retry(CLIENT, receipt.id)
    receipt = await house.end(receipt.id)
    assert (receipt.state, receipt.entity_id) == (FlowState.DONE, house.upstream.standing[0].pk)
    assert house.upstream.calls.count("create") == 1


async def test_dying_stories_are_not_published_again_for_a_creation_in_doubt(house: House) -> None:
    house.speak(PLAIN)
    house.upstream.life = 600.2  # to be used for 0.2 s, less than the first wait

    def fail() -> None:
        withdraw(house)
        raise UpstreamUnavailable("Cut off.")

    house.at("create", "before", fail)
    receipt = await house.made("a")
    assert (code_of(receipt), IN_DOUBT in receipt.warnings) == ("FORBIDDEN", True)
    assert effects(house) == ["upload", "create"]


async def test_a_highlight_that_is_made_already_is_confirmed_without_the_account(house: House) -> None:
    house.upstream.creating = 60.0
    house.at("create", "after", lambda: withdraw(house))
    assert (await house.made("a")).state is FlowState.DONE


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_edit_whose_answer_was_lost_is_found_without_the_account(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    made = await house.made("a", key="make")

    def fail() -> None:
        withdraw(house)
        raise UpstreamTimeout("No answer.")

    house.at("update", "after", fail)
    order = UpdateHighlight(ACCOUNT, str(made.entity_id), title="New", add=(link("b"),))
    receipt = await house.end((await house.publishing.begin(CLIENT, order, key="edit")).id)
    assert receipt.state is FlowState.DONE
    assert house.upstream.updates == 1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_edit_that_was_not_done_is_not_done_later(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    made = await house.made("a", key="make")

    def fail() -> None:
        withdraw(house)
        raise UpstreamUnavailable("Cut off.")

    house.at("update", "before", fail)
    order = UpdateHighlight(ACCOUNT, str(made.entity_id), title="New")
    receipt = await house.end((await house.publishing.begin(CLIENT, order, key="edit")).id)
    assert (code_of(receipt), IN_DOUBT in receipt.warnings) == ("FORBIDDEN", True)
    assert house.upstream.updates == 0


@pytest.mark.parametrize(("moment", "state"), [("before", FlowState.FAILED), ("after", FlowState.DONE)])
async def test_a_deletion_in_doubt_is_looked_for_and_not_repeated(house: House, moment: str, state: FlowState) -> None:
    made = await house.made("a", key="make")

    def fail() -> None:
        withdraw(house)
        raise UpstreamTimeout("No answer.")

    house.at("delete", moment, fail)
    order = DeleteHighlight(ACCOUNT, str(made.entity_id))
    receipt = await house.end((await house.publishing.begin(CLIENT, order, key="delete")).id)
    assert receipt.state is state
    assert house.upstream.calls.count("delete") == 1
    if state is FlowState.FAILED:
        assert (code_of(receipt), IN_DOUBT in receipt.warnings) == ("FORBIDDEN", True)


async def test_a_deletion_that_never_began_is_in_no_doubt(house: House) -> None:
    made = await house.made("a", key="make")
    withdraw(house)
    order = DeleteHighlight(ACCOUNT, str(made.entity_id))
    receipt = await house.end((await house.publishing.begin(CLIENT, order, key="delete")).id)
    assert (code_of(receipt), receipt.warnings) == ("FORBIDDEN", ())
    assert len(house.upstream.standing) == 1
