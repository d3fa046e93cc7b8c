"""Pages of other sites, other hosts, and what is told of the schema and the inside."""

from __future__ import annotations

import contextlib
import re

from websockets.exceptions import InvalidStatus

from tests.outsider.target import JSON, Target, attempt, codes, refused

USER = 'query Q { user(by: { id: "787132" }) { username } }'
PROOF = {"graphql-require-preflight": "1"}
EVIL = "https://evil.invalid"
PATH = re.compile(r"/(?:home|root|usr|var|opt|srv|data|tmp)/|[a-z_]+\.(?:py|sqlite3|toml)\b")


@attempt("A query by a link, form or image on another site")
def forms(target: Target) -> None:
    by_link = target.request("GET", params={"query": USER}, headers={"accept": "*/*", "sec-fetch-site": "cross-site"})
    assert codes(by_link) <= {"CSRF_SUSPECTED", "UNAUTHENTICATED"}, by_link.text[:300]
    assert by_link.status_code in (401, 403), by_link.status_code
    for media in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=a"):
        sent = target.request("POST", content=USER, headers={"content-type": media, "origin": EVIL})
        assert sent.status_code in (400, 401, 403, 415), f"{sent.status_code} for {media}"


@attempt("A subscription by a link or an `EventSource` on another site")
def events(target: Target) -> None:
    params = {"query": 'subscription { flow(id: "1") { state } }'}
    response = target.request("GET", params=params, headers={"accept": "text/event-stream", "origin": EVIL})
    assert response.status_code in (401, 403), response.status_code


@attempt("A page whose own host name resolves to the gateway (DNS rebinding)")
def rebinding(target: Target) -> None:
    response = target.request("POST", json={"query": USER}, headers={"host": "evil.invalid", **target.keyed})
    assert (response.status_code, codes(response)) == (421, {"MISDIRECTED_REQUEST"}), response.status_code


@attempt("No host, or several")
def hosts(target: Target) -> None:
    none, two = b"GET /graphql HTTP/1.0\r\n\r\n", target.head("GET", f"host: {target.authority}") + b"\r\n"
    assert {target.status(none), target.status(two)} <= {400, 421}


@attempt("A redirect to a host of the client's choice")
def redirects(target: Target) -> None:
    for path in ("//evil.invalid/", "/graphql/", "//evil.invalid/graphql/.."):
        assert target.status(target.head("GET", path=path) + b"\r\n") in (404, 421)


@attempt("A redirect from `/` to another site, by a forged `Host` header")
def front(target: Target) -> None:
    shown = target.request("GET", "/", headers={"accept": "text/html"}, follow_redirects=False)
    assert shown.headers.get("location", "/graphql") == "/graphql", shown.headers["location"]
    forged = target.request("GET", "/", headers={"accept": "text/html", "host": "evil.invalid"})
    assert "evil" not in forged.headers.get("location", "")


@attempt("A WebSocket from a page of another site")
def foreign_socket(target: Target) -> None:
    with contextlib.suppress(InvalidStatus):
        target.websocket(origin=EVIL).close()
        raise AssertionError("it was opened")


@attempt("Reading responses from a page of another site")
def cors(target: Target) -> None:
    asked = {"origin": EVIL, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    for response in (
        target.request("OPTIONS", headers=asked),
        target.post({"query": "{ __typename }"}, {"origin": EVIL}),
    ):
        found = response.headers.get("access-control-allow-origin")
        assert found is None, found


@attempt("A mutation by GET")
def mutation(target: Target) -> None:
    document = 'mutation { cancelFlow(id: "1") { flow { id } } }'
    response = target.request(
        "GET", params={"query": document}, headers={"accept": JSON, "graphql-require-preflight": "1"} | target.keyed
    )
    assert response.status_code == 405, response.status_code


@attempt("Introspection, and `_service { sdl }`, without the right")
def introspection(target: Target) -> None:
    if target.key:
        for document in (
            "{ __schema { queryType { name } } }",
            '{ __type(name: "User") { name } }',
            "{ _service { sdl } }",
        ):
            refused(target.ask(document), "FORBIDDEN")


@attempt("Field suggestions, to guess the schema")
def suggestions(target: Target) -> None:
    if target.key:
        for document in ('{ user(by: { id: "1" }) { usernam } }', "{ usr }", '{ user(by: { identity: "1" }) { id } }'):
            response = target.ask(document)
            assert "id you mean" not in response.text, response.text[:300]


@attempt("Introspection by the console's page, tracing, debug output")
def tracing(target: Target) -> None:
    response = target.ask("{ __typename }", headers={"apollo-tracing": "1", "x-apollo-tracing": "1", "x-debug": "1"})
    told = response.json().get("extensions", {}).keys()
    assert told <= {"billing"}, told
    for path in ("/debug", "/metrics", "/graphiql", "/playground", "/docs", "/openapi.json", "/.env", "/.git/config"):
        assert target.request("GET", path).status_code == 404, path


@attempt("Paths of the machine, in `/readyz` and errors")
def paths(target: Target) -> None:
    for response in (target.request("GET", "/readyz"), target.ask("{ nothing }"), target.ask("{")):
        found = PATH.search(response.text)
        assert found is None, found


@attempt("The same where clients are configured")
def control(target: Target) -> None:
    if target.key:
        for path in ("/sandbox/_control/faults", "/sandbox/_control/meter"):
            assert target.request("GET", path).status_code == 404, path


@attempt("Requests to the embedded sandbox itself, whose key is public")
def sandbox(target: Target) -> None:
    if target.key:
        asked = target.request("GET", "/sandbox/v1/user/highlights?user_id=787132", headers={"x-access-key": "sandbox"})
        assert asked.status_code == 404, asked.status_code
