"""Webhooks at the wire, in virtual time: handshake, signatures, what is told, and how unreliably."""

from __future__ import annotations

import asyncio
import hmac
import json
import random
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from gateway.sandbox import MovableClock, create_sandbox
from gateway.sandbox.faults import Accepted, Processing
from tests.fakes.clock import EPOCH, VirtualClock
from tests.sandbox.harness import ORIGIN, client_of, held
from tests.sandbox.publishing.media import jpeg
from tests.sandbox.publishing.platform_client import NATGEO, Press, done

SECRET, TOKEN = "app-secret", "verify-me"
DAY = 86_400
Told = tuple[str, str, str]


class Callback:
    """The subscriber: answers the handshake, checks each signature, and keeps what it was told and when."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.times: list[float] = []
        self.posts = 0
        self.refusals = 0
        self.clock = VirtualClock()

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            query = request.url.params
            if (query["hub.mode"], query["hub.verify_token"]) != ("subscribe", TOKEN):
                return httpx.Response(403)
            return httpx.Response(200, text=query["hub.challenge"])
        self.posts += 1
        if self.refusals:
            self.refusals -= 1
            raise httpx.ConnectError("nobody is there")
        self._read(request)
        return httpx.Response(200)

    def _read(self, request: httpx.Request) -> None:
        expected = hmac.digest(SECRET.encode(), request.content, "sha256").hex()
        assert request.headers["x-hub-signature-256"] == f"sha256={expected}"
        event = json.loads(request.content)
        assert event.keys() == {"object", "entry"}
        assert event["object"] == "instagram"
        for entry in event["entry"]:
            assert entry.keys() == {"id", "time", "changes"}
            assert entry["id"] == NATGEO
            for change in entry["changes"]:
                self.told.append((change["field"], *change["value"].values()))
                self.times.append(self.clock.now())


@pytest.fixture
def callback() -> Callback:
    return Callback()


@pytest.fixture
async def app(callback: Callback) -> Starlette:
    transport = httpx.MockTransport(callback.answer)
    return create_sandbox(clock=MovableClock(VirtualClock()), base_url=ORIGIN, webhook_transport=transport)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client
        await client.delete("/_control/webhooks")


async def subscribe(client: httpx.AsyncClient, token: str = TOKEN, **mode: float) -> httpx.Response:
    body = {"url": "https://gateway.test/hook?tenant=1", "app_secret": SECRET, "verify_token": token, "mode": mode}
    return await client.post("/_control/webhooks", json=body)


async def test_a_subscriber_must_shake_hands_first(client: httpx.AsyncClient, press: Press, callback: Callback) -> None:
    refused = await subscribe(client, token="wrong")
    assert (refused.status_code, refused.json()) == (400, {"error": "the callback answered 403 without the challenge"})
    await press.highlight()
    await asyncio.sleep(60)
    assert callback.posts == 0
    assert done(await subscribe(client), 201) == {"urls": ["https://gateway.test/hook?tenant=1"]}
    assert done(await client.get("/_control/webhooks"))["urls"] == ["https://gateway.test/hook?tenant=1"]


@pytest.mark.parametrize("body", [{}, {"url": "https://x.test", "app_secret": "s"}, {"mode": {"late": 2}}, "text"])
async def test_what_is_no_subscription_is_refused(client: httpx.AsyncClient, body: object) -> None:
    assert (await client.post("/_control/webhooks", json=body)).status_code == 400


async def test_a_callback_that_cannot_be_reached_is_no_subscriber() -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody is there")

    app = create_sandbox(clock=VirtualClock(), webhook_transport=httpx.MockTransport(nobody))
    async with client_of(app) as client:
        assert (await subscribe(client)).json() == {"error": "the callback cannot be reached"}
        broken = {"url": "https://[broken", "app_secret": SECRET, "verify_token": TOKEN}
        assert (await client.post("/_control/webhooks", json=broken)).status_code == 400


class Endless(httpx.AsyncByteStream):
    """The body of a callback's answer; `sent` counts its bytes."""

    sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent < 2**20:
            self.sent += 1_000
            yield b" " * 1_000


async def test_an_answer_of_a_callback_is_read_no_further_than_it_says_something() -> None:
    bodies: list[Endless] = []

    def answer(request: httpx.Request) -> httpx.Response:
        challenge = request.url.params.get("hub.challenge", "")
        if request.url.params.get("hub.verify_token") == TOKEN:
            return httpx.Response(200, text=challenge)
        bodies.append(Endless())
        return httpx.Response(200, stream=bodies[-1])

    app = create_sandbox(clock=VirtualClock(), webhook_transport=httpx.MockTransport(answer))
    async with client_of(app) as client:
        refused = await subscribe(client, token="another")
        assert refused.json() == {"error": "the callback answered 200 without the challenge"}
        done(await subscribe(client), 201)
        await Press(client).highlight()
        await asyncio.sleep(60)
        await client.delete("/_control/webhooks")
    assert [body.sent for body in bodies[:2]] == [1_000, 0]


async def test_everything_that_happens_is_told_in_time_and_in_order(
    client: httpx.AsyncClient, app: Starlette, press: Press, callback: Callback
) -> None:
    await subscribe(client)
    held(app).faults.lay(Accepted(seconds=3, times=1), Processing(seconds=2, code=352, times=1))
    failed = done(await press.link(), 202)["id"]
    medium = done(await press.link(), 202)["id"]
    await asyncio.sleep(2.5)
    kept, lost = [done(await press.publish(medium), 201)["id"] for _ in range(2)]
    created = done(await press.create([kept]), 202)["id"]
    await asyncio.sleep(4)
    await press.post(f"/highlights/{created}/edit", json={"title": "Edited"})
    await asyncio.sleep(1)
    assert callback.told == [
        ("media", medium, "FINISHED"),
        ("media", failed, "ERROR"),
        ("media", medium, "PUBLISHED"),
        ("highlights", created, "created"),
        ("highlights", created, "edited"),
    ]
    assert [time - EPOCH for time in callback.times] == pytest.approx([1, 2, 2.5, 5.5, 6.5])
    await asyncio.sleep(DAY)
    assert callback.told[5:] == [("stories", lost, "expired")]
    await press.delete(f"/highlights/{created}")
    await asyncio.sleep(1)
    assert callback.told[6:] == [("stories", kept, "expired"), ("highlights", created, "deleted")]


async def test_a_clock_that_is_moved_wakes_who_waits(
    client: httpx.AsyncClient, press: Press, callback: Callback
) -> None:
    await subscribe(client)
    medium = done(await press.upload(jpeg()), 201)["id"]
    before = callback.clock.monotonic()
    now = done(await client.post("/_control/clock", json={"advance": DAY}))["now"]
    assert now == EPOCH + before + DAY
    await asyncio.sleep(0.01)
    assert callback.told == [("media", medium, "FINISHED"), ("media", medium, "EXPIRED")]
    for wrong in ({"advance": -1}, {"advance": 1e12}, {}):
        assert (await client.post("/_control/clock", json=wrong)).status_code == 400


async def test_a_sleeper_wakes_when_its_time_is_passed_over_and_not_before() -> None:
    clock = MovableClock(VirtualClock())
    sleeper = asyncio.create_task(clock.sleep(100))
    await asyncio.sleep(1)
    clock.advance(50)
    await asyncio.sleep(1)
    assert not sleeper.done()
    clock.advance(48)
    await sleeper
    assert (clock.monotonic(), clock.now()) == (100, EPOCH + 100)


async def test_what_is_not_taken_is_repeated_and_holds_nothing_up(
    client: httpx.AsyncClient, press: Press, callback: Callback
) -> None:
    await subscribe(client)
    callback.refusals = 1
    one = done(await press.upload(jpeg()), 201)["id"]
    await asyncio.sleep(0.1)
    two = done(await press.upload(jpeg()), 201)["id"]
    await asyncio.sleep(0.1)
    assert callback.told == [("media", two, "FINISHED")]
    callback.refusals = 2
    await asyncio.sleep(10)
    assert callback.told == [("media", two, "FINISHED"), ("media", one, "FINISHED")]
    assert callback.times[1] - EPOCH == pytest.approx(1 + 2 + 4), "the pauses grow"
    assert callback.posts == 5


async def test_after_36_hours_it_is_given_up(client: httpx.AsyncClient, press: Press, callback: Callback) -> None:
    await subscribe(client)
    callback.refusals = 10**6
    medium = done(await press.upload(jpeg()), 201)["id"]
    await asyncio.sleep(36.5 * 3600)
    callback.refusals = 0
    await asyncio.sleep(DAY)
    assert callback.told == [("media", medium, "EXPIRED")], "which is a day younger"


async def uploads(press: Press, count: int) -> list[Told]:
    told = []
    for _ in range(count):
        told.append(("media", done(await press.upload(jpeg()), 201)["id"], "FINISHED"))
        await asyncio.sleep(0.01)
    return told


async def test_events_may_come_late(client: httpx.AsyncClient, press: Press, callback: Callback) -> None:
    await subscribe(client, late=1, late_seconds=30)
    told = await uploads(press, 3)
    await asyncio.sleep(25)
    assert callback.told == []
    await asyncio.sleep(10)
    assert callback.told == told


async def test_events_may_come_twice(client: httpx.AsyncClient, press: Press, callback: Callback) -> None:
    await subscribe(client, twice=1, late_seconds=30)
    told = await uploads(press, 3)
    await asyncio.sleep(35)
    assert callback.told == told * 2


async def test_events_may_never_come(client: httpx.AsyncClient, press: Press, callback: Callback) -> None:
    await subscribe(client, never=1)
    await uploads(press, 3)
    await asyncio.sleep(DAY / 2)
    assert callback.posts == 0


async def test_events_may_be_overtaken(client: httpx.AsyncClient, press: Press, callback: Callback) -> None:
    await subscribe(client, out_of_order=1, late_seconds=30)
    first, second, third = await uploads(press, 3)
    await asyncio.sleep(0.1)
    assert callback.told == [second, first]
    await asyncio.sleep(35)
    assert callback.told == [second, first, third], "what nothing follows comes in the end"


async def test_shares_are_shares_and_the_same_for_the_same_seed(
    client: httpx.AsyncClient, press: Press, callback: Callback
) -> None:
    async def run(seed: int) -> list[int]:
        await client.post("/_control/reset")
        await subscribe(client, never=0.3, twice=0.3, seed=seed)
        callback.told.clear()
        told = await uploads(press, 60)
        await asyncio.sleep(60)
        return [callback.told.count(one) for one in told]

    first, again, other = await run(1), await run(1), await run(2)
    assert first == again != other
    assert {0, 1, 2} == set(first)
    assert 8 < first.count(0) < 30


async def test_many_changes_come_in_few_posts(client: httpx.AsyncClient, app: Starlette, callback: Callback) -> None:
    await subscribe(client)
    press = Press(client)
    held(app).faults.lay(Processing(seconds=5))
    told = [("media", done(await press.upload(jpeg()), 202)["id"], "FINISHED") for _ in range(50)]
    await asyncio.sleep(6)
    assert sorted(callback.told) == sorted(told)
    assert callback.posts < 10


async def test_after_a_reset_nobody_is_told(client: httpx.AsyncClient, press: Press, callback: Callback) -> None:
    await subscribe(client, late=1, late_seconds=30)
    await press.upload(jpeg())
    assert (await client.post("/_control/reset")).status_code == 204
    await asyncio.sleep(DAY * 2)
    assert (callback.posts, done(await client.get("/_control/webhooks"))) == (0, {"urls": []})


async def test_subscribing_again_takes_the_place_of_the_earlier(
    client: httpx.AsyncClient, press: Press, callback: Callback
) -> None:
    await subscribe(client, late=1, late_seconds=1)
    await uploads(press, 1)
    await subscribe(client)
    told = await uploads(press, 1)
    await asyncio.sleep(60)
    assert callback.told == told


async def test_a_clock_of_the_machine_cannot_be_moved() -> None:
    async with client_of(create_sandbox(clock=VirtualClock())) as client:
        assert (await client.post("/_control/clock", json={"advance": 1})).status_code == 409


async def test_random_shares_lose_and_double_but_never_invent(
    client: httpx.AsyncClient, press: Press, callback: Callback
) -> None:
    dice = random.Random(5)
    await subscribe(client, late=0.3, twice=0.3, never=0.2, out_of_order=0.3, seed=dice.randrange(1000))
    told = set(await uploads(press, 80))
    await asyncio.sleep(300)
    assert set(callback.told) < told
    assert 40 < len(set(callback.told)) < len(callback.told)
