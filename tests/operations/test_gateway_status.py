"""An operator sees what was spent on what, how well the cache works, how long the money lasts, and what fails."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.billing.ledger_store import UNITEMISED
from gateway.sandbox.faults import Status
from gateway.version import version
from tests.fakes.clock import EPOCH
from tests.fakes.gateway import RunningGateway, Terms, running_gateway

JOB = "old-job"
CLIENTS = {
    "ops": Terms(rights=("operate",)),
    "web": Terms(ceiling=50, allowance={"hour": 100, "day": 1_000}),
    "job": Terms(id=JOB),
}
TRAY = '{ user(by: { username: "natgeo" }) { highlights { nodes { title } } } }'
HIGHLIGHT = '{ highlight(by: { id: "17983616051768088" }) { items(first: 1) { nodes { id } } } }'
THIRTY = '{ user(by: { username: "thirty.highlights" }) { highlights { nodes { items { totalCount } } } } }'
TODAY, TOMORROW = "2026-03-12", "2026-03-13"
SPENDING = """query Spending($since: Date, $until: Date, $client: String) {
  gateway { spending(since: $since, until: $until, client: $client) { day client endpoint calls billed } }
}"""


async def status(gateway: RunningGateway, document: str, **variables: Any) -> dict[str, Any]:
    answer = await gateway.query(document, variables, client="ops")
    assert (answer.errors, answer.charged) == ([], 0), answer.body
    found: dict[str, Any] = answer.data["gateway"]
    return found


async def spending(gateway: RunningGateway, **variables: str) -> list[tuple[str, ...]]:
    """Day, client, endpoint, calls and billed requests of each row, but for what is only reserved."""
    await gateway.parts.spending.ledger.flush()
    rows = (await status(gateway, SPENDING, **variables))["spending"]
    return [tuple(map(str, row.values())) for row in rows if row["endpoint"] != UNITEMISED]


async def test_what_each_client_has_spent_on_what(tmp_path: Path) -> None:
    tray = ("tray_by_username", "1", "3")
    of_job, of_web = (TODAY, "job", *tray), [(TODAY, "web", "highlight", "1", "1"), (TODAY, "web", *tray)]
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        for client, document in (("web", TRAY), ("web", HIGHLIGHT), (JOB, TRAY.replace("natgeo", "salwaaa_ki"))):
            await gateway.query(document, client=client)
        assert await spending(gateway) == [of_job, *of_web]
        assert await spending(gateway, client="web") == of_web
        assert await spending(gateway, client="job") == await spending(gateway, client=JOB) == [of_job]
        assert await spending(gateway, client="nobody") == []
        gateway.clock.advance(86_400)
        await gateway.query('{ user(by: { username: "zero.items" }) { biography } }', client=JOB)
        later = (TOMORROW, "job", "profile_by_username", "1", "1")
        assert await spending(gateway, client="job") == [later]
        assert await spending(gateway, client="job", since=TODAY) == [of_job, later]
        assert await spending(gateway, client="job", since=TODAY, until=TOMORROW) == [of_job, later]
        assert await spending(gateway, client="job", until=TODAY) == [of_job]


async def test_what_is_reserved_is_told_apart(tmp_path: Path) -> None:
    """Of an allowance per day a block is leased at once."""
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        await gateway.query(HIGHLIGHT, client="web")
        await gateway.parts.spending.ledger.flush()
        rows = (await status(gateway, SPENDING, client="web"))["spending"]
        assert [(row["endpoint"], row["calls"], row["billed"]) for row in rows] == [
            ("(not itemised)", 0, 49),
            ("highlight", 1, 1),
        ]


async def test_the_days_of_spending_are_bounded(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        assert await spending(gateway, since="2026-02-10", until=TODAY) == []
        answer = await gateway.query(SPENDING, {"since": "2026-02-09", "until": TODAY}, client="ops")
        assert answer.errors == [("gateway.spending", "BAD_USER_INPUT")]
        assert (await gateway.query(SPENDING, {"since": "yesterday"}, client="ops")).data is None


async def test_the_allowances_of_all_clients(tmp_path: Path) -> None:
    selection = "{ gateway { clients { name id ceiling allowances { window limit spent remaining resetsAt } } } }"
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        await gateway.query(TRAY, client="web")
        found = {client["name"]: client for client in (await status(gateway, selection))["clients"]}
        assert list(found) == ["job", "media-proxy", "ops", "web"]
        assert found["job"] == {"name": "job", "id": JOB, "ceiling": None, "allowances": []}
        assert found["web"] == {
            "name": "web",
            "id": "web",
            "ceiling": 50,
            "allowances": [
                {"window": "HOUR", "limit": 100, "spent": 3, "remaining": 97, "resetsAt": "2026-03-12T09:00:00+00:00"},
                {"window": "DAY", "limit": 1000, "spent": 3, "remaining": 997, "resetsAt": "2026-03-13T00:00:00+00:00"},
            ],
        }
        one = "query One($name: String) { gateway { clients(name: $name) { name } } }"
        assert (await status(gateway, one, name=JOB))["clients"] == [{"name": "job"}]
        assert (await status(gateway, one, name="nobody"))["clients"] == []


async def test_how_often_the_cache_answers(tmp_path: Path) -> None:
    selection = """{ gateway { cache {
      hitRatio facts { kind entries bytes hits misses stale hitRatio }
      responses { responses bytes replays hits misses hitRatio } memory { name used limit }
    } } }"""
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        empty = (await status(gateway, selection))["cache"]
        assert (empty["hitRatio"], empty["facts"], empty["responses"]["hitRatio"]) == (None, [], None)
        for document in (TRAY, TRAY, TRAY, TRAY, TRAY.replace("title", "title mediaCount")):
            await gateway.query(document, client="web")
        cache = (await status(gateway, selection))["cache"]
        facts = {each.pop("kind"): each for each in cache["facts"]}
        tray = facts["tray"]
        assert tray.pop("bytes") > 1_000
        assert tray == {"entries": 1, "hits": 1, "misses": 1, "stale": 0, "hitRatio": 0.5}
        assert cache["hitRatio"] == 0.75  # of four lookups: the id, the short fields and the tray a second time
        responses = cache["responses"]
        assert responses.pop("bytes") > 0
        assert responses == {"responses": 2, "replays": 2, "hits": 1, "misses": 2, "hitRatio": 0.6}
        memory = {each["name"]: each for each in cache["memory"]}
        assert memory["entries"]["used"] == gateway.parts.reading.services.memory.store.bytes
        assert (
            sum(each["limit"] for name, each in memory.items() if name != "media") == gateway.parts.settings.cache_bytes
        )


async def test_how_long_the_money_lasts(tmp_path: Path) -> None:
    selection = "{ gateway { account { balance floor forecast { spentPerDay averagedSince balanceLastsUntil } } } }"
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        while (account := (await status(gateway, selection))["account"])["balance"] is None:
            pass
        assert account["forecast"] == dict.fromkeys(("spentPerDay", "averagedSince", "balanceLastsUntil"))
        spent = (await gateway.query(THIRTY, client=JOB)).charged
        await gateway.parts.spending.ledger.flush()
        found = (await status(gateway, selection))["account"]
        assert (spent, found["balance"]) == (33, account["balance"] - 33)
        hours = (EPOCH - datetime.fromisoformat(found["forecast"]["averagedSince"]).timestamp()) / 3_600
        assert 8 < hours < 9  # midnight, for no earlier time is known
        assert found["forecast"]["spentPerDay"] == round(33 / hours * 24, 1)
        ends = datetime.fromisoformat(found["forecast"]["balanceLastsUntil"]).timestamp()
        assert ends == pytest.approx(EPOCH + found["balance"] / 33 * hours * 3_600, abs=1)


async def test_what_its_worker_is_doing(tmp_path: Path) -> None:
    selection = "{ gateway { version workers { processId hasAnswered startedAt callsInFlight problems } } }"
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        gateway.clock.advance(60)
        found = await status(gateway, selection)
        assert "not said whose account" in found["workers"][0]["problems"][0]
        while found["workers"][0]["problems"]:  # until the platform has
            await asyncio.sleep(0.1)
            found = await status(gateway, selection)
        worker = {"processId": os.getpid(), "hasAnswered": True, "startedAt": "2026-03-12T08:35:26+00:00"}
        assert gateway.clock.now() == EPOCH + 60
        assert found == {"version": version(), "workers": [{**worker, "callsInFlight": 0, "problems": []}]}


async def test_the_state_of_the_upstreams(tmp_path: Path) -> None:
    selection = """{ gateway { workers {
      upstreams { name breaker access problem waiting } retiredEndpoints { endpoint instead } problems
    } } }"""
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        await gateway.query(TRAY, client="web")
        (worker,) = (await status(gateway, selection))["workers"]
        reading = {"name": "reading", "breaker": "CLOSED", "access": "ANSWERS", "problem": None, "waiting": 0}
        assert worker["upstreams"][0] == reading
        assert [each["name"] for each in worker["upstreams"]] == ["reading", "publishing"]
        gateway.sandbox.faults.lay(Status(status=401))
        await gateway.query(HIGHLIGHT, client="web")
        (worker,) = (await status(gateway, selection))["workers"]
        assert worker["upstreams"][0]["access"] == "REFUSES"
        assert "GATEWAY_HIKERAPI_KEY" in worker["upstreams"][0]["problem"]
        assert worker["problems"] == ["The upstream rejects the gateway's key."]


async def test_the_numbers_of_flows(tmp_path: Path) -> None:
    selection = "{ gateway { flows { running done failed cancelled oldestRunningSince } } }"
    none = {"running": 0, "done": 0, "failed": 0, "cancelled": 0, "oldestRunningSince": None}
    async with running_gateway(tmp_path, clients={**CLIENTS, "studio": Terms(rights=("read", "interact"))}) as gateway:
        assert (await status(gateway, selection))["flows"] == none
        await gateway.knows_its_accounts("studio")
        like = '{ account: "787132", id: "3852994846373453376", liked: true }'
        answer = await gateway.query(f"mutation {{ setLike(input: {like}) {{ flow {{ id }} }} }}", client="studio")
        assert answer.data["setLike"]["flow"] is not None
        found = (await status(gateway, selection))["flows"]
        assert found["running"] + found["done"] + found["failed"] == 1


async def test_a_part_that_fails_takes_nothing_else_with_it(tmp_path: Path) -> None:
    selection = (
        "{ gateway { version spending { billed } clients { name } account { floor forecast { spentPerDay } } } }"
    )
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        path = gateway.parts.settings.database_path
        path.rename(moved := path.with_suffix(".away"))
        answer = await gateway.query(selection, client="ops")
        moved.rename(path)
        failed = {"gateway.spending": "LEDGER_UNAVAILABLE", "gateway.account.forecast": "LEDGER_UNAVAILABLE"}
        assert {place: code for place, code in answer.errors if place in failed} == failed
        assert answer.data["gateway"]["account"] == {"floor": 0, "forecast": None}


@pytest.mark.parametrize("document", ["{ gateway { version } }", "{ ... { gateway { version } } }"])
async def test_it_needs_the_right_to_operate_and_no_other(document: str, tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        assert (await gateway.query(document, client="ops")).errors == []
        for client, asked in (("web", document), ("ops", TRAY), ("ops", f"{document[:-1]} allowance {{ client }} }}")):
            refused = await gateway.query(asked, client=client)
            assert (refused.status, refused.data, refused.errors) == (403, None, [("", "FORBIDDEN")])


async def test_it_is_never_cached(tmp_path: Path) -> None:
    document = "{ gateway { workers { startedAt } cache { responses { responses } } } }"
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        first = await gateway.query(document, client="ops")
        assert first.headers["cache-control"] == "no-store"
        await gateway.query(TRAY, client="web")
        again = await gateway.query(document, client="ops")
        found = [answer.data["gateway"]["cache"]["responses"]["responses"] for answer in (first, again)]
        assert found == [0, 1]
