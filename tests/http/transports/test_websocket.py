"""graphql-transport-ws: the protocol's own rules, and ours."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest

from gateway.http.transports.websocket import Timeouts
from gateway.operations.trusted_documents import OWN
from tests.fakes.gateway import Terms, details, key_of
from tests.fakes.websocket import Refused, Socket
from tests.http.transports.conftest import Serve, Served, Ticks

PATIENCE = Timeouts()
TICKS = "subscription { ticks(to: 3) }"
USER = "{ user(by: { id: 787132 }) { username } }"


async def test_events_come_as_they_happen_and_then_it_is_complete(served: Served) -> None:
    async with Socket(served.app) as socket:
        assert socket.protocol == "graphql-transport-ws"
        await socket.init()
        await socket.subscribe("1", TICKS)
        begun = asyncio.get_running_loop().time()
        for number in range(3):
            message = await socket.read()
            assert (message["type"], message["id"]) == ("next", "1")
            assert message["payload"]["data"] == {"ticks": number}
            assert message["payload"]["extensions"]["billing"]["charged"] == 0
            assert asyncio.get_running_loop().time() - begun == pytest.approx(number + 1)
        assert await socket.read() == {"id": "1", "type": "complete"}


async def test_queries_go_over_it_too_each_with_its_own_bill(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        charged = []
        for id_ in ("1", "2"):
            await socket.subscribe(id_, USER)
            answer = await socket.read()
            assert answer["payload"]["data"] == {"user": {"username": "natgeo"}}
            charged.append(answer["payload"]["extensions"]["billing"]["charged"])
            assert (await socket.read())["type"] == "complete"
        assert charged == [1, 0]


async def test_what_is_deferred_comes_in_parts(served: Served) -> None:
    query = "{ user(by: { id: 787132 }) { username ... @defer { biography } } }"
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("1", query)
        parts = []
        while (message := await socket.read())["type"] == "next":
            parts.append(message["payload"])
        assert message["type"] == "complete"
    assert parts[0]["data"] == {"user": {"username": "natgeo"}}
    assert [part["hasNext"] for part in parts] == [True] * (len(parts) - 1) + [False]
    assert parts[-1]["extensions"]["billing"]["charged"] == 1


async def test_what_cannot_be_run_is_an_error_message(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        for query, code in (
            ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("subscription { ticks(to: true) }", "GRAPHQL_VALIDATION_FAILED"),
            ("", "BAD_USER_INPUT"),
            ("{ a" * 500, "OPERATION_TOO_COMPLEX"),
        ):
            await socket.subscribe("1", query)
            message = await socket.read()
            assert (message["type"], message["id"]) == ("error", "1")
            (error,) = message["payload"]
            assert error["extensions"]["code"] == code
        await socket.subscribe("1", USER)
        assert (await socket.read())["type"] == "next"


@pytest.mark.parametrize(("expected", "code"), [("true", "NOT_FOUND"), ("false", "INTERNAL_SERVER_ERROR")])
async def test_a_failing_event_ends_the_operation_without_telling_of_the_inside(
    served: Served, expected: str, code: str
) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("1", f"subscription {{ breaks(expected: {expected}) }}")
        assert (await socket.read())["payload"]["data"] == {"breaks": 0}
        message = await socket.read()
        assert "secret" not in json.dumps(message)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == code


async def test_completing_an_operation_cancels_it_and_frees_its_id(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("1", "subscription { ticks(to: 1000) }")
        await socket.read()
        await socket.send(type="complete", id="1")
        await socket.subscribe("1", "{ __typename }")
        while (message := await socket.read())["payload"]["data"] != {"__typename": "Query"}:
            pass
        assert message["id"] == "1"
        await asyncio.sleep(1)
        assert Ticks.running == 0


async def test_a_client_that_goes_away_takes_its_operations_with_it(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        for id_ in "123":
            await socket.subscribe(id_, "subscription { ticks(to: 1000) }")
        await socket.read()
        assert Ticks.running == 3
    assert Ticks.running == 0


async def test_a_ping_is_answered_with_its_payload(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.send(type="pong")
        await socket.send(type="ping", payload={"at": 7})
        assert await socket.read() == {"type": "pong", "payload": {"at": 7}}


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("soap",)])
async def test_another_subprotocol_is_closed_with_4406(served: Served, protocols: tuple[str, ...]) -> None:
    """The legacy one too, which is named almost like the library."""
    async with Socket(served.app, protocols=protocols) as socket:
        assert socket.protocol is None
        assert await socket.close_code() == 4406


async def test_who_does_not_introduce_himself_is_closed_with_4408(served: Served) -> None:
    async with Socket(served.app) as socket:
        begun = asyncio.get_running_loop().time()
        assert await socket.close_code() == 4408
        assert asyncio.get_running_loop().time() - begun == pytest.approx(PATIENCE.init)


async def test_an_operation_before_the_introduction_is_closed_with_4401(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.subscribe("1", TICKS)
        assert await socket.close_code() == 4401


async def test_a_second_introduction_is_closed_with_4429(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.send(type="connection_init")
        assert await socket.close_code() == 4429


async def test_an_id_in_use_is_closed_with_4409(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        for _ in range(2):
            await socket.subscribe("é" * 100, TICKS)
        assert await socket.close_code() == 4409
        assert socket.closed is not None
        assert len(socket.closed[1].encode()) <= 123
    assert Ticks.running == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"type": 7}',
        '{"type": "next", "id": "1"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ a }"}}',
        '{"type": "subscribe", "id": 7, "payload": {"query": "{ a }"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"variables": []}}',
        '{"type": "ping", "payload": []}',
        '{"type": "connection_init", "payload": "key"}',
        '{"type": "ping", "payload": ' + "[" * 100 + "]" * 100 + "}",
        '{"type": "ping", "payload": {"a": "' + "a" * 1_000_000 + '"}}',
        '{"type": "ping", "payload": {"a": [' + "0," * 100_000 + "0]}}",
        '{"a": "\ud800"}',
    ],
)
async def test_what_is_no_message_is_closed_with_4400(served: Served, text: str) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.send_text(text)
        assert await socket.close_code() == 4400


async def test_bytes_are_no_message(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.send_bytes(b'{"type": "connection_init"}')
        assert await socket.close_code() == 4400


CLIENTS = {"web": Terms(), "writer": Terms(rights=("write",))}


@pytest.mark.parametrize(
    "payload",
    [
        {"x-api-key": key_of("web")},
        {"Authorization": f"Bearer {key_of('web')}"},
        {"headers": {"authorization": f"Bearer {key_of('web')}"}},
    ],
)
async def test_the_key_comes_with_the_introduction(serve: Serve, payload: dict[str, object]) -> None:
    served = await serve(clients=CLIENTS)
    async with Socket(served.app) as socket:
        await socket.init(**payload)
        await socket.subscribe("1", USER)
        assert (await socket.read())["payload"]["data"] == {"user": {"username": "natgeo"}}


async def test_the_key_may_come_with_the_handshake(serve: Serve) -> None:
    served = await serve(clients=CLIENTS)
    async with Socket(served.app, headers={"x-api-key": key_of("web")}) as socket:
        await socket.init()


@pytest.mark.parametrize("key", [None, "wrong", "ключ", "é"])
async def test_who_is_not_known_is_closed_with_4403(serve: Serve, key: str | None) -> None:
    served = await serve(clients=CLIENTS)
    async with Socket(served.app) as socket:
        await socket.send(type="connection_init", payload={"x-api-key": key})
        assert await socket.close_code() == 4403


async def test_a_subscription_needs_the_right_to_read(serve: Serve) -> None:
    served = await serve(clients=CLIENTS)
    async with Socket(served.app) as socket:
        await socket.init(**{"x-api-key": key_of("writer")})
        await socket.subscribe("1", TICKS)
        message = await socket.read()
        assert message["type"] == "error"
        assert details(message["payload"][0]) == {"code": "FORBIDDEN", "right": "read"}
        assert Ticks.running == 0


async def test_a_budget_comes_with_the_introduction(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init(**{"X-Billing-Limit": "0"})
        await socket.subscribe("1", USER)
        message = await socket.read()
        assert message["payload"][0]["extensions"]["code"] == "BUDGET_EXCEEDED"
    async with Socket(served.app) as socket:
        await socket.send(type="connection_init", payload={"X-Billing-Limit": "much"})
        assert await socket.close_code() == 4400


async def test_a_stored_document_is_named_here_as_well(served: Served) -> None:
    digest = hashlib.sha256(USER.encode()).hexdigest()
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.send(type="subscribe", id="1", payload={"extensions": persisted})
        message = await socket.read()
        assert message["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        await socket.subscribe("1", USER, extensions=persisted)
        assert [(await socket.read())["type"] for _ in range(2)] == ["next", "complete"]
        await socket.send(type="subscribe", id="1", payload={"extensions": persisted})
        assert (await socket.read())["payload"]["data"] == {"user": {"username": "natgeo"}}


@pytest.mark.parametrize(
    ("origin", "opened"),
    [
        (None, True),
        ("http://gateway.test", True),
        ("https://gateway.test", True),
        ("https://app.example.com", True),
        ("https://evil.example.com", False),
        ("http://app.example.com", False),
        ("https://app.example.com.evil.com", False),
        ("null", False),
        ("", False),
    ],
)
async def test_pages_of_other_origins_open_nothing_unless_allowed(
    serve: Serve, origin: str | None, opened: bool
) -> None:
    served = await serve(allowed_origins=frozenset({"https://app.example.com"}))
    headers = {} if origin is None else {"origin": origin}
    socket = Socket(served.app, headers=headers)
    if opened:
        async with socket:
            await socket.init()
    else:
        with pytest.raises(Refused):
            await socket.__aenter__()


async def test_a_client_holds_so_many_connections_and_no_more(serve: Serve) -> None:
    served = await serve(connections=2)
    async with Socket(served.app) as first, Socket(served.app) as third:
        await first.init()
        async with Socket(served.app) as second:
            await second.init()
            await third.send(type="connection_init")
            assert await third.close_code() == 4429
        async with Socket(served.app) as fourth:
            await fourth.init()


async def test_a_connection_runs_so_many_operations_and_no_more(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        for number in range(PATIENCE.operations + 1):
            await socket.subscribe(str(number), "subscription { ticks(to: 1) }")
        message = await socket.read()
        assert (message["type"], message["id"]) == ("error", str(PATIENCE.operations))
        assert message["payload"][0]["extensions"]["code"] == "TOO_MANY_STREAMS"
        assert (await socket.read())["type"] == "next"


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(served: Served) -> None:
    async with Socket(served.app) as idle, Socket(served.app) as busy:
        await idle.init()
        await busy.init()
        await busy.subscribe("1", f"subscription {{ ticks(to: 1, every: {PATIENCE.idle * 1.5}) }}")
        begun = asyncio.get_running_loop().time()
        assert await idle.close_code() == 1000
        assert asyncio.get_running_loop().time() - begun == pytest.approx(PATIENCE.idle)
        assert (await busy.read())["payload"]["data"] == {"ticks": 0}


async def test_no_connection_lives_for_ever(served: Served) -> None:
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("1", "subscription { ticks(to: 1000, every: 100) }")
        begun = asyncio.get_running_loop().time()
        assert await socket.close_code() == 1001
        assert asyncio.get_running_loop().time() - begun == pytest.approx(PATIENCE.life)
    assert Ticks.running == 0


async def test_who_takes_nothing_off_our_hands_is_let_go(served: Served) -> None:
    """Until then no more is made than fits: events are not gathered."""
    async with Socket(served.app, room=5) as socket:
        await socket.init()
        await socket.subscribe("1", "subscription { ticks(to: 1000000, every: 0.001) }")
        await asyncio.sleep(PATIENCE.send / 2)
        assert socket.unread == 5
        assert Ticks.running == 1
        await asyncio.sleep(PATIENCE.send)
        assert Ticks.running == 0
        await asyncio.sleep(PATIENCE.send)
        assert socket.serving.done()


async def test_only_trusted_documents_are_run_here_as_well(serve: Serve) -> None:
    served = await serve(documents="trusted")
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("1", "{ __typename }")
        message = await socket.read()
        assert message["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
        await socket.subscribe("1", (OWN / "my_allowance.graphql").read_text())
        assert (await socket.read())["payload"]["data"]["allowance"]
