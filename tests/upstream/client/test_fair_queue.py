"""The order of the queue: every client has its share, whatever the others do."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.queue_place import QueueClient
from gateway.upstream.client.fair_queue import FairQueue
from tests.profiles import examples

WEIGHTS = {"a": 1.0, "b": 1.0, "c": 0.5, "d": 2.0, "e": 8.0}
CLIENTS = {id: QueueClient(id, weight) for id, weight in WEIGHTS.items()}
A, B, C, D, E = CLIENTS.values()

# Of one client: so many requests, or a pop (None). Those of one client are numbered as they come.
Steps = list[tuple[str, int] | None]
STEPS = st.lists(st.none() | st.tuples(st.sampled_from(sorted(WEIGHTS)), st.integers(1, 12)), max_size=60)


def filled(*requests: tuple[QueueClient, int]) -> FairQueue[str]:
    queue = FairQueue[str]()
    for client, number in requests:
        for serial in range(number):
            queue.push(f"{client.id}{serial}", client)
    return queue


def popped(queue: FairQueue[str], number: int | None = None) -> str:
    """The clients of the next requests, a letter for each."""
    return "".join(queue.pop()[0] for _ in range(len(queue) if number is None else number))


def test_clients_of_one_weight_take_turns() -> None:
    assert popped(filled((A, 6), (B, 3))) == "abababaaa"


def test_a_client_of_twice_the_weight_has_two_turns() -> None:
    assert Counter(popped(filled((A, 50), (D, 50)), 30)) == {"a": 10, "d": 20}


def test_a_client_that_comes_to_a_full_queue_is_next() -> None:
    queue = filled((A, 900))
    popped(queue, 100)
    queue.push("b", B)
    assert popped(queue, 3) == "baa"


def test_a_client_that_queues_one_request_at_a_time_has_only_its_share() -> None:
    """It comes back as soon as its request is sent, and is not before the others each time."""
    queue = filled((A, 20))
    order = ""
    for number in range(20):
        if not order.endswith("a"):
            queue.push(f"b{number}", B)
        order += popped(queue, 1)
    assert order.count("b") == pytest.approx(10, abs=1)


def test_a_client_whose_requests_have_left_is_forgotten() -> None:
    queue = filled((A, 10), (B, 1), (D, 1))
    popped(queue, 4)
    popped(queue, 2)
    assert queue.clients == 1
    popped(queue)
    assert (queue.clients, len(queue)) == (0, 0)


def test_a_request_of_two_clients_has_the_better_place() -> None:
    queue = filled((A, 9))
    queue.push("a8", B)
    assert [queue.pop() for _ in range(3)] == ["a0", "a8", "a1"]
    assert len(queue) == 6


def test_a_request_that_one_of_two_clients_has_left_has_the_place_of_the_other() -> None:
    queue = filled((A, 3))
    queue.push("a2", B)
    queue.leave("a2", B)
    queue.leave("a2", B)
    assert [queue.pop() for _ in range(3)] == ["a0", "a1", "a2"]
    queue = filled((A, 3))
    queue.push("a2", B)
    queue.leave("a2", A)
    assert [queue.pop() for _ in range(3)] == ["a0", "a2", "a1"]


def test_the_latest_weight_counts() -> None:
    queue = filled((A, 30), (B, 30))
    queue.push("another", QueueClient("b", 4.0))
    assert Counter(popped(queue, 20))["b"] == 16


def test_the_share_is_that_of_the_clients_that_have_requests_queued() -> None:
    queue = filled((A, 1), (D, 1), (E, 1))
    assert (queue.share(A), queue.share(B)) == (1 / 11, 1 / 12)


@dataclass
class Reference:
    """Start-time fair queuing as the paper has it, in exact numbers, which looks through all requests each time."""

    present: Fraction = Fraction(0)
    ends: dict[str, Fraction] = field(default_factory=dict)
    waiting: list[tuple[str, str]] = field(default_factory=list)

    def push(self, item: str, client: QueueClient) -> None:
        self.waiting.append((item, client.id))

    def starts(self) -> dict[str, Fraction]:
        """When the first request of each client starts."""
        return {id: max(self.present, self.ends.get(id, self.present)) for _, id in self.waiting}

    def pop(self) -> tuple[Fraction, str]:
        starts = self.starts()
        self.present = min(starts.values())
        return self.present, self.waiting[0][0]

    def sent(self, item: str) -> None:
        """`item` is the one that was popped: of several that start together any may be."""
        (id,) = [id for one, id in self.waiting if one == item]
        assert self.starts()[id] == self.present, "another one starts before it"
        assert item == next(one for one, other in self.waiting if other == id), "not in the order of its client"
        self.ends[id] = self.present + 1 / Fraction(WEIGHTS[id])
        self.waiting = [(one, other) for one, other in self.waiting if one != item]
        if not self.waiting:
            self.present, self.ends = Fraction(0), {}


@examples(2_000)
@given(STEPS)
def test_the_order_is_that_of_the_reference(steps: Steps) -> None:
    queue, reference = FairQueue[str](), Reference()
    serial = 0
    for step in steps:
        if step is not None:
            for _ in range(step[1]):
                serial += 1
                for one in (queue, reference):
                    one.push(f"{step[0]}{serial}", CLIENTS[step[0]])
        elif reference.waiting:
            reference.pop()
            reference.sent(queue.pop())
        assert len(queue) == len(reference.waiting)
        assert queue.clients <= len(WEIGHTS)


@examples(2_000)
@given(STEPS)
def test_two_clients_that_always_wait_differ_by_one_request_of_each_at_most(steps: Steps) -> None:
    """In requests sent, divided by the weights, over any stretch in which both have some queued."""
    queue = FairQueue[str]()
    waiting, sent = Counter[str](), Counter[str]()
    begun: dict[tuple[str, str], Counter[str]] = {}
    for serial, step in enumerate([*steps, *[None] * 200]):
        if step is None and not len(queue):
            continue
        if step is None:
            client = queue.pop()[0]
            sent[client] += 1
            waiting[client] -= 1
        else:
            for number in range(step[1]):
                queue.push(f"{step[0]}{serial}.{number}", CLIENTS[step[0]])
            waiting[step[0]] += step[1]
        for one in WEIGHTS:
            for other in WEIGHTS:
                if one >= other:
                    continue
                if not (waiting[one] and waiting[other]):
                    begun.pop((one, other), None)
                    continue
                then = begun.setdefault((one, other), Counter(sent))
                had = {id: (sent[id] - then[id]) / WEIGHTS[id] for id in (one, other)}
                assert abs(had[one] - had[other]) <= 1 / WEIGHTS[one] + 1 / WEIGHTS[other] + 1e-9


SHARED = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(WEIGHTS)), st.booleans()), max_size=15)


def made(steps: Steps, shared: list[tuple[int, str, bool]]) -> FairQueue[str]:
    """A queue after these steps, in which requests are shared with other clients, or have left."""
    queue, items = FairQueue[str](), list[str]()
    for serial, step in enumerate(steps):
        if step is not None:
            more = [f"{step[0]}{serial}.{number}" for number in range(step[1])]
            for item in more:
                queue.push(item, CLIENTS[step[0]])
            items += more
        elif len(queue):
            items.remove(queue.pop())
    for number, client, leaves in shared:
        if number < len(items) and items[number] in queue:
            queue.push(items[number], CLIENTS[client])
            if leaves:
                queue.leave(items[number], CLIENTS[items[number][0]])
    return queue


def turns_until(queue: FairQueue[str], item: str) -> int:
    turns = 0
    while queue.pop() != item:
        turns += 1
    return turns


@examples(2_000)
@given(STEPS, st.sampled_from(sorted(WEIGHTS)))
def test_how_many_are_ahead_is_foreseen(steps: Steps, client: str) -> None:
    """Of those that start together with it, none is counted."""
    queue = made(steps, [])
    foreseen = queue.ahead(CLIENTS[client])
    queue.push("another", CLIENTS[client])
    assert 0 <= turns_until(queue, "another") - foreseen < len(WEIGHTS)


@examples(2_000)
@given(STEPS, SHARED, st.sampled_from(sorted(WEIGHTS)))
def test_never_fewer_are_ahead_than_foreseen(steps: Steps, shared: list[tuple[int, str, bool]], client: str) -> None:
    queue = made(steps, shared)
    foreseen = queue.ahead(CLIENTS[client])
    queue.push("another", CLIENTS[client])
    assert turns_until(queue, "another") >= foreseen


@examples(2_000)
@given(STEPS, SHARED)
def test_each_request_leaves_once(steps: Steps, shared: list[tuple[int, str, bool]]) -> None:
    queue = made(steps, shared)
    length = len(queue)
    copied = copy.deepcopy(queue)
    left = [copied.pop() for _ in range(length)]
    assert len(set(left)) == length
    assert (copied.clients, len(copied)) == (0, 0)
    for item in left:
        queue.remove(item)
        queue.remove(item)
    assert (queue.clients, len(queue)) == (0, 0)
