"""The contract of `Durable`, the second half: what is done with flows. The same rules for each implementation."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing, suppress

import pytest

from gateway.durable.port import STEP_SECONDS, Fault, Json, Run, Status, Step, StepFailed, StepState
from gateway.errors import InvalidInput
from tests.durable.harness import ID, SOON, Lives, World, ended, pruned, refused, until, wait_for


class Flows:
    async def test_a_retry_does_again_what_failed_and_what_came_after(self, lives: Lives, world: World) -> None:
        """Also the cleaning up after the failure, which must not hide the step that failed the flow."""
        world.failures["upload 1"] = [refused()]
        world.failures["clean"] = [refused()]

        async def body(run: Run, input: Json) -> Json:
            first = await run.step(world.step("first", result=await run.now()))
            results = await run.steps([world.step("upload", i, result=i) for i in range(3)], width=3)
            for result in results:
                if isinstance(result, Fault):
                    with suppress(StepFailed):
                        await run.step(world.step("clean"))
                    raise StepFailed(result)
            return [first, *results, await run.step(world.step("last"))]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        assert (await ended(durable)).status is Status.FAILED
        durable = await lives.again()
        retried = await durable.retry(ID)
        assert retried is not None
        assert (retried.status, retried.fault) == (Status.RUNNING, None)
        record = await ended(durable)
        assert record.status is Status.DONE
        assert record.output[1:] == [0, 1, 2, None]
        assert world.done == {"first": 1, "upload 0": 1, "upload 1": 2, "upload 2": 1, "clean": 1, "last": 1}
        assert [step.name for step in record.steps] == ["first", "upload", "upload", "upload", "last"]

    async def test_a_retry_leaves_alone_what_the_flow_had_got_over(self, lives: Lives, world: World) -> None:
        """Two steps failed in the same words; only the second one failed the flow."""
        world.failures["skipped"] = [refused()]
        world.failures["needed"] = [refused()]

        async def body(run: Run, input: Json) -> Json:
            with suppress(StepFailed):
                await run.step(world.step("skipped"))
            await run.step(world.step("between"))
            return await run.step(world.step("needed", result="x"))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await ended(durable)
        await durable.retry(ID)
        record = await ended(durable)
        assert record.output == "x"
        assert world.done == {"skipped": 1, "between": 1, "needed": 2}

    async def test_a_retry_asks_again_what_the_body_did_not_like(self, lives: Lives, world: World) -> None:
        answers = ["REFUSED", "READY"]

        async def look() -> Json:
            return answers.pop(0)

        async def body(run: Run, input: Json) -> Json:
            await run.step(world.step("first"))
            if await run.step(Step("look", look)) == "REFUSED":
                raise refused()
            return "fine"

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        assert (await ended(durable)).status is Status.FAILED
        await durable.retry(ID)
        assert (await ended(durable)).output == "fine"
        assert world.done == {"first": 1}

    async def test_what_is_done_or_runs_is_not_retried(self, lives: Lives, world: World) -> None:
        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first", result="x"))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await durable.retry(ID)
        record = await ended(durable)
        assert await durable.retry(ID) == record
        assert world.done == {"first": 1}

    async def test_a_cancelled_flow_does_no_further_step_and_does_not_interrupt_one(
        self, lives: Lives, world: World
    ) -> None:
        gate = world.gate("first")
        finished = asyncio.Event()

        async def first() -> Json:
            try:
                return await world.step("first", result="x").act()
            finally:
                finished.set()

        async def body(run: Run, input: Json) -> Json:
            got = await run.step(Step("first", first))
            return [got, await run.step(world.step("second", result="y"))]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await until(world.reached["first"])
        cancelled = await durable.cancel(ID)
        assert cancelled is not None
        assert cancelled.status is Status.CANCELLED
        assert not finished.is_set()
        gate.set()
        await until(finished)
        await lives.clock.sleep(0.2)
        record = await ended(durable)
        assert (record.status, record.output) == (Status.CANCELLED, None)
        assert world.done == {"first": 1}
        await durable.retry(ID)
        assert (await ended(durable)).output == ["x", "y"]
        assert world.done == {"first": 1, "second": 1}

    async def test_a_flow_that_is_resumed_before_it_has_stopped_just_goes_on(self, lives: Lives, world: World) -> None:
        gate = world.gate("first")

        async def body(run: Run, input: Json) -> Json:
            got = await run.step(world.step("first", result="x"))
            return [got, await run.step(world.step("second", result="y"))]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await until(world.reached["first"])
        await durable.cancel(ID)
        await durable.retry(ID)
        gate.set()
        assert (await ended(durable)).output == ["x", "y"]
        assert world.done == {"first": 1, "second": 1}

    async def test_a_cancelled_flow_stays_so_over_a_crash(self, lives: Lives, world: World) -> None:
        world.gate("first")

        async def body(run: Run, input: Json) -> Json:
            await run.step(world.step("first"))
            return await run.step(world.step("second"))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await until(world.reached["first"])
        await durable.cancel(ID)
        durable = await lives.again()
        await lives.clock.sleep(0.3)
        record = await durable.get(ID)
        assert record is not None
        assert record.status is Status.CANCELLED
        assert world.done == {"first": 1}

    async def test_a_sleeping_flow_is_cancelled_at_once(self, lives: Lives, world: World) -> None:
        stopped = asyncio.Event()

        async def body(run: Run, input: Json) -> Json:
            try:
                await run.step(world.step("first"))
                await run.sleep(100_000.0)
            finally:
                stopped.set()

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await wait_for(durable, lambda record: bool(record.steps) and record.steps[0].state is StepState.DONE)
        await durable.cancel(ID)
        await until(stopped)

    async def test_a_watcher_sees_the_progress_and_the_end(self, lives: Lives, world: World) -> None:
        gates = {name: world.gate(name) for name in ("first", "second")}

        async def body(run: Run, input: Json) -> Json:
            await run.emit("phase", "ONE")
            await run.step(world.step("first"))
            await run.emit("phase", "TWO")
            await run.step(world.step("second"))
            return None

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        seen = []
        async with aclosing(durable.watch(ID)) as records:  # type: ignore[type-var]
            async for record in records:
                seen.append(record)
                running = {step.name for step in record.steps if step.state is StepState.RUNNING}
                for name in running & gates.keys():
                    gates[name].set()
        assert next(record.notes.get("phase") for record in seen if record.notes) == "ONE"
        assert seen[-1].status is Status.DONE
        assert all(one != other for one, other in itertools.pairwise(seen))
        states = {(step.name, step.state) for record in seen for step in record.steps}
        assert {("first", StepState.RUNNING), ("second", StepState.RUNNING), ("second", StepState.DONE)} <= states

    async def test_watching_what_has_ended_or_is_not_there_ends(self, lives: Lives, world: World) -> None:
        async def body(run: Run, input: Json) -> Json:
            return None

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        record = await ended(durable)
        assert [seen async for seen in durable.watch(ID)] == [record]
        assert [seen async for seen in durable.watch("web:2")] == []

    async def test_waiting_is_bounded(self, lives: Lives, world: World) -> None:
        world.gate("first")

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first"))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        record = await durable.wait(ID, 0.05)
        assert record is not None
        assert record.status is Status.RUNNING

    async def test_what_is_not_there_is_none(self, lives: Lives) -> None:
        async def body(run: Run, input: Json) -> Json:
            return None

        durable = await lives.begin(body)
        assert [await durable.get(ID), await durable.cancel(ID), await durable.retry(ID)] == [None] * 3
        assert await durable.wait(ID, 1.0) is None

    async def test_flows_are_listed_newest_first_page_by_page(self, lives: Lives, world: World) -> None:
        world.failures["first"] = [refused()]

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first"))

        durable = await lives.begin(body)
        for id in ("web:1", "web:2", "Web:1", "web:3", "app:1"):
            await durable.start("body", id, None)
            await ended(durable, id)

        async def ids(**filters: object) -> list[str]:
            return [record.id for record in await durable.list(**filters)]  # type: ignore[arg-type]

        assert await ids() == ["app:1", "web:3", "Web:1", "web:2", "web:1"]
        assert await ids(prefix="web:") == ["web:3", "web:2", "web:1"]
        assert await ids(prefix="web:", limit=2) == ["web:3", "web:2"]
        assert await ids(prefix="web:", limit=2, before="web:2") == ["web:1"]
        assert await ids(status=Status.FAILED) == ["web:1"]
        assert await ids(prefix="w_b%") == []

    async def test_only_what_ended_long_ago_is_forgotten(self, lives: Lives, world: World) -> None:
        world.gate("stays")

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step(input))

        durable = await lives.begin(body)
        await durable.start("body", "web:1", "first")
        await durable.start("body", "web:2", "stays")
        await ended(durable, "web:1")
        await until(world.reached["stays"])
        assert await durable.prune(lives.clock.now() - 60.0) == 0
        await lives.clock.sleep(0.3)
        await pruned(durable, lives.clock.now())
        assert [record.id for record in await durable.list()] == ["web:2"]
        # The key is free again, and the flow is another one.
        await durable.start("body", "web:1", "second")
        assert (await ended(durable, "web:1")).input == "second"
        assert world.done["second"] == 1

    async def test_an_event_wakes_who_waits_for_it(self, lives: Lives, world: World) -> None:
        """Also one that came while the poll was still under way."""

        async def look() -> Json:
            return [await durable.wait_for_event("media:1", SOON), await durable.wait_for_event("media:2", 0.01)]

        async def body(run: Run, input: Json) -> Json:
            return await run.step(Step("look", look))

        durable = await lives.begin(body)
        durable.signal("media:1")
        await durable.start("body", ID, None)
        assert (await ended(durable)).output == [True, False]
        waiting = asyncio.ensure_future(durable.wait_for_event("media:1", SOON))
        await asyncio.sleep(0)
        durable.signal("media:1")
        assert await waiting

    async def test_large_inputs_are_refused(self, lives: Lives) -> None:
        """Media are spooled to files: the history holds what is said of them."""

        async def body(run: Run, input: Json) -> Json:
            return None

        durable = await lives.begin(body)
        with pytest.raises(InvalidInput):
            await durable.start("body", ID, "x" * 2**20)
        assert await durable.get(ID) is None

    async def test_what_a_step_gives_is_json_and_small(self, lives: Lives) -> None:
        async def large() -> Json:
            return "x" * 2**20

        async def foreign() -> Json:
            return {1, 2}

        async def body(run: Run, input: Json) -> Json:
            results = await run.steps([Step("large", large), Step("foreign", foreign)], width=2)
            return [isinstance(result, Fault) and result.code for result in results]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        assert (await ended(durable)).output == ["INTERNAL_SERVER_ERROR"] * 2

    async def test_an_engine_that_runs_has_no_problem(self, lives: Lives) -> None:
        async def body(run: Run, input: Json) -> Json:
            return None

        assert (await lives.begin(body)).problem() is None

    async def test_ended_flows_are_erased_by_their_ids_and_running_ones_stay(self, lives: Lives, world: World) -> None:
        gate = world.gate("step")

        async def body(run: Run, input: Json) -> Json:
            return await run.step(Step("step", gate.wait)) if input else None

        durable = await lives.begin(body)
        await durable.start("body", "a", None)
        await durable.wait("a", 60.0)
        await durable.start("body", "c", "waits")
        assert not await durable.erase(["a", "c", "unknown"])
        assert [record.id for record in await durable.list()] == ["c"]
        # What was erased may be begun again, under the same id.
        assert (await durable.start("body", "a", None)).id == "a"

    async def test_a_step_in_progress_ends_before_its_flow_is_handed_over(self, lives: Lives, world: World) -> None:
        gate = world.gate("first")

        async def body(run: Run, input: Json) -> Json:
            return [await run.step(world.step(name, result=name)) for name in ("first", "second")]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await until(world.reached["first"])
        leaving = asyncio.ensure_future(durable.hand_over())
        await asyncio.sleep(0)
        gate.set()
        await leaving
        assert world.done == {"first": 1}
        await durable.hand_over()
        record = await durable.wait(ID, 1_000.0)
        assert record is not None
        assert record.status is Status.RUNNING
        assert (await ended(await lives.again())).output == ["first", "second"]
        assert world.done == {"first": 1, "second": 1}

    async def test_a_step_that_waits_is_interrupted_when_its_flow_is_handed_over(
        self, lives: Lives, world: World
    ) -> None:
        """It has no effect in progress; whoever takes the flow over looks again."""
        looking = asyncio.Event()

        async def look() -> Json:
            looking.set()
            await lives.current.wait_for_event("ready", 1_000.0)
            return "seen"

        async def body(run: Run, input: Json) -> Json:
            await run.step(Step("look", look))
            await run.sleep(1_000.0)
            return None

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await until(looking)
        async with asyncio.timeout(STEP_SECONDS / 2):
            await durable.hand_over()
        looking.clear()
        durable = await lives.again()
        await until(looking)
        durable.signal("ready")
        await wait_for(durable, lambda record: [step.state for step in record.steps] == [StepState.DONE])
        async with asyncio.timeout(STEP_SECONDS / 2):
            await durable.hand_over()

    async def test_what_is_started_after_the_hand_over_is_run_by_the_next_process(
        self, lives: Lives, world: World
    ) -> None:
        """A request that was received before may be answered still."""

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first", result=1))

        durable = await lives.begin(body)
        await durable.hand_over()
        assert (await durable.start("body", ID, None)).status is Status.RUNNING
        assert world.done == {}
        assert (await ended(await lives.again())).output == 1
