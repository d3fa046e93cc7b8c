"""Editing is durable and, repeated, changes nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.publishing import Traits
from gateway.errors import UpstreamTimeout
from gateway.publishing.commands import UpdateHighlight
from gateway.publishing.phases import FlowState
from gateway.publishing.registry import FlowKind
from gateway.publishing.views import WorkflowView
from tests.fakes.publisher import DAY, IDEMPOTENT, PLAIN, Made
from tests.publishing.harness import ACCOUNT, CLIENT, House, link

DIALECTS = [pytest.param(IDEMPOTENT, id="with keys"), pytest.param(PLAIN, id="without keys")]


async def edited(house: House, **changes: Any) -> WorkflowView:
    """The receipt of an edit of a highlight of the media a, b and c."""
    return await house.end((await begun(house, **changes)).id)


async def begun(house: House, **changes: Any) -> WorkflowView:
    pk = str((await house.made("a", "b", "c", key="make")).entity_id)
    return await house.publishing.begin(CLIENT, UpdateHighlight(ACCOUNT, pk, **changes), key="edit")


def only(house: House) -> Made:
    (made,) = house.upstream.standing
    return made


def names(house: House) -> list[str]:
    return [house.upstream.containers[id].name[-5] for id in only(house).media_ids]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_title_is_changed(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    receipt = await edited(house, title="New")
    assert (receipt.kind, receipt.state, receipt.entity_id) == (
        FlowKind.UPDATE_HIGHLIGHT,
        FlowState.DONE,
        only(house).pk,
    )
    assert (only(house).title, names(house)) == ("New", ["a", "b", "c"])


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_media_are_added_and_one_of_them_covers(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    await edited(house, add=(link("d"), link("e")), cover=1)
    assert names(house) == ["a", "b", "c", "d", "e"]
    assert only(house).cover_id == only(house).media_ids[4]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_response_lost_after_the_edit(house: House, dialect: Traits) -> None:
    house.speak(dialect)
    house.fail_at("update", "after", UpstreamTimeout("No answer."))
    made = await house.made("a", "b", "c", key="make")
    remove = (f"{only(house).items[0]}_{ACCOUNT}",)
    order = UpdateHighlight(ACCOUNT, str(made.entity_id), title="New", add=(link("d"),), remove=remove)
    receipt = await house.end((await house.publishing.begin(CLIENT, order, key="edit")).id)
    assert receipt.state is FlowState.DONE
    assert (only(house).title, names(house)) == ("New", ["b", "c", "d"])
    assert house.upstream.updates == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["upload", "update"])
async def test_crash_at_each_call(house: House, dialect: Traits, call: str, moment: str) -> None:
    house.speak(dialect)
    made = await house.made("a", "b", "c", key="make")
    house.at(call, moment, house.crash, house.crash)
    order = UpdateHighlight(ACCOUNT, str(made.entity_id), title="New", add=(link("d"),))
    receipt = await house.end((await house.publishing.begin(CLIENT, order, key="edit")).id)
    assert receipt.state is FlowState.DONE
    assert house.crashes
    assert names(house) == ["a", "b", "c", "d"]


async def test_what_an_earlier_attempt_did_in_part_is_completed(house: House) -> None:
    house.speak(PLAIN)
    house.fail_at("update", "before", UpstreamTimeout("No answer."))
    receipt = await begun(house, title="New", add=(link("d"),))
    only(house).title = "New"
    await house.end(receipt.id)
    assert (only(house).title, names(house)) == ("New", ["a", "b", "c", "d"])


async def test_a_highlight_that_is_gone_fails_its_edit(house: House) -> None:
    receipt = await begun(house, title="New")
    only(house).is_deleted = True
    receipt = await house.end(receipt.id)
    assert receipt.fault is not None
    assert receipt.fault.code == "NOT_FOUND"


async def test_a_highlight_that_is_gone_before_a_repetition_fails_its_edit(house: House) -> None:
    house.speak(PLAIN)
    receipt = await begun(house, title="New")
    house.fail_at("update", "before", UpstreamTimeout("No answer."))
    only(house).is_deleted = True
    receipt = await house.end(receipt.id)
    assert receipt.fault is not None
    assert receipt.fault.code == "NOT_FOUND"


async def test_where_nobody_says_why_an_edit_fails_old_stories_are_made_anew(house: House) -> None:
    house.speak(PLAIN)
    made = await house.made("a", key="make")
    house.at("update", "before", house.crash)
    order = UpdateHighlight(ACCOUNT, str(made.entity_id), add=(link("d"),))
    receipt = await house.publishing.begin(CLIENT, order, key="edit")
    await house.clock.sleep(DAY + 60)
    receipt = await house.end(receipt.id)
    assert receipt.state is FlowState.DONE
    assert names(house) == ["a", "d"]
    assert house.upstream.calls.count("upload") == 3


async def test_added_stories_that_died_meanwhile_are_published_again(house: House) -> None:
    made = await house.made("a", key="make")
    house.at("update", "before", house.crash)
    order = UpdateHighlight(ACCOUNT, str(made.entity_id), add=(link("d"),))
    receipt = await house.publishing.begin(CLIENT, order, key="edit")
    await house.clock.sleep(DAY + 60)
    receipt = await house.end(receipt.id)
    assert receipt.state is FlowState.DONE
    assert names(house) == ["a", "d"]
