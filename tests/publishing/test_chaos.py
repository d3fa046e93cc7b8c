"""Faults, crashes, lost and doubled webhooks, and clients that send again: at any time, and all at once."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.publishing import Traits
from gateway.publishing.phases import FlowState
from gateway.publishing.views import WorkflowView
from tests.fakes.clock import VirtualLoop
from tests.fakes.publisher import IDEMPOTENT, PLAIN, Made
from tests.profiles import examples
from tests.publishing.harness import ENDED, House

FLOWS = 4
FAULTS = 0.125  # before, and again after each effect: a call in four fails
CRASHES = 0.02


def made_for(house: House, flow: int) -> list[Made]:
    """The highlights whose media are those of `flow`."""

    def of(made: Made) -> set[str]:
        return {house.upstream.containers[id].name for id in made.media_ids}

    return [made for made in house.upstream.standing if of(made) == {media_of(flow)[i] for i in range(3)}]


def media_of(flow: int) -> list[str]:
    return [f"https://example.com/{flow}-{i}.jpg" for i in range(3)]


async def storm(house: House, seed: int) -> list[WorkflowView]:
    """The receipts of FLOWS flows, in their order, after all of them have ended."""
    dice = random.Random(seed)
    house.upstream.dice = dice
    house.upstream.rate = FAULTS
    house.upstream.trouble = lambda call, moment: house.crash() if dice.random() < CRASHES else None
    ids: dict[int, str] = {}
    for _ in range(5_000):
        if house.is_down:
            await house.start()
        for flow in range(FLOWS):
            if flow not in ids or dice.random() < 0.02:
                ids[flow] = (await house.create(*media_of(flow), key=str(flow))).id
        for id in dice.choices(list(house.upstream.containers) or ["none"], k=2):
            house.durable.signal(f"media:{id}")
        await house.clock.sleep(dice.uniform(0.0, 5.0))
        receipts = [await house.publishing.flow("shop", ids[flow]) for flow in range(FLOWS)]
        if all(one is not None and one.state in ENDED for one in receipts):
            return [one for one in receipts if one is not None]
    raise AssertionError("the flows do not end")


def weather(seed: int, traits: Traits, lag: float = 0.0) -> tuple[House, list[WorkflowView]]:
    async def run() -> tuple[House, list[WorkflowView]]:
        with tempfile.TemporaryDirectory() as directory:
            async with House(Path(directory), traits, seed) as house:
                house.upstream.lag = lag
                return house, await storm(house, seed)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


@examples(60)
@given(st.integers(0, 2**32))
def test_with_keys_each_is_exactly_one_highlight(seed: int) -> None:
    house, receipts = weather(seed, IDEMPOTENT)
    for flow, receipt in enumerate(receipts):
        (made,) = made_for(house, flow)
        assert [house.upstream.containers[id].name for id in made.media_ids] == media_of(flow)
        assert (receipt.state, receipt.entity_id, receipt.warnings) == (FlowState.DONE, made.pk, ())
    assert len(house.upstream.highlights) == FLOWS


@examples(60)
@given(st.integers(0, 2**32))
def test_without_keys_each_is_exactly_one_highlight_where_the_tray_tells_the_truth(seed: int) -> None:
    house, receipts = weather(seed, PLAIN)
    for flow, receipt in enumerate(receipts):
        (made,) = made_for(house, flow)
        assert (receipt.state, receipt.entity_id) == (FlowState.DONE, made.pk)
        assert not [warning for warning in receipt.warnings if "twin" in warning]
    assert len(house.upstream.highlights) == FLOWS


@examples(60)
@given(st.integers(0, 2**32), st.floats(0.0, 20.0))
def test_without_keys_none_is_lost_and_a_twin_that_shows_late_is_reported(seed: int, lag: float) -> None:
    house, receipts = weather(seed, PLAIN, lag)
    for flow, receipt in enumerate(receipts):
        pks = {made.pk for made in made_for(house, flow)}
        told = {warning.split()[2] for warning in receipt.warnings if "is a twin" in warning}
        assert receipt.state is FlowState.DONE
        assert pks == told | {receipt.entity_id}


def test_the_storm_is_one() -> None:
    """What is survived did happen: a test of the tests."""
    crashes, calls, twins = 0, Counter[str](), 0
    for seed in range(20):
        house, receipts = weather(seed, PLAIN, lag=10.0)
        crashes += house.crashes
        calls.update(house.upstream.calls)
        twins += sum("is a twin" in warning for receipt in receipts for warning in receipt.warnings)
    assert crashes > 20
    assert calls["create"] > 1.2 * 20 * FLOWS
    assert calls["tray"] > 20
    assert twins > 0
