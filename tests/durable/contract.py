"""The contract of `Durable`, the first half: what a body is given. The same rules for each implementation."""

from __future__ import annotations

import asyncio

import pytest

from gateway.durable.port import Fault, Json, Run, Status, Step, StepState, Tally
from gateway.errors import IdempotencyKeyReused
from gateway.events import InternalErrorMasked, StepRetried
from gateway.queue_place import GATEWAY, QUEUE_CLIENT, QueueClient
from tests.durable.harness import ID, Lives, World, down, ended, refused, until


class Bodies:
    async def test_a_flow_tells_what_it_was_given_did_and_gave(self, lives: Lives, world: World) -> None:
        async def body(run: Run, input: Json) -> Json:
            await run.emit("phase", "UPLOADING")
            first = await run.step(world.step("first", result={"id": "1"}))
            await run.emit("phase", "DONE")
            return [run.id, input, first]

        durable = await lives.begin(body)
        started = await durable.start("body", ID, {"title": "a"})
        record = await ended(durable)
        assert (started.id, started.name, started.input) == (ID, "body", {"title": "a"})
        assert (record.status, record.output, record.fault) == (
            Status.DONE,
            [ID, {"title": "a"}, {"id": "1"}],
            None,
        )
        assert record.notes == {"phase": "DONE"}
        assert [(step.name, step.state, step.attempts) for step in record.steps] == [("first", StepState.DONE, 1)]
        (step,) = record.steps
        assert record.created_at <= step.started_at <= (step.finished_at or 0) <= record.updated_at

    async def test_the_same_key_and_input_are_the_same_flow(self, lives: Lives, world: World) -> None:
        gate = world.gate("first")

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first"))

        durable = await lives.begin(body)
        records = await asyncio.gather(*[durable.start("body", ID, {"a": 1, "b": 2}) for _ in range(3)])
        await until(world.reached["first"])
        await durable.start("body", ID, {"b": 2, "a": 1})
        gate.set()
        await ended(durable)
        await durable.start("body", ID, {"a": 1, "b": 2})
        assert len({record.created_at for record in records}) == 1
        assert world.done == {"first": 1}

    async def test_a_key_with_other_input_is_refused_also_while_its_flow_runs(self, lives: Lives, world: World) -> None:
        gate = world.gate("first")

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first"))

        durable = await lives.begin(body)
        lives.bodies["other"] = body
        await durable.start("body", ID, {"a": 1})
        with pytest.raises(IdempotencyKeyReused):
            await durable.start("body", ID, {"a": 2})
        with pytest.raises(IdempotencyKeyReused):
            await durable.start("other", ID, {"a": 1})
        gate.set()
        assert (await ended(durable)).input == {"a": 1}
        with pytest.raises(IdempotencyKeyReused):
            await durable.start("body", ID, {"a": 2})

    async def test_a_done_step_is_not_done_again_and_an_interrupted_one_is(self, lives: Lives, world: World) -> None:
        gate = world.gate("second")

        async def body(run: Run, input: Json) -> Json:
            first = await run.step(world.step("first", result=(1, 2)))
            return [first, await run.step(world.step("second", result=3))]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await until(world.reached["second"])
        durable = await lives.again()
        gate.set()
        record = await ended(durable)
        # A tuple comes back as JSON has it, in the first run as in the second.
        assert record.output == [[1, 2], 3]
        assert world.done == {"first": 1, "second": 2}
        assert [step.attempts for step in record.steps] == [1, 2]

    async def test_what_now_is_was_decided_when_it_was_first_asked(self, lives: Lives, world: World) -> None:
        gate = world.gate("first")
        seen = []

        async def body(run: Run, input: Json) -> Json:
            seen.append(await run.now())
            await run.step(world.step("first"))
            return None

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await until(world.reached["first"])
        await lives.end()
        await lives.clock.sleep(0.02)
        durable = await lives.again()
        gate.set()
        await ended(durable)
        assert len(seen) == 2
        assert seen[0] == seen[1]

    async def test_a_sleep_goes_on_where_a_crash_interrupted_it(self, lives: Lives, world: World) -> None:
        async def body(run: Run, input: Json) -> Json:
            began = await run.now()
            await run.step(world.step("first"))
            await run.sleep(1.0)
            world.done["woke"] += 1
            return await run.now() - began

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await lives.clock.sleep(0.7)
        durable = await lives.again()
        record = await ended(durable)
        assert world.done == {"first": 1, "woke": 1}
        assert record.output >= 1.0

    async def test_transient_trouble_is_tried_again(self, lives: Lives, world: World) -> None:
        world.failures["first"] = [down(0.01), down(0.01)]

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first", medium=None, result="x"))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        record = await ended(durable)
        assert (record.output, record.steps[0].attempts) == ("x", 3)
        retried = [event for event in lives.events if isinstance(event, StepRetried)]
        assert [(event.flow, event.step, event.attempt, event.code) for event in retried] == [
            (ID, "first", 1, "UPSTREAM_UNAVAILABLE"),
            (ID, "first", 2, "UPSTREAM_UNAVAILABLE"),
        ]

    async def test_a_step_comes_back_when_it_was_told_to_and_not_all_at_once(self, lives: Lives, world: World) -> None:
        """Retries without jitter hit an upstream that recovers all together."""
        for medium in range(4):
            world.failures[f"first {medium}"] = [down(0.3)]

        async def body(run: Run, input: Json) -> Json:
            return await run.steps([world.step("first", medium) for medium in range(4)], width=4)

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        await ended(durable)
        waits = [event.seconds for event in lives.events if isinstance(event, StepRetried)]
        assert len(set(waits)) == 4
        assert all(0.3 <= wait <= 0.8 for wait in waits)

    async def test_a_final_error_ends_the_step_and_what_the_body_lets_pass_ends_the_flow(
        self, lives: Lives, world: World
    ) -> None:
        world.failures["first"] = [refused()]

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first"))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        record = await ended(durable)
        fault = Fault("MEDIUM_REFUSED", "The image is too large.", False, {"medium": 1})
        assert (record.status, record.fault, record.output) == (Status.FAILED, fault, None)
        assert [(step.state, step.fault) for step in record.steps] == [(StepState.FAILED, fault)]

    async def test_patience_ends(self, lives: Lives, world: World) -> None:
        world.failures["first"] = [down(0.01) for _ in range(100)]

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first", patience=0.6))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        record = await ended(durable)
        assert record.fault
        assert (record.fault.code, record.fault.retryable) == ("UPSTREAM_UNAVAILABLE", True)
        assert world.done["first"] == record.steps[0].attempts > 1

    async def test_a_bug_is_masked(self, lives: Lives, world: World) -> None:
        world.failures["first"] = [ZeroDivisionError("secret")]

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step("first"))

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        record = await ended(durable)
        (bug,) = [event for event in lives.events if isinstance(event, InternalErrorMasked)]
        assert record.fault is not None
        assert (record.fault.code, record.fault.extensions) == ("INTERNAL_SERVER_ERROR", {"id": bug.id})
        assert "secret" not in repr(record)

    async def test_a_body_may_refuse_in_its_own_words(self, lives: Lives, world: World) -> None:
        async def body(run: Run, input: Json) -> Json:
            raise refused()

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        record = await ended(durable)
        assert record.fault
        assert record.fault.code == "MEDIUM_REFUSED"

    async def test_steps_keep_their_order_and_width_and_a_fault_stands_in_its_place(
        self, lives: Lives, world: World
    ) -> None:
        world.failures["upload 2"] = [refused()]
        gates = [world.gate(f"upload {i}") for i in range(3)]

        async def body(run: Run, input: Json) -> Json:
            results = await run.steps([world.step("upload", i, result=i) for i in range(7)], width=3)
            return [result.code if isinstance(result, Fault) else result for result in results]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        for i in range(len(gates)):
            await until(world.reached[f"upload {i}"])
        for gate in gates:
            gate.set()
        record = await ended(durable)
        assert record.output == [0, 1, "MEDIUM_REFUSED", 3, 4, 5, 6]
        assert [step.medium for step in record.steps] == list(range(7))
        assert world.most_under_way == 3

    async def test_all_flows_are_counted_by_status_and_the_oldest_that_runs_has_a_start(
        self, lives: Lives, world: World
    ) -> None:
        world.failures["bad"] = [refused()]
        world.gate("slow")

        async def body(run: Run, input: Json) -> Json:
            return await run.step(world.step(input))

        durable = await lives.begin(body)
        assert await durable.tally() == Tally({}, None)
        first = await durable.start("body", "1", "slow")
        for id, step in (("2", "slow"), ("3", "bad"), ("4", "good")):
            await durable.start("body", id, step)
        await ended(durable, "3")
        await ended(durable, "4")
        assert await durable.tally() == Tally({Status.RUNNING: 2, Status.FAILED: 1, Status.DONE: 1}, first.created_at)

    async def test_a_step_has_the_context_of_its_body(self, lives: Lives) -> None:
        """By it the requests of a flow are queued for its client."""

        async def look() -> Json:
            return QUEUE_CLIENT.get().id

        async def body(run: Run, input: Json) -> Json:
            QUEUE_CLIENT.set(QueueClient("web"))
            one = await run.step(Step("one", look))
            return [one, *await run.steps([Step("several", look, number) for number in range(3)], width=2)]

        durable = await lives.begin(body)
        await durable.start("body", ID, None)
        assert (await ended(durable)).output == ["web"] * 4
        assert QUEUE_CLIENT.get() is GATEWAY
