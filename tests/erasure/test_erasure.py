"""All about a person is erased: in every file of a gateway that read, published and failed for it."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gateway.audit.trail import Action
from gateway.clock import SystemClock
from gateway.composition.erasure_steps import NOTICED_SECONDS, ErasureParts
from gateway.http.routes.data_requests import DEAUTHORIZE, DELETE, HEADERS
from gateway.sandbox.faults import Script, Status
from gateway.settings import Settings
from tests.erasure.signing import SECRET, payload, signed
from tests.erasure.stored import in_files, with_one_of
from tests.fakes.clock import EPOCH
from tests.fakes.gateway import FlowingClock, RunningGateway, WallClock, running_gateway
from tests.webhooks.desk import VERIFY, change, entry, told

pytestmark = pytest.mark.durable
READ = "query($id: ID!) { user(by: { id: $id }) { username fullName highlights { nodes { title } } } }"
CREATE = """mutation($input: CreateHighlightInput!) {
    createHighlight(input: $input) { flow { id state } userErrors { message } }
}"""
TITLE = "Lighthouse"
SETTINGS = Settings(platform_app_secret=SECRET.decode(), platform_verify_token=VERIFY, cache_disk=True)
OTHER = "25025320"
ALPHABET = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}-_"  # of base64


async def created(gateway: RunningGateway, account: str, key: str, url: str, *, wait: int = 25) -> Any:
    given = {"account": account, "title": TITLE, "media": [{"url": url}], "idempotencyKey": key, "waitSeconds": wait}
    return (await gateway.query(CREATE, {"input": given})).data["createHighlight"]


async def posted(gateway: RunningGateway, path: str, **changed: Any) -> httpx.Response:
    return await sent(gateway, path, signed(payload(**changed)))


async def sent(gateway: RunningGateway, path: str, signed_request: str) -> httpx.Response:
    content = urlencode({"signed_request": signed_request})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await gateway.client.post(path, content=content, headers=headers)


async def parts_of(gateway: RunningGateway) -> ErasureParts:
    return await gateway.parts.control.erasures._begun()


async def worked_off(gateway: RunningGateway, clock: WallClock) -> None:
    """As soon as all processes have noticed the requests."""
    parts = await parts_of(gateway)
    clock.advance(NOTICED_SECONDS)
    for _ in range(1_000):
        await parts.runner.turn()
        if not await parts.runner.call(parts.store.unfinished):
            return
        await SystemClock().sleep(0.05)
    raise AssertionError("the request does not end")


async def test_nothing_of_a_person_is_left_in_any_file(tmp_path: Path) -> None:
    clock = FlowingClock()
    async with running_gateway(tmp_path, settings=SETTINGS, clock=clock, keeps_flows=True, all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        account = (await gateway.query("{ accounts { id user { username } } }")).data["accounts"][0]
        person, name = account["id"], account["user"]["username"]
        assert (await gateway.query(READ, {"id": person})).data["user"]["username"] == name
        gateway.at_once()
        done = await created(gateway, person, "done", "https://images.example.com/lighthouse.jpg")
        assert done["flow"]["state"] == "DONE"
        gateway.sandbox.faults.play(Script([Status(status=400, endpoint="POST */media/upload")]))
        failed = await created(gateway, person, "failed", "https://images.example.com/lighthouse2.jpg")
        assert failed["flow"]["state"] == "FAILED"
        assert gateway.parts.publishing is not None
        webhooks = gateway.parts.publishing.webhooks
        assert webhooks is not None
        # The body of a process that was killed.
        body = told(entry(change("media", media_id="18"), account=person), entry(account=OTHER))
        await webhooks.inbox.put(body)
        await webhooks.inbox.claim(1)
        marks = [person, name, TITLE, "lighthouse"]
        assert person in str(with_one_of(in_files(tmp_path), marks))

        answer = await posted(gateway, DELETE, user_id=person, issued_at=clock.now())
        assert answer.status_code == 200
        code = answer.json()["confirmation_code"]
        assert answer.json()["url"].endswith(f"/deletion/{code}")
        page = await gateway.client.get(f"/deletion/{code}")
        assert "is being deleted" in page.text
        await worked_off(gateway, clock)
        page = await gateway.client.get(f"/deletion/{code}")
        assert "Your data was deleted" in page.text
        assert with_one_of(in_files(tmp_path), marks) == {}
        flows = (await gateway.query("{ flows { nodes { id } } }")).data["flows"]["nodes"]
        assert flows == []
        before = gateway.billed
        await gateway.query(READ, {"id": person})
        assert gateway.billed > before
        parts = await parts_of(gateway)
        actions = [one.action for one in await parts.runner.call(parts._trail.entries)]
        assert actions == [Action.ERASED.value]
        assert (await parts.runner.call(parts._trail.verify)).problems == ()


async def test_a_deauthorization_ends_the_flows_of_an_account_and_erases_nothing(tmp_path: Path) -> None:
    clock = FlowingClock()
    async with running_gateway(tmp_path, settings=SETTINGS, clock=clock, all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        person = (await gateway.query("{ accounts { id } }")).data["accounts"][0]["id"]
        given = {"account": person, "title": TITLE, "media": [{"url": "https://images.example.com/a.jpg"}]}
        begun = await gateway.query(CREATE, {"input": {**given, "idempotencyKey": "a", "waitSeconds": 0}})
        assert begun.data["createHighlight"]["flow"]["state"] not in ("DONE", "FAILED", "CANCELLED")
        answer = await posted(gateway, DEAUTHORIZE, user_id=person, issued_at=clock.now())
        assert (answer.status_code, answer.content) == (200, b"")
        await worked_off(gateway, clock)
        (flow,) = (await gateway.query("{ flows { nodes { state } } }")).data["flows"]["nodes"]
        assert flow["state"] == "CANCELLED"
        parts = await parts_of(gateway)
        (entry,) = await parts.runner.call(parts._trail.entries)
        assert (entry.action, entry.actor) == (Action.DEAUTHORIZED.value, "platform")
        assert person not in str(entry)


async def test_a_request_that_is_sent_again_is_the_same_request(tmp_path: Path) -> None:
    clock = FlowingClock()
    async with running_gateway(tmp_path, settings=SETTINGS, clock=clock) as gateway:
        issued = clock.now()
        first = await posted(gateway, DELETE, user_id="42", issued_at=issued)
        assert (await posted(gateway, DELETE, user_id="42", issued_at=issued)).json() == first.json()
        # Another one about the same person is not needed as long as the first is not done.
        assert (await posted(gateway, DELETE, user_id="42", issued_at=issued + 1)).json() == first.json()
        # Nor is one whose signature has another text: its last character has two bits that stand for nothing.
        signature, _, content = signed(payload(user_id="42", issued_at=issued)).partition(".")
        respelled = signature[:-1] + ALPHABET[ALPHABET.index(signature[-1]) + 1] + "." + content
        other = await posted(gateway, DELETE, user_id="43", issued_at=issued)
        await worked_off(gateway, clock)
        assert (await posted(gateway, DELETE, user_id="42", issued_at=issued)).json() == first.json()
        assert (await sent(gateway, DELETE, respelled)).json() == first.json()
        again = await posted(gateway, DELETE, user_id="42", issued_at=issued + 2)
        codes = {one.json()["confirmation_code"] for one in (first, other, again)}
        assert len(codes) == 3
        assert min(map(len, codes)) >= 20


@pytest.mark.parametrize("path", [DEAUTHORIZE, DELETE])
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 403),
        (b"signed_request=", 403),
        (b"signed_request=a.b", 403),
        (b"signed_request=" + signed(payload()).encode(), 403),  # signed long before the gateway's present
        (b"other=" + signed(payload()).encode(), 403),
        (b"signed_request=%FF", 403),
        (b"\xff", 403),
        (b"signed_request=" + b"a" * 9_000, 413),
    ],
)
async def test_what_the_platform_has_not_signed_lately_is_refused(
    tmp_path: Path, path: str, content: bytes, status: int
) -> None:
    async with running_gateway(tmp_path, settings=SETTINGS, clock=FlowingClock(EPOCH + 86_400)) as gateway:
        answer = await gateway.client.post(path, content=content)
        assert answer.status_code == status
        assert (await gateway.client.get(path)).status_code == 405
        assert not (tmp_path / "erasures.sqlite3").exists()


async def test_without_an_app_secret_there_are_no_callbacks(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for path in (DEAUTHORIZE, DELETE):
            assert (await gateway.client.post(path, content=b"signed_request=a.b")).status_code == 404


async def test_the_page_of_a_request_is_found_by_its_code_alone_and_names_nobody(tmp_path: Path) -> None:
    clock = FlowingClock()
    async with running_gateway(tmp_path, settings=SETTINGS, clock=clock) as gateway:
        unknown = await gateway.client.get("/deletion/unknown")
        assert unknown.status_code == 404
        code = (await posted(gateway, DELETE, user_id="424242", issued_at=clock.now())).json()["confirmation_code"]
        pages = [await gateway.client.get(f"/deletion/{code}")]
        await worked_off(gateway, clock)
        pages.append(await gateway.client.get(f"/deletion/{code}"))
        for page in (unknown, *pages):
            assert {name: page.headers[name] for name in HEADERS} == dict(HEADERS)
            assert "424242" not in page.text
            assert "<script" not in page.text
        assert [page.status_code for page in pages] == [200, 200]
        assert (await gateway.client.get(f"/deletion/{code[:-1]}")).status_code == 404
