"""Several gateways behind nginx, as `make stack` starts them."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import processes
from tests.stack.members import LIMIT
from tests.stack.stack import Ports, Stack, stack

pytestmark = pytest.mark.timeout(180)
INSTANCES = 3
# Seconds after which an edit must be seen by all: one is what is promised, the others are for a busy machine.
SEEN = 1.0 + 2.0
USER = '{{ user(by: {{ id: "{}" }}) {{ biography }} }}'
accounts = itertools.count(7_000_000_000)


@pytest.fixture(scope="module")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("stack"), Ports.free(INSTANCES)) as made:
        yield made
    assert {member.name: member.end() for member in made.gateways} == {member.name: 0 for member in made.gateways}


@pytest.fixture
def client(running_stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running_stack.url, timeout=LIMIT, trust_env=False) as made:
        yield made


def asked(client: httpx.Client) -> dict[str, object]:
    """The answer about an account that nobody asked for before, and that does not exist."""
    answer = client.post("/graphql", json={"query": USER.format(next(accounts))})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["extensions"]["billing"])


def until_spread(made: Stack, before: list[int], number: int) -> None:
    """Returns when so many more operations are logged, of which each gateway must have had some."""
    while sum(after := operations(made)) < sum(before) + number:
        time.sleep(0.05)  # lines are written in bulk
    assert all(later > earlier for later, earlier in zip(after, before, strict=True))


def billed(made: Stack) -> int:
    return int(httpx.get(f"{made.sandbox}/_control/meter", trust_env=False).json()["total_billed"])


def operations(made: Stack) -> list[int]:
    """How many operations each gateway has logged."""
    return [member.log.read_text().count("event=OperationCompleted") for member in made.gateways]


def test_operations_are_spread_over_all_gateways(running_stack: Stack, client: httpx.Client) -> None:
    before = operations(running_stack)
    bills = [asked(client) for _ in range(12)]
    assert {bill["charged"] for bill in bills} == {1}
    until_spread(running_stack, before, 12)


def test_prometheus_scrapes_each_gateway(running_stack: Stack) -> None:
    targets: list[dict[str, str]] = []
    while len(targets) < INSTANCES:
        answer = httpx.get(f"http://127.0.0.1:{running_stack.ports.prometheus}/api/v1/targets", trust_env=False)
        targets = answer.json()["data"]["activeTargets"]
        time.sleep(0.05)
    assert {target["scrapeUrl"] for target in targets} == {
        f"http://127.0.0.1:{port}/metrics" for port in running_stack.ports.metrics
    }


def test_a_killed_gateway_is_left_to_the_others(running_stack: Stack, client: httpx.Client) -> None:
    victim = running_stack.gateways[1]
    victim.kill()
    try:
        assert [asked(client)["charged"] for _ in range(12)] == [1] * 12
    finally:
        victim.start()


async def test_a_herd_of_identical_operations_over_all_gateways_makes_one_call(running_stack: Stack) -> None:
    query = {"query": USER.format(next(accounts))}
    before = billed(running_stack)
    async with httpx.AsyncClient(base_url=running_stack.url, timeout=LIMIT, trust_env=False) as client:
        logged = operations(running_stack)
        answers = await asyncio.gather(*(client.post("/graphql", json=query) for _ in range(60)))
    charged = [answer.json()["extensions"]["billing"]["charged"] for answer in answers]
    assert sorted(charged) == [0] * 59 + [1]
    assert billed(running_stack) == before + 1
    await asyncio.to_thread(until_spread, running_stack, logged, 60)


def test_an_edit_through_one_gateway_is_seen_by_all_within_a_second(running_stack: Stack) -> None:
    """All have the list of highlights in their own cache."""
    tray = {"query": '{ user(by: { id: "787132" }) { highlights(first: 1) { nodes { title } } } }'}
    with httpx.Client(timeout=LIMIT, trust_env=False) as client:

        def newest(number: int) -> str:
            answer = client.post(f"{running_stack.direct(number)}/graphql", json=tray).json()
            return str(answer["data"]["user"]["highlights"]["nodes"][0]["title"])

        assert "Seen by all" not in {newest(number) for number in range(INSTANCES)}
        media = '{ url: "https://media.sandbox.test/seen.jpg" }'
        order = f'account: "787132", title: "Seen by all", media: [{media}], idempotencyKey: "seen", waitSeconds: 60'
        made = client.post(
            f"{running_stack.direct(0)}/graphql",
            json={"query": f"mutation {{ createHighlight(input: {{ {order} }}) {{ flow {{ state }} }} }}"},
        )
        done = time.monotonic()
        assert made.json()["data"]["createHighlight"]["flow"]["state"] == "DONE"
        while {newest(number) for number in range(INSTANCES)} != {"Seen by all"}:
            assert time.monotonic() < done + SEEN


def test_flows_are_the_same_through_each_gateway(running_stack: Stack, client: httpx.Client) -> None:
    media = '{ url: "https://media.sandbox.test/a.jpg" }'
    order = f'account: "787132", title: "Reef", media: [{media}], idempotencyKey: "stack", waitSeconds: 0'
    made = client.post(
        "/graphql", json={"query": f"mutation {{ createHighlight(input: {{ {order} }}) {{ flow {{ id }} }} }}"}
    )
    flow = made.json()["data"]["createHighlight"]["flow"]["id"]
    for number in range(INSTANCES):
        url = f"{running_stack.direct(number)}/graphql"
        answer = httpx.post(url, json={"query": f'{{ flow(id: "{flow}") {{ id }} }}'}, trust_env=False).json()
        assert answer["data"] == {"flow": {"id": flow}}, answer


@pytest.mark.usefixtures("running_stack")  # it needs the same programs
def test_the_command_ends_all_that_it_has_started(tmp_path: Path) -> None:
    ports = Ports.free(1)
    command = [sys.executable, "-m", "tests.stack", "--instances", "1", "--folder", str(tmp_path)]
    command += ["--port", str(ports.front), "--free-ports"]
    pipe = subprocess.PIPE
    with processes.started(command, seconds=LIMIT * 2, stdout=pipe, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "Runs until Ctrl-C.\n"))
        url = lines[0].split()[1]
        assert httpx.post(f"{url}/graphql", json={"query": "{ __typename }"}, trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
