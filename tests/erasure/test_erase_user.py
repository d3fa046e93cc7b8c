"""`eraseUser`: for those alone who have the right, and for users that are only read, too."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from gateway.audit.trail import Action
from tests.erasure.stored import in_files, with_one_of
from tests.erasure.test_erasure import READ, SETTINGS, parts_of, worked_off
from tests.fakes.gateway import FlowingClock, Terms, running_gateway
from tests.meta.tree import ROOT

pytestmark = pytest.mark.durable
ERASE = (ROOT / "queries/erase_user.graphql").read_text()
CLIENTS = {
    "officer": Terms(rights=("read", "erase")),
    "operator": Terms(rights=("read", "write", "operate", "connect")),
}
PERSON = "2122000038"


async def test_a_user_who_is_only_read_is_erased(tmp_path: Path) -> None:
    clock = FlowingClock()
    async with running_gateway(tmp_path, settings=SETTINGS, clock=clock, clients=CLIENTS, all_heard=False) as gateway:
        user = (await gateway.query(READ, {"id": PERSON}, client="officer")).data["user"]
        marks = [PERSON, user["username"]]
        assert (await gateway.query(READ, {"id": PERSON}, client="officer")).charged == 0
        answer = await gateway.query(ERASE, {"id": PERSON}, client="officer")
        assert answer.charged == 0
        made = answer.data["eraseUser"]
        assert made["url"] == f"http://gateway.test/deletion/{made['confirmationCode']}"
        again = await gateway.query(ERASE, {"id": PERSON}, client="officer")
        assert again.data["eraseUser"] == made
        assert "is being deleted" in (await gateway.client.get(made["url"])).text
        await worked_off(gateway, clock)
        assert "Your data was deleted" in (await gateway.client.get(made["url"])).text
        assert with_one_of(in_files(tmp_path), marks) == {}
        assert (await gateway.query(READ, {"id": PERSON}, client="officer")).charged > 0
        parts = await parts_of(gateway)
        entries = await parts.runner.call(parts._trail.entries)
        requested = Action.ERASURE_REQUESTED.value
        assert [one.action for one in entries] == [requested, requested, Action.ERASED.value]
        assert {one.actor for one in entries} == {"client officer"}


async def test_the_right_to_erase_is_a_right_of_its_own(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=SETTINGS, clients=CLIENTS) as gateway:
        refused = await gateway.query(ERASE, {"id": PERSON}, client="operator")
        assert refused.status == 403
        assert "FORBIDDEN" in str(refused.body)
        assert not (tmp_path / "erasures.sqlite3").exists()


async def test_without_clients_nobody_has_it(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=SETTINGS) as gateway:
        assert (await gateway.query(ERASE, {"id": PERSON})).status == 403


async def test_what_is_no_id_is_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=SETTINGS, clients=CLIENTS) as gateway:
        refused = await gateway.query(ERASE, {"id": "natgeo"}, client="officer")
        assert refused.errors == [("eraseUser", "BAD_USER_INPUT")]


async def test_a_request_that_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=SETTINGS, clients=CLIENTS) as gateway:
        (tmp_path / "erasures.sqlite3").write_bytes(os.urandom(9_000))
        refused = await gateway.query(ERASE, {"id": PERSON}, client="officer")
        assert refused.errors == [("eraseUser", "ACCOUNTS_UNAVAILABLE")]


async def test_no_medium_is_left_in_memory(tmp_path: Path) -> None:
    """Also of an answer that was evicted before: nobody knows any more whose the medium was."""
    clock = FlowingClock()
    settings = dataclasses.replace(SETTINGS, media_proxy=True)
    query = "query($id: ID!) { user(by: { id: $id }) { profilePictureUrl } }"
    async with running_gateway(tmp_path, settings=settings, clock=clock, clients=CLIENTS, all_heard=False) as gateway:
        answer = await gateway.query(query, {"id": PERSON}, client="officer")
        url = answer.data["user"]["profilePictureUrl"]
        assert (await gateway.client.get(url)).status_code == 200
        proxy, entries = gateway.parts.media_proxy.proxy, gateway.parts.reading.services.memory.store
        assert proxy.size > 0
        for key in entries.key_list():
            entries.forget(key)
        await gateway.query(ERASE, {"id": PERSON}, client="officer")
        await worked_off(gateway, clock)
        assert proxy.size == 0
