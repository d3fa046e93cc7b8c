"""Requests are carried out to their end, in every process, whatever is killed; and nobody is named afterwards."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.audit.trail import AuditKey
from gateway.clock import Clock
from gateway.erasure.request_runner import SHARED_STEP, RequestRunner
from gateway.erasure.request_store import CLAIM_SECONDS, ERASURES, REQUESTS, SEEN_SECONDS, VERSIONS, RequestStore
from gateway.erasure.requests import (
    RETAINED_SECONDS,
    DataRequest,
    NotYet,
    Person,
    RequestKind,
    RequestStep,
    RequestsUnavailable,
)
from gateway.events import Event, InternalErrorMasked, ignore
from tests.durable.postgres import Cluster
from tests.erasure.carrier import KEY, STEPS
from tests.fakes.clock import EPOCH, ManualClock
from tests.processes import run, started

ROOT = Path(__file__).parents[2]
SECONDS = 100.0
PERSON = Person(("787132",), ("natgeo",))
ERASURE = RequestKind.ERASURE


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/{ERASURES.file}"
    server: Cluster = request.getfixturevalue("postgres")
    return server.create()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def opened(url: str, clock: Clock, key: bytes = KEY) -> RequestStore:
    return RequestStore(url, lambda: AuditKey(key), clock)


@pytest.fixture
def store(url: str, clock: ManualClock) -> Iterator[RequestStore]:
    with closing(opened(url, clock)) as store:
        yield store


def everything(url: str) -> str:
    """All that any other program reads in it."""
    engine = sa.create_engine(url)
    with engine.connect() as db:
        found = [str(db.exec_driver_sql(f"SELECT * FROM {name}").all()) for name in sa.inspect(db).get_table_names()]  # noqa: S608 (of the catalogue)
    engine.dispose()
    return "".join(found)


def test_a_request_is_found_by_its_code(store: RequestStore) -> None:
    made = store.add(ERASURE, PERSON, "platform", b"digest")
    assert store.find(made.code) == made
    assert (made.person, made.steps, made.finished_at) == (PERSON, (), None)
    assert store.find("another") is None
    assert [one.code for one in store.unfinished()] == [made.code]


def test_nobody_is_named_in_plain_at_any_time_and_not_at_all_in_the_end(store: RequestStore, url: str) -> None:
    made = store.add(ERASURE, PERSON, "platform")
    assert not {"787132", "natgeo"} & {text for text in ("787132", "natgeo") if text in everything(url)}
    store.finish(made.code)
    found = store.find(made.code)
    assert found is not None
    assert (found.person, found.finished_at) == (None, made.requested_at)


def test_the_same_is_requested_once(store: RequestStore) -> None:
    first = store.add(ERASURE, PERSON, "platform", b"1")
    assert store.add(ERASURE, PERSON, "platform", b"1").code == first.code
    assert store.add(ERASURE, PERSON, "command").code == first.code
    assert store.add(RequestKind.DEAUTHORIZATION, PERSON, "platform", b"2").code != first.code
    store.finish(first.code)
    assert store.add(ERASURE, PERSON, "platform", b"1").code == first.code
    assert store.add(ERASURE, PERSON, "platform", b"3").code != first.code


def test_a_later_deauthorization_is_another_request(store: RequestStore) -> None:
    """It ends a consent that was given since the first, which the first does not."""
    add = partial(store.add, RequestKind.DEAUTHORIZATION, PERSON, "platform")
    first = add(b"1", EPOCH)
    assert add(b"2", EPOCH - 1).code == first.code
    later = add(b"3", EPOCH + 1)
    assert later.code != first.code
    assert [one.issued_at for one in store.unfinished()] == [EPOCH, EPOCH + 1]


def test_a_store_of_the_first_version_is_brought_forward(url: str, clock: ManualClock) -> None:
    with closing(opened(url, clock)) as store:
        made = store.add(ERASURE, PERSON, "platform", b"1")
    engine = sa.create_engine(url)
    with engine.begin() as db:
        db.execute(VERSIONS.delete().where(VERSIONS.c.minor == 1))
        db.exec_driver_sql(f"ALTER TABLE {REQUESTS.name} DROP COLUMN issued_at")
    engine.dispose()
    with closing(opened(url, clock)) as store:
        assert store.find(made.code) == made
        assert store.add(ERASURE, Person(("7",)), "platform", b"2", EPOCH).issued_at == EPOCH


def test_a_request_is_worked_on_by_one_process_at_a_time(store: RequestStore, url: str, clock: ManualClock) -> None:
    made = store.add(ERASURE, PERSON, "command")
    with closing(opened(url, clock)) as other:
        assert store.claim() == made
        assert other.claim() is None
        clock.advance(CLAIM_SECONDS)
        assert other.claim() == made
        other.note(made.after("flows", PERSON.known_as(ids=("1",))))
        other.release(made.code)
        again = store.claim()
    assert again is not None
    assert (again.steps, again.person) == (("flows",), Person(("787132", "1"), ("natgeo",)))


def test_all_processes_that_run_are_waited_for(store: RequestStore, clock: ManualClock) -> None:
    made = store.add(ERASURE, PERSON, "command")
    store.see("one", [made.number])
    store.see("other", [])
    assert not store.is_applied(made.number)
    store.see("other", [made.number])
    assert store.is_applied(made.number)
    store.see("dead", [])
    assert not store.is_applied(made.number)
    clock.advance(SEEN_SECONDS)
    assert store.is_applied(made.number)
    store.see("leaving", [])
    store.end("leaving")
    assert store.is_applied(made.number)


def test_a_finished_request_is_forgotten_after_a_while(store: RequestStore, clock: ManualClock) -> None:
    done, open = store.add(ERASURE, PERSON, "command"), store.add(ERASURE, Person(("7",)), "command")
    store.finish(done.code)
    clock.advance(RETAINED_SECONDS - 1)
    store.tidy()
    assert len(store.latest(10)) == 2
    clock.advance(1)
    store.tidy()
    assert [one.code for one in store.latest(10)] == [open.code]
    assert [one.code for one in store.latest(1)] == [open.code]


def test_requests_of_another_key_are_refused(store: RequestStore, url: str, clock: ManualClock) -> None:
    store.add(ERASURE, PERSON, "command")
    with closing(opened(url, clock, b"o" * 32)) as other, pytest.raises(RequestsUnavailable, match=r"audit\.key"):
        other.unfinished()


def runners(url: str, clock: ManualClock, forgotten: list[str]) -> tuple[RequestRunner, RequestRunner]:
    """Two processes, which say what they forget."""

    def runner(name: str) -> RequestRunner:
        async def act(request: DataRequest, person: Person) -> Person:
            forgotten.append("shared")
            return person

        async def wait(request: DataRequest, person: Person) -> Person:
            if not await made.is_applied(request):
                raise NotYet
            return person

        async def forget_here(person: Person | None) -> None:
            forgotten.append(name if person else f"all of {name}")

        steps = {ERASURE: [RequestStep(SHARED_STEP, act), RequestStep("caches", wait)]}
        made = RequestRunner(
            opened(url, clock), steps, forget_here, started_at=EPOCH, errors=(), clock=clock, hook=ignore
        )
        return made

    return runner("one"), runner("other")


async def test_each_process_empties_its_caches_after_those_that_are_shared(url: str, clock: ManualClock) -> None:
    forgotten: list[str] = []
    one, other = runners(url, clock, forgotten)
    for each in (one, other):
        await each.turn()
    with closing(opened(url, clock)) as store:
        made = await asyncio.to_thread(store.add, ERASURE, PERSON, "command")
        await one.turn()
        assert forgotten == ["shared", "one"]
        assert (await asyncio.to_thread(store.find, made.code)).finished_at is None  # type: ignore[union-attr]
        await other.turn()
        assert forgotten == ["shared", "one", "other"]
        assert (await asyncio.to_thread(store.find, made.code)).finished_at is not None  # type: ignore[union-attr]
    for each in (one, other):
        await each.aclose()


async def test_one_request_that_cannot_go_on_keeps_no_other_from_it(url: str, clock: ManualClock) -> None:
    """Neither one that waits for something, nor one that fails; and deauthorizations come first."""
    worked_on: list[str] = []

    async def act(request: DataRequest, person: Person) -> Person:
        worked_on.append(person.ids[0])
        if person.ids[0] in ("1", "2", "3"):
            raise {"1": NotYet(), "2": RequestsUnavailable("away"), "3": KeyError("a fault")}[person.ids[0]]
        return person

    async def forget_here(person: Person | None) -> None:
        assert person is None, "no step empties a shared cache"

    steps = {kind: [RequestStep("step", act)] for kind in RequestKind}
    events: list[Event] = []
    store = opened(url, clock)
    runner = RequestRunner(
        store,
        steps,
        forget_here,
        started_at=EPOCH,
        errors=(RequestsUnavailable,),
        clock=clock,
        hook=events.append,
    )
    for id in ("1", "2", "3", "4"):
        await runner.call(partial(store.add, ERASURE, Person((id,)), "command"))
    await runner.call(partial(store.add, RequestKind.DEAUTHORIZATION, Person(("5",)), "platform", b"digest"))
    with pytest.raises(RequestsUnavailable, match="away"):
        await runner.turn()
    assert worked_on == ["5", "1", "2", "3", "4"]
    assert [type(event.error) for event in events if isinstance(event, InternalErrorMasked)] == [KeyError]
    left = await runner.call(store.unfinished)
    assert [one.person for one in left] == [Person((id,)) for id in ("1", "2", "3")]
    with pytest.raises(RequestsUnavailable, match="away"):
        await runner.turn()
    assert worked_on[5:] == ["1", "2", "3"]
    await runner.aclose()


async def test_a_process_that_was_frozen_meanwhile_forgets_everything(url: str, clock: ManualClock) -> None:
    """Nobody waits for it for ever, and when it goes on nobody knows any more whose data was erased."""
    forgotten: list[str] = []
    one, frozen = runners(url, clock, forgotten)
    for each in (one, frozen):
        await each.turn()
    with closing(opened(url, clock)) as store:
        await asyncio.to_thread(store.add, ERASURE, PERSON, "command")
        clock.advance(SEEN_SECONDS)
        await one.turn()
        assert await asyncio.to_thread(store.unfinished) == []
    assert forgotten == ["shared", "one"]
    for _ in range(2):
        await frozen.turn()
        await one.turn()
    assert forgotten == ["shared", "one", "all of other"]
    for each in (one, frozen):
        await each.aclose()


def test_a_kill_after_any_step_leaves_the_rest_to_the_next_process(url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with closing(RequestStore(url, lambda: AuditKey(KEY), ManualClock())) as store:
        code = store.add(ERASURE, PERSON, "command").code
    command = [sys.executable, "-m", "tests.erasure.carrier", url]
    for step in STEPS:
        with started([*command, step, str(log)], seconds=SECONDS, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "now\n"
            process.kill()
    ended = run([*command, "-", str(log)], seconds=SECONDS, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    done = [line for line in log.read_text().splitlines() if line in STEPS]
    # The step that was killed is repeated, and no other.
    assert done == [step for step in STEPS for _ in range(2)]
    with closing(RequestStore(url, lambda: AuditKey(KEY), ManualClock())) as store:
        found = store.find(code)
    assert found is not None
    assert (found.steps, found.person) == (STEPS, None)
    assert found.finished_at is not None
