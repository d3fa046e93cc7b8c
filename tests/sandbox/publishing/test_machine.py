"""Anything in any order, against a model of the rules: what was done is there, once per key, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from gateway.sandbox import create_sandbox
from gateway.sandbox.faults import Accepted, EdgeHtml, Placed, PlatformError, Status, When
from tests.profiles import examples
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of, held
from tests.sandbox.publishing.media import jpeg
from tests.sandbox.publishing.platform_client import NATGEO, new_key, refused

T = TypeVar("T")
DAY = 86_400
QUOTA = 12
CREATE = "POST /platform/users/{user_id}/highlights"
PICTURE = jpeg(size=(18, 32))
FAULTS: list[Callable[[When], Placed]] = [
    lambda when: PlatformError(code=-1, when=when, times=1, endpoint=CREATE),
    lambda when: EdgeHtml(when=when, times=1, endpoint=CREATE),
    lambda when: Status(status=500, when=when, times=1, endpoint=CREATE),
]


class Publishing(RuleBasedStateMachine):
    """`ends` is story -> when its day is over, `made` is key -> title, media, time, `live` is pk -> media."""

    stories = Bundle("stories")
    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.clock = SteppedClock()
        self.app = create_sandbox(clock=self.clock, base_url=ORIGIN, quota=QUOTA)
        self.sandbox = held(self.app)
        self.ends: dict[str, float] = {}
        self.published: list[float] = []
        self.made: dict[str, tuple[str, tuple[str, ...], float]] = {}
        self.live: dict[str, tuple[str, ...]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def call(self, method: str, path: str, key: str | None = None, **sent: Any) -> httpx.Response:
        async def one() -> httpx.Response:
            async with client_of(self.app) as client:
                headers = {"authorization": "Bearer sandbox"} | ({"idempotency-key": key} if key else {})
                return await client.request(method, f"/platform{path}", headers=headers, **sent)

        return self.run(one())

    def upload(self) -> str:
        sent: dict[str, Any] = {"files": {"file": ("a.jpg", PICTURE)}, "data": {"media_type": "IMAGE"}}
        return str(self.call("POST", "/media/upload", **sent).json()["id"])

    def is_there(self, story: str) -> bool:
        return self.clock.seconds < self.ends[story] or any(story in media for media in self.live.values())

    @rule(target=keys)
    def think_of_a_key(self) -> str:
        return new_key()

    @rule(target=stories)
    def publish(self) -> str:
        recent = [time for time in self.published if time > self.clock.seconds - DAY]
        response = self.call("POST", f"/media/{self.upload()}/stories")
        if len(recent) >= QUOTA:
            refused(response, 9, 2207042)
            return "0_787132"
        self.published.append(self.clock.seconds)
        story = str(response.json()["id"])
        self.ends[story] = self.clock.seconds + DAY
        return story

    @rule(
        key=keys,
        media=st.lists(stories, min_size=1, max_size=3, unique=True),
        title=st.sampled_from(["One", "Two"]),
        fault=st.none() | st.sampled_from(FAULTS),
        when=st.sampled_from(["before", "after"]),
        seconds=st.sampled_from([0, 0, 30]),
    )
    def create(
        self,
        key: str,
        media: list[str],
        title: str,
        fault: Callable[[When], Placed] | None,
        when: When,
        seconds: int,
    ) -> None:
        """Sent again where it failed, as a client would."""
        accepted: list[Any] = [Accepted(seconds=seconds)] if seconds else []
        failing: list[Any] = [fault(when)] if fault else []
        self.sandbox.faults.lay(*accepted, *failing)
        sent = {"title": title, "media_ids": media}
        response = self.call("POST", f"/users/{NATGEO}/highlights", key, json=sent)
        if response.status_code >= 500:
            response = self.call("POST", f"/users/{NATGEO}/highlights", key, json=sent)
        self.sandbox.faults.clear()
        self._judge(key, title, tuple(media), response)

    def _judge(self, key: str, title: str, media: tuple[str, ...], response: httpx.Response) -> None:
        before = self.made.get(key)
        if before is not None and self.clock.seconds < before[2] + DAY:
            assert response.status_code in ((201, 202) if before[:2] == (title, media) else (422,))
            return
        if not all(story in self.ends and self.is_there(story) for story in media):
            refused(response, 24, 2207008)
            return
        assert response.status_code in (201, 202), response.text
        self.made[key] = (title, media, self.clock.seconds)
        self.live[response.json()["id"].removeprefix("highlight:")] = media

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.clock.seconds += 30  # what was accepted is there by now
        if not self.live:
            return
        pk = data.draw(st.sampled_from(sorted(self.live)))
        assert self.call("DELETE", f"/highlights/{pk}").status_code == 204
        assert self.call("DELETE", f"/highlights/{pk}").status_code == 404
        del self.live[pk]

    @rule(hours=st.sampled_from([1, 11, 23, 25]))
    def wait(self, hours: int) -> None:
        self.clock.seconds += hours * 3600

    @invariant()
    def everything_made_is_there_once(self) -> None:
        self.clock.seconds += 30
        response = self.call("GET", f"/users/{NATGEO}/highlights", params={"limit": 100})
        tray = {entry["pk"]: entry["media_ids"] for entry in response.json()["data"][:-3]}
        assert tray == {pk: [int(story.split("_")[0]) for story in media] for pk, media in self.live.items()}

    @invariant()
    def readers_see_the_same(self) -> None:
        async def read() -> list[str]:
            async with client_of(self.app) as client:
                answer = await client.get("/v1/user/highlights", params={"user_id": NATGEO})
                return [entry["pk"] for entry in answer.json()][:-3]

        assert sorted(self.run(read())) == sorted(self.live)


Publishing.TestCase.settings = examples(25, stateful_step_count=25)
TestPublishing = Publishing.TestCase
