"""An answer that was made before is handed out again, with the bill and the life of now."""

from __future__ import annotations

from pathlib import Path

import httpx

from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Status
from tests.fakes.clock import VirtualLoop
from tests.fakes.gateway import RunningGateway, Terms, running_gateway

LOOP = VirtualLoop
TRAY = "query Tray($id: ID!) { user(by: { id: $id }) { username highlights { totalCount } } }"
NATGEO = {"id": "787132"}
JSON = {"accept": "application/graphql-response+json", "graphql-require-preflight": "1"}


async def get(gateway: RunningGateway, document: str, **headers: str) -> httpx.Response:
    response = await gateway.client.get("/graphql", params={"query": document}, headers={**JSON, **headers})
    gateway.reported += int(response.headers.get("x-billed-requests", "0"))
    return response


async def test_a_hit_has_the_same_data_and_its_own_bill(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients={"web": Terms(allowance={"day": 10})}) as gateway:
        first = await gateway.query(TRAY, NATGEO, client="web")
        again = await gateway.query(TRAY, NATGEO, client="web", headers={"x-billing-limit": "0"})
        assert again.data == first.data
        assert (first.charged, again.charged) == (2, 0)
        assert {**again.billing, "allowance": None} == {
            "charged": 0,
            "expected": 0,
            "savedByCache": 2,
            "savedBySharing": 0,
            "budget": 0,
            "allowance": None,
        }
        assert again.billing["allowance"]["remaining"] == 8


async def test_the_answer_dies_with_its_entries(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await gateway.query(TRAY, NATGEO)
        gateway.clock.advance(599)
        assert (await gateway.query(TRAY, NATGEO)).charged == 0
        gateway.clock.advance(1)
        assert (await gateway.query(TRAY, NATGEO)).charged == 2


async def test_a_changed_tray_changes_all_answers_made_of_it(tmp_path: Path) -> None:
    """One operation buys the tray anew; another, whose other part is still fresh, must not show the old one."""
    small = f'{{ user(by: {{ id: "{fixture_users.THIRTY.pk}" }}) {{ highlights {{ totalCount }} }} }}'
    large = small.replace("{ totalCount }", "{ totalCount nodes { title } }")
    async with running_gateway(tmp_path) as gateway:
        assert (await gateway.query(large)).data["user"]["highlights"]["totalCount"] == 30
        gateway.clock.advance(600)
        gateway.sandbox.world.delete_highlight(int(fixture_users.highlight_pk(fixture_users.THIRTY, 0)))
        assert (await gateway.query(small)).data["user"]["highlights"]["totalCount"] == 29
        again = await gateway.query(large)
        assert (again.charged, again.data["user"]["highlights"]["totalCount"]) == (0, 29)


async def test_a_stale_answer_is_not_kept(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await gateway.query(TRAY, NATGEO)
        gateway.clock.advance(700)
        gateway.sandbox.faults.lay(Status(status=503))
        assert (await gateway.query(TRAY, NATGEO)).body["extensions"]["cache"]["stale"]
        gateway.sandbox.faults.clear()
        assert (await gateway.query(TRAY, NATGEO)).charged == 2


async def test_what_was_forced_is_kept_for_those_who_may_force(tmp_path: Path) -> None:
    query = '{ user(by: { username: "private.person" }) { highlights { totalCount } } }'
    clients = {"bold": Terms(rights=("read", "force")), "shy": Terms()}
    async with running_gateway(tmp_path, clients=clients) as gateway:
        for _ in range(2):
            bold = await gateway.query(query, client="bold")
            assert bold.data == {"user": {"highlights": {"totalCount": 0}}}
        assert bold.charged == 0
        shy = await gateway.query(query, client="shy")
        assert shy.errors == [("user.highlights", "PRIVATE_ACCOUNT")]


async def test_a_client_that_may_not_read_gets_no_kept_answer(tmp_path: Path) -> None:
    clients = {"reader": Terms(), "other": Terms(rights=("introspect",))}
    async with running_gateway(tmp_path, clients=clients) as gateway:
        await gateway.query(TRAY, NATGEO, client="reader")
        refused = await gateway.query(TRAY, NATGEO, client="other")
        assert [code for _, code in refused.errors] == ["FORBIDDEN"]


async def test_what_a_client_may_still_spend_is_never_kept(tmp_path: Path) -> None:
    query = "{ allowance { spent } }"
    async with running_gateway(tmp_path, clients={"web": Terms(allowance={"day": 10})}) as gateway:
        assert (await gateway.query(query, client="web")).data == {"allowance": {"spent": 0}}
        await gateway.query(TRAY, NATGEO, client="web")
        assert (await gateway.query(query, client="web")).data == {"allowance": {"spent": 2}}


async def test_variables_decide_whatever_their_order(tmp_path: Path) -> None:
    query = "query Q($a: ID!, $n: Int!) { user(by: { id: $a }) { highlights(first: $n) { nodes { id } } } }"
    async with running_gateway(tmp_path) as gateway:
        three = await gateway.query(query, {"a": "787132", "n": 3})
        assert (await gateway.query(query, {"n": 3, "a": "787132"})).data == three.data
        one = await gateway.query(query, {"a": "787132", "n": 1})
        assert [len(answer.data["user"]["highlights"]["nodes"]) for answer in (three, one)] == [3, 1]


async def test_a_get_says_how_long_its_answer_is_good_and_who_may_keep_it(tmp_path: Path) -> None:
    document = '{ user(by: { id: "787132" }) { highlights { totalCount } } }'
    async with running_gateway(tmp_path) as gateway:
        first = await get(gateway, document)
        assert first.headers["cache-control"] == "private, max-age=600"
        gateway.clock.advance(250)
        again = await get(gateway, document)
        assert again.headers["cache-control"] == "private, max-age=350"
        assert again.headers["vary"] == "Accept, Authorization, X-Api-Key"
        assert again.headers["etag"] == first.headers["etag"]


async def test_a_get_with_the_tag_of_what_is_still_good_answers_304_without_a_body(tmp_path: Path) -> None:
    document = '{ user(by: { id: "787132" }) { highlights { totalCount } } }'
    async with running_gateway(tmp_path) as gateway:
        first = await get(gateway, document)
        same = await get(gateway, document, **{"if-none-match": first.headers["etag"]})
        assert (same.status_code, same.content, same.headers["x-billed-requests"]) == (304, b"", "0")
        other = await get(gateway, document, **{"if-none-match": '"other"'})
        assert (other.status_code, other.json()["data"]) == (200, first.json()["data"])


async def test_an_answer_to_a_post_is_for_no_cache_on_the_way(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for _ in range(2):
            answer = await gateway.query(TRAY, NATGEO)
            assert answer.headers["cache-control"] == "no-store"
            assert "etag" not in answer.headers


async def test_an_answer_with_errors_is_made_anew(tmp_path: Path) -> None:
    query = '{ user(by: { id: "787132" }) { username } nobody: user(by: { id: "1" }) { username } }'
    async with running_gateway(tmp_path) as gateway:
        first = await gateway.query(query)
        again = await gateway.query(query)
        assert first.errors == again.errors == [("nobody", "NOT_FOUND")]
        assert again.charged == 0


async def test_variables_that_the_document_does_not_declare_make_no_other_question(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        first = await gateway.query(TRAY, NATGEO | {"more": "x" * 1_000})
        others: list[dict[str, object]] = [{}, {"more": [[]]}, {"n": 1}]
        for other in others:
            again = await gateway.query(TRAY, NATGEO | other, headers={"x-billing-limit": "0"})
            assert (again.data, again.charged) == (first.data, 0)
            assert again.billing["savedByCache"] == 2
