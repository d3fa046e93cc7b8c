"""Documents and bodies that are large, or cost much."""

from __future__ import annotations

import gzip
import json

from tests.outsider.target import JSON, Target, attempt, codes, refused, too_complex

ONE = 'user(by: { id: "1" }) { id }'
MANY = 2_000


def numbered(count: int, pattern: str) -> str:
    return " ".join(pattern.replace("#", str(number)) for number in range(count))


@attempt("Thousands of aliases in one document")
def aliases(target: Target) -> None:
    too_complex(target.ask("{ " + numbered(MANY, "a#: __typename") + " }"), "aliases", "tokens")


@attempt("Ten thousand directives on one field")
def directives(target: Target) -> None:
    too_complex(target.ask("{ __typename " + "@a " * 10_000 + "}"), "directives", "tokens")


@attempt("One field, repeated")
def repeated(target: Target) -> None:
    too_complex(target.ask("{ " + "__typename " * 500 + "}"), "root fields", "repetitions")


@attempt("Fragments that spread the next one twice, forty levels deep")
def doubled(target: Target) -> None:
    spreads = numbered(40, "fragment A# on User { ...B# ...B# }").replace("...B39", "id")
    for number in range(40):
        spreads = spreads.replace(f"...B{number} ", f"...A{number + 1} ")
    too_complex(target.ask('{ user(by: { id: "1" }) { ...A0 } } ' + spreads), "fields", "fragments", "depth")


@attempt("Fragment cycles")
def cycles(target: Target) -> None:
    response = target.ask("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")
    refused(response, "GRAPHQL_VALIDATION_FAILED")


@attempt("Nested introspection: types of fields of types")
def introspections(target: Target) -> None:
    document = "{ __schema { types { " + "fields { type { " * 5 + "name" + " } }" * 5 + " } } }"
    too_complex(target.ask(document), "introspection")


@attempt("Thousands of keys or entity references")
def keys(target: Target) -> None:
    many = [str(number) for number in range(MANY)]
    too_complex(target.ask("query A($k: [ID!]!) { highlights(ids: $k) { id } }", {"k": many}), "keys", "list")
    references = [{"__typename": "User", "id": key} for key in many]
    document = "query A($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
    too_complex(target.ask(document, {"r": references}), "keys", "list")


@attempt("Thousands of entries in other lists of the variables")
def entries(target: Target) -> None:
    document = "mutation M($i: CreateHighlightInput!) { createHighlight(input: $i) { flow { id } } }"
    media = [{"url": "https://media.invalid/1.jpg"}] * 60_000
    response = target.ask(document, {"i": {"account": "1", "title": "t", "media": media, "idempotencyKey": "k"}})
    assert codes(response) <= {"OPERATION_TOO_COMPLEX", "FORBIDDEN", "BODY_TOO_LARGE"}, response.text[:300]


@attempt("Variables or literals with thousands of errors, each of which repeats the value")
def mistakes(target: Target) -> None:
    wrong = {"by": {f"f{number}": "x" * 40 for number in range(MANY)}}
    for response in (
        target.ask("query Q($by: UserBy!) { user(by: $by) { id } }", wrong),
        target.ask("{ user(by: { " + numbered(MANY, "f#: 1") + " }) { id } }"),
    ):
        assert response.status_code == 400, response.status_code
        assert len(response.content) < 60_000, f"{len(response.content)} bytes are answered"


@attempt("Long response names, which each entry of the response repeats")
def long_names(target: Target) -> None:
    too_complex(target.ask("{ " + "a" * 5_000 + ": __typename }"), "word length")


@attempt("One key a thousand times, with long names, users of items, signed links, or selections below it")
def one_key(target: Target) -> None:
    selection = numbered(95, "a" * 190 + "#: thumbnailUrl")
    document = f"query A($i: [ID!]!) {{ highlights(ids: $i) {{ items {{ nodes {{ {selection} }} }} }} }}"
    too_complex(target.ask(document, {"i": ["1"] * 980}), "bytes", "work", "cost")


@attempt("Thousands of empty lines, which each error would count again")
def lines(target: Target) -> None:
    too_complex(target.ask("\n" * 20_000 + "{ __typename }"), "lines")


@attempt("Fifty prices in one operation")
def prices(target: Target) -> None:
    document = "{ " + numbered(50, 'a#: price(document: "{ __typename }") { lower }') + " }"
    too_complex(target.ask(document), "prices", "cost")


@attempt("A response of millions of entries")
def entries_of_answer(target: Target) -> None:
    items = "highlights { nodes { items(first: 100) { nodes { id } } } }"
    document = f"query A($k: [UserBy!]!) {{ users(by: $k) {{ {items} }} }}"
    too_complex(target.ask(document, {"k": [{"id": str(number)} for number in range(200)]}), "cost")


@attempt("Batches: an array of operations")
def batches(target: Target) -> None:
    refused(target.post([{"query": "{ __typename }"}] * 10), "BAD_REQUEST")


@attempt("A large body, with and without an announced length")
def bodies(target: Target) -> None:
    fields = (f"content-type: {JSON}", *(f"{name}: {value}" for name, value in target.keyed.items()))
    announced = target.head("POST", *fields, "content-length: 100000000") + b"\r\n"
    assert target.status(announced) in (400, 413)
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    chunked = target.head("POST", *fields, "transfer-encoding: chunked") + b"\r\n"
    assert target.status(chunked, *[piece] * 100) in (400, 413)


@attempt("A small body that decompresses to a large one")
def compressed(target: Target) -> None:
    headers = {"content-type": JSON, "content-encoding": "gzip", "accept": JSON, **target.keyed}
    response = target.request("POST", content=gzip.compress(b" " * 10_000_000), headers=headers)
    assert (response.status_code, codes(response)) == (415, {"UNSUPPORTED_MEDIA_TYPE"}), response.status_code


@attempt("Hundreds of thousands of values in one body")
def values(target: Target) -> None:
    response = target.post({"query": "{ __typename }", "variables": {"a": [[]] * 300_000}})
    assert response.status_code in (400, 413), response.status_code


@attempt("Numbers of thousands of digits")
def digits(target: Target) -> None:
    body = '{"query": "query Q($a: Int) { __typename }", "variables": {"a": ' + "9" * 5_000 + "}}"
    response = target.request("POST", content=body, headers={"content-type": JSON, "accept": JSON, **target.keyed})
    assert response.status_code == 400, response.status_code


@attempt("A thousand links of hundreds of segments")
def links(target: Target) -> None:
    url = "https://www.instagram.com/" + "a/" * 500
    response = target.ask("query Q($by: [UserBy!]!) { users(by: $by) { id } }", {"by": [{"url": url}] * 900})
    assert codes(response) == {"BAD_USER_INPUT"}, codes(response)
    assert response.headers["x-billed-requests"] == "0", "something was bought"


@attempt("A hash with another document")
def another_hash(target: Target) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    refused(target.post({"query": f"{{ {ONE} }}", "extensions": extensions}), "PERSISTED_QUERY_MISMATCH")


@attempt("Invalid input of all kinds, to provoke a 500")
def nonsense(target: Target) -> None:
    bodies = [b"", b"{", b"null", b"[]", b'"x"', b'{"query": 1}', b"\xff\xfe", b"[" * 10_000, b'{"query": "\\ud800"}']
    bodies += [json.dumps({"query": text}).encode() for text in ("{", "}", "\0", "query", "{ a(b: $c) }", "{ ...A }")]
    for body in bodies:
        headers = {"content-type": JSON, "accept": JSON, **target.keyed}
        response = target.request("POST", content=body, headers=headers)
        assert response.status_code < 500, f"{response.status_code} for {body[:40]!r}"
        assert "Traceback" not in response.text, "a traceback is shown"
