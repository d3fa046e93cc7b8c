"""What a creating flow does when all goes well."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.domain.publishing import MediumKind
from gateway.durable.port import StepState
from gateway.errors import IdempotencyKeyReused
from gateway.events import FlowEnded, FlowStarted
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, MediumSpec
from gateway.publishing.phases import FlowState
from gateway.publishing.registry import FlowKind
from tests.fakes.publisher import PLAIN
from tests.publishing.harness import ACCOUNT, CLIENT, House, changed, clip, link


def names_in(house: House) -> list[str]:
    """Of the only highlight's media."""
    (made,) = house.upstream.highlights
    return [house.upstream.containers[id].name.rpartition("/")[2] for id in made.media_ids]


async def test_media_become_a_highlight_in_their_order(house: House) -> None:
    receipt = await house.made("a", clip("b"), "c")
    assert receipt.state is FlowState.DONE
    assert names_in(house) == ["a.jpg", "b.mp4", "c.jpg"]
    assert receipt.entity_id == house.upstream.highlights[0].pk
    assert (receipt.kind, receipt.account, receipt.progress) == (FlowKind.CREATE_HIGHLIGHT, ACCOUNT, 1.0)
    assert (receipt.skipped, receipt.leftovers, receipt.warnings, receipt.fault) == ((), (), (), None)


async def test_an_upload_that_is_a_story_at_once_is_not_published_again(house: House) -> None:
    house.speak(PLAIN)
    receipt = await house.made("a", "b")
    assert names_in(house) == ["a.jpg", "b.jpg"]
    assert [step.name for step in receipt.steps] == ["upload", "upload", "prepare", "create"]


async def test_nothing_is_read_back_where_nothing_is_in_doubt(house: House) -> None:
    """A call more per highlight is a call more of the account's rate."""
    house.speak(PLAIN)
    await house.made("a")
    assert house.upstream.calls == ["upload", "create"]


async def test_nothing_is_published_before_all_is_processed(house: House) -> None:
    await house.made("a", "b", "c")
    calls = house.upstream.calls
    assert max(i for i, call in enumerate(calls) if call == "container") < calls.index("publish")


async def test_at_most_four_media_are_under_way_at_once(house: House) -> None:
    house.upstream.processing = 600.0
    receipt = await house.create(*(f"m{i}" for i in range(12)))
    most = 0
    async for now in house.publishing.watch(CLIENT, receipt.id):
        most = max(most, sum(step.state is StepState.RUNNING for step in now.steps))
    assert most == 4
    assert names_in(house) == [f"m{i}.jpg" for i in range(12)]


async def test_what_is_uploaded_already_enters_where_it_is(house: House) -> None:
    house.upstream.owned = {"medium-7", "story-9"}
    receipt = await house.made(MediumSpec(media_id="medium-7"), "a", MediumSpec(story_id="story-9"))
    assert house.upstream.highlights[0].media_ids[::2] == ["medium-7", "story-9"]
    assert [(step.name, step.medium) for step in receipt.steps if step.medium != 1] == [
        ("quota", None),
        ("publish", 0),
        ("prepare", None),
        ("create", None),
    ]


async def test_a_file_is_sent_from_the_spool_and_let_go(house: House) -> None:
    sha256 = house.files.add(b"jpeg")
    receipt = await house.create(MediumSpec(file=sha256, content_type="image/jpeg"))
    assert house.files.held[sha256] == {receipt.id}
    await house.end(receipt.id)
    assert names_in(house) == [sha256]
    assert not house.files.path(sha256).exists()


async def test_the_cover_is_one_of_the_media_by_its_position(house: House) -> None:
    await house.made("a", "b", cover=1)
    (made,) = house.upstream.highlights
    assert made.cover_id == made.media_ids[1]


async def test_a_cover_of_its_own_is_uploaded_and_not_published(house: House) -> None:
    await house.made("a", cover=link("cover"))
    (made,) = house.upstream.highlights
    cover = house.upstream.containers[str(made.cover_id)]
    assert (cover.name, cover.is_published) == ("https://example.com/cover.jpg", False)
    assert made.media_ids != [made.cover_id]


async def test_a_cover_that_had_to_be_a_story_is_told_as_left_over(house: House) -> None:
    house.speak(PLAIN)
    receipt = await house.made("a", cover=link("cover"))
    (left,) = receipt.leftovers
    assert left.startswith("Of the cover: story ")


async def test_a_highlight_that_is_only_accepted_is_waited_for(house: House) -> None:
    house.upstream.creating = 40.0
    receipt = await house.made("a")
    assert receipt.state is FlowState.DONE
    assert receipt.updated_at - receipt.created_at >= 40.0
    assert receipt.steps[-1].name == "confirm"


async def test_the_same_key_is_the_same_flow_while_it_runs_and_after(house: House) -> None:
    first = await house.create("a")
    again = await house.create("a")
    done = await house.end(first.id)
    late = await house.create("a")
    assert first.id == again.id == late.id
    assert late == done
    assert len(house.upstream.highlights) == 1


async def test_the_same_key_with_other_input_is_refused(house: House) -> None:
    """And keeps the file that the first flow needs, but not the one that came with the refused request."""
    kept, refused = house.files.add(b"one"), house.files.add(b"two")
    receipt = await house.create(MediumSpec(file=kept))
    with pytest.raises(IdempotencyKeyReused) as caught:
        await house.create(MediumSpec(file=kept), MediumSpec(file=refused))
    assert caught.value.extensions["field"] == "idempotencyKey"
    assert house.files.held == {kept: {receipt.id}, refused: set()}


async def test_the_same_request_is_the_same_flow_although_its_checks_come_out_otherwise(house: House) -> None:
    """A host that names no type today is taken for another kind of medium than yesterday."""
    asked = CreateHighlight(ACCOUNT, "Reef", (link("1"),), request="the same")
    first = await house.publishing.begin(CLIENT, asked, key="k")
    other = dataclasses.replace(asked, media=(dataclasses.replace(asked.media[0], kind=MediumKind.VIDEO),))
    assert (await house.publishing.begin(CLIENT, other, key="k")).id == first.id
    assert await house.publishing.begun(CLIENT, "k", "the same") is not None
    assert await house.publishing.begun(CLIENT, "another key", "the same") is None
    with pytest.raises(IdempotencyKeyReused):
        await house.publishing.begun(CLIENT, "k", "another")


async def test_the_same_key_for_another_mutation_is_refused(house: House) -> None:
    await house.create("a", key="k")
    with pytest.raises(IdempotencyKeyReused):
        await house.publishing.begin(CLIENT, DeleteHighlight(ACCOUNT, "17"), key="k")


async def test_two_clients_may_take_the_same_key(house: House) -> None:
    mine = await house.create("a", key="k")
    theirs = await house.publishing.begin("other", DeleteHighlight(ACCOUNT, "17"), key="k")
    assert mine.id != theirs.id


async def test_what_is_remembered_of_the_account_is_forgotten_before_the_flow_is_done(house: House) -> None:
    receipt = await house.create("a")
    async for now in house.publishing.watch(CLIENT, receipt.id):
        if now.state is FlowState.DONE:
            assert house.changes[0] == changed(now.entity_id)


async def test_events_name_the_flow_and_nothing_that_was_ordered(house: House) -> None:
    receipt = await house.made("https://example.com/secret.jpg?token=s", title="Hidden")
    assert house.events == [
        FlowStarted(receipt.id, "create_highlight"),
        FlowEnded(receipt.id, "create_highlight", "DONE", None),
    ]


async def test_progress_goes_forward_through_the_states(house: House) -> None:
    receipt = await house.create("a", "b", "c")
    seen = [now async for now in house.publishing.watch(CLIENT, receipt.id)]
    states = list(dict.fromkeys(now.state for now in seen))
    assert states == [
        FlowState.RECEIVED,
        FlowState.UPLOADING,
        FlowState.PROCESSING,
        FlowState.PUBLISHING,
        FlowState.APPLYING,
        FlowState.DONE,
    ]
    progress = [now.progress for now in seen]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0.0, 1.0)
