"""Manifests: documents as clients' tools print and hash them, and what the gateway makes of each format."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import main
from gateway.console import OPERATIONS
from gateway.operations.formats import ManifestFormat
from gateway.operations.manifests import ManifestError, check, manifest, operations_in, read
from gateway.operations.trusted_documents import OWN, sources
from gateway.settings import Settings
from schema.build import build_schema
from tests.commands.process import run
from tests.fakes.gateway import RunningGateway, running_gateway
from tests.node import projects

# What sorts differently, by one of the tools at least.
ODD = {
    "order.graphql": """
query Order($b: Int = 7, $a: String @skip(if: true)) @b(y: 1, x: 2) @a {
  z: user(by: { id: 1, b: 2 }) @include(if: true, a: 1) @deprecated { ...Z ...A b: name a: name __typename }
  ... on Query @z @a { b a }
  ... on Query { z ... { y x } }
  ... { c }
  user
}
fragment Z on User @y @x { name(b: 1, a: "two  words") other { deep } }
fragment A on User { id }
""",
    "mutation.graphql": "mutation M { c b { z a } ... on Mutation { y @b @a x } ...F a }",
    "fragment.graphql": "fragment F on Mutation { z a }",
    "text.graphql": 'query T { a(text: """\n  block\n    of text\n""", other: "line \\n and \\"quote\\"") { b } }',
    "inline.graphql": "query I { a { ... on B { z y } ... on B { x } ... on A { q } } __schema { types { name } } }",
}


def texts_of(found: dict[str, str]) -> dict[str, str]:
    """Each operation's document, by its name, as graphql-js prints it."""
    return {operation.name: operation.text(ManifestFormat.RELAY) for operation in operations_in(found)}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What the clients' tools make of all documents, by tool and operation."""
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "texts.json").write_text(json.dumps(texts_of(ODD) | texts_of(sources(OWN))))
    project = projects.installed(projects.MANIFESTS, folder)
    printed: dict[str, dict[str, str]] = json.loads(projects.run(project, "hash.mjs", str(folder / "texts.json")))
    return printed


@pytest.mark.parametrize("form", [ManifestFormat.APOLLO, ManifestFormat.CODEGEN])
@pytest.mark.parametrize("found", [ODD, sources(OWN)], ids=["odd", "own"])
def test_documents_are_printed_as_the_clients_tools_print_them(
    found: dict[str, str], form: ManifestFormat, theirs: dict[str, dict[str, str]]
) -> None:
    """Else their hashes would name nothing here."""
    for operation in operations_in(found):
        assert operation.text(form) == theirs[form.value][operation.name]


def test_each_format_holds_each_operation_under_the_hash_of_its_text() -> None:
    operations = operations_in(sources(OWN))
    for form, prefix in ((ManifestFormat.APOLLO, ""), (ManifestFormat.RELAY, ""), (ManifestFormat.CODEGEN, "sha256:")):
        table = read(json.dumps(manifest(operations, form)).encode())
        assert len(table) == len(operations) == len(list(OWN.glob("*.graphql")))
        assert all(key == prefix + hashlib.sha256(text.encode()).hexdigest() for key, text in table.items())


def test_our_own_documents_fit_the_schema() -> None:
    schema = build_schema().core
    for folder in (OWN, OPERATIONS):
        for operation in operations_in(sources(folder)):
            check(operation, schema)


def test_fragments_are_shared_between_files_and_only_those_used_are_sent() -> None:
    files = {
        "a.graphql": "query A { ...F }",
        "f.graphql": "fragment F on Q { ...G } fragment G on Q { a } fragment H on Q { b }",
    }
    (operation,) = operations_in(files)
    assert operation.text(ManifestFormat.CODEGEN) == "fragment F on Q { ...G } fragment G on Q { a } query A { ...F }"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a": "query A { a } query A { b }"}, "A"),
        ({"a": "query A { a }", "b": "query A { b }"}, "A"),
        ({"a": "{ a }"}, "a: an operation has no name"),
        ({"a": "query {"}, "a: Syntax Error"),
        ({"a": "{ a" * 500}, "a: The document exceeds the limit of nesting"),
    ],
)
def test_documents_that_cannot_be_named_are_refused(files: dict[str, str], told: str) -> None:
    with pytest.raises(ManifestError, match=told):
        operations_in(files)


VALUES = st.recursive(st.text() | st.none(), lambda inner: st.dictionaries(st.text(), inner))


@given(st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_manifest_or_refused(data: bytes) -> None:
    with contextlib.suppress(ManifestError):
        assert all(isinstance(text, str) for text in read(data).values())


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert read(b'\xef\xbb\xbf{"a": "{ a }"}') == {"a": "{ a }"}
    (tmp_path / "a.graphql").write_text("\ufeffquery A { __typename }", "utf-8")
    assert sources(tmp_path) == {"a.graphql": "query A { __typename }"}


@pytest.mark.parametrize(
    "data",
    [
        b'{"format": "apollo-persisted-query-manifest"}',
        b'{"format": "apollo-persisted-query-manifest", "operations": [{"id": 7, "body": "x"}]}',
        b'{"format": "apollo-persisted-query-manifest", "operations": [{"id": "x"}]}',
        b'{"sha256:' + b"0" * 64 + b'": "{ a }"}',
        b'{"a": ["{ a }"]}',
        b"[]",
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestError):
        read(data)


async def ask(gateway: RunningGateway, **members: Any) -> httpx.Response:
    return await gateway.client.post("/graphql", json=members)


def code(response: httpx.Response) -> tuple[int, str]:
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


@pytest.mark.parametrize("form", ManifestFormat)
async def test_our_own_documents_are_known_by_the_hash_of_each_tool(tmp_path: Path, form: ManifestFormat) -> None:
    operation = next(one for one in operations_in(sources(OWN)) if one.name == "MyAllowance")
    digest = hashlib.sha256(operation.text(form).encode()).hexdigest()
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    async with running_gateway(tmp_path, settings=Settings(documents="trusted")) as gateway:
        for members in (
            {"documentId": f"sha256:{digest}"},
            {"documentId": digest},
            {"doc_id": digest},
            {"id": digest},
            {"extensions": persisted},
            {"query": operation.text(form)},
        ):
            assert (await ask(gateway, **members)).json()["data"]["allowance"], members


@pytest.mark.parametrize(
    ("manifest", "id_"),
    [
        (
            {
                "format": "apollo-persisted-query-manifest",
                "version": 1,
                "operations": [{"id": "who", "name": "Q", "type": "query", "body": "query Q { __typename }"}],
            },
            "who",
        ),
        ({"any-id": "query Q { __typename }"}, "any-id"),
        (
            {"sha256:" + hashlib.sha256(b"query Q { __typename }").hexdigest(): "query Q { __typename }"},
            "sha256:" + hashlib.sha256(b"query Q { __typename }").hexdigest(),
        ),
    ],
    ids=["apollo", "relay", "codegen"],
)
async def test_a_manifest_is_trusted_beside_our_own(tmp_path: Path, manifest: dict[str, Any], id_: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    settings = Settings(documents="trusted", documents_file=path)
    async with running_gateway(tmp_path, settings=settings) as gateway:
        assert (await ask(gateway, documentId=id_)).json()["data"] == {"__typename": "Query"}
        assert (await ask(gateway, query="query Q { __typename }")).status_code == 200
        linked = await gateway.client.get("/graphql", params={"documentId": id_})
        assert linked.json()["data"] == {"__typename": "Query"}
        assert code(await ask(gateway, query="query Q { __typename  }")) == (403, "DOCUMENT_NOT_TRUSTED")


async def test_nothing_else_is_run_on_any_way_in(tmp_path: Path) -> None:
    other = "{ __typename }"
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(other.encode()).hexdigest()}}
    async with running_gateway(tmp_path, settings=Settings(documents="trusted", batch_limit=2)) as gateway:
        assert code(await ask(gateway, query=other)) == (403, "DOCUMENT_NOT_TRUSTED")
        assert code(await ask(gateway, query=other, extensions=extensions)) == (403, "DOCUMENT_NOT_TRUSTED")
        assert code(await ask(gateway, extensions=extensions)) == (200, "PERSISTED_QUERY_NOT_FOUND")
        headers = {"graphql-require-preflight": "1"}
        assert code(await gateway.client.get("/graphql", params={"query": other}, headers=headers))[0] == 403
        (answer,) = (await gateway.client.post("/graphql", json=[{"query": other}])).json()
        assert answer["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


async def test_a_stored_document_by_a_link_says_how_long_its_answer_is_good(tmp_path: Path) -> None:
    """Its URL holds no document, so that caches may take it for a key; the answer is the client's own."""
    operation = next(one for one in operations_in(sources(OWN)) if one.name == "TrayById")
    digest = hashlib.sha256(operation.text(ManifestFormat.CODEGEN).encode()).hexdigest()
    params = {"documentId": f"sha256:{digest}", "variables": '{"userId":"787132"}'}
    async with running_gateway(tmp_path, all_heard=False) as gateway:
        first = await gateway.client.get("/graphql", params=params)
        assert first.headers["cache-control"].startswith("private, max-age=")
        assert int(first.headers["cache-control"].rpartition("=")[2]) > 0
        headers = {"if-none-match": first.headers["etag"]}
        assert (await gateway.client.get("/graphql", params=params, headers=headers)).status_code == 304
        assert gateway.billed == int(first.headers["x-billed-requests"])


def test_the_command_writes_a_manifest_that_the_gateway_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "manifest.json"
    for form in ManifestFormat:
        assert main(["documents", "--format", form.value, "--out", str(out), str(OWN)]) == 0
        assert capsys.readouterr() == ("", "")
        assert read(out.read_bytes())
    assert json.loads(run("documents").stdout)["format"] == "apollo-persisted-query-manifest"


def test_the_command_refuses_what_the_schema_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("query A { nonsense }")
    done = run("documents", str(tmp_path))
    assert done.returncode == 2
    assert "A: Cannot query field 'nonsense'" in done.stderr


def test_a_broken_manifest_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("[]")
    done = run("serve", "--port", "0", GATEWAY_DOCUMENTS_FILE=str(path), GATEWAY_DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert str(path) in done.stderr
