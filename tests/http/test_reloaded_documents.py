"""The manifest of trusted documents is reloaded: no cached response outlives the text, or the trust, that it is of."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.operations.manifests import ManifestError
from tests.fakes.gateway import key_of
from tests.http.test_exact_match_cache import CLIENTS, Doors, opened

FIRST = "query Trusted { user(by: { id: 787132 }) { username } }"
SECOND = "query Trusted { user(by: { id: 787132 }) { id } }"
WAYS = ["by its id", "by its hash", "by its text", "by a link"]


async def asked(doors: Doors, way: str, text: str) -> httpx.Response:
    key = {"x-api-key": key_of("free")}
    digest = hashlib.sha256(text.encode()).hexdigest()
    match way:
        case "by its id":
            return await doors.post(doors.short, {"documentId": "who"}, **key)
        case "by its hash":
            persisted = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
            return await doors.post(doors.short, {"extensions": persisted}, **key)
        case "by its text":
            return await doors.post(doors.short, {"query": text}, **key)
        case _:
            return await doors.short.get("/graphql", params={"documentId": f"sha256:{digest}"}, headers=key)


@contextlib.asynccontextmanager
async def primed_with_manifest(folder: Path, way: str, **others: Any) -> AsyncIterator[tuple[Doors, Path]]:
    """The document `who` of the manifest is answered in front."""
    manifest = folder / "manifest.json"
    manifest.write_text(msgspec.json.encode({"who": FIRST}).decode())
    async with opened(folder, CLIENTS, documents_file=manifest, **others) as doors:
        answers = [(await asked(doors, way, FIRST)).json()["data"] for _ in range(3)]
        assert answers == [{"user": {"username": "natgeo"}}] * 3
        assert doors.behind.requests == 2
        yield doors, manifest


@pytest.mark.parametrize("documents", ["any", "trusted"])
async def test_an_id_leads_to_the_text_of_the_manifest_that_is_in_force(tmp_path: Path, documents: str) -> None:
    async with primed_with_manifest(tmp_path, "by its id", documents=documents) as (doors, manifest):
        manifest.write_text(msgspec.json.encode({"who": SECOND}).decode())
        doors.gateway.operations.trusted.reload()
        for _ in range(3):
            answer = await asked(doors, "by its id", SECOND)
            assert (answer.json()["data"], answer.headers["x-billed-requests"]) == ({"user": {"id": "787132"}}, "0")
        manifest.write_text(msgspec.json.encode({"who": FIRST}).decode())
        doors.gateway.operations.trusted.reload()
        assert (await asked(doors, "by its id", FIRST)).json()["data"] == {"user": {"username": "natgeo"}}


@pytest.mark.parametrize("way", WAYS)
async def test_a_document_that_is_trusted_no_longer_is_not_answered_from_the_cache(tmp_path: Path, way: str) -> None:
    async with primed_with_manifest(tmp_path, way, documents="trusted") as (doors, manifest):
        manifest.write_text(msgspec.json.encode({"other": SECOND}).decode())
        doors.gateway.operations.trusted.reload()
        for _ in range(3):
            (error,) = (await asked(doors, way, FIRST)).json()["errors"]
            assert error["extensions"]["code"] in ("PERSISTED_QUERY_NOT_FOUND", "DOCUMENT_NOT_TRUSTED")


@pytest.mark.parametrize("way", WAYS)
async def test_a_manifest_that_cannot_be_read_leaves_all_as_it_is(tmp_path: Path, way: str) -> None:
    async with primed_with_manifest(tmp_path, way, documents="trusted") as (doors, manifest):
        for broken in ("{", "[]", msgspec.json.encode({"sha256:" + "0" * 64: FIRST}).decode()):
            manifest.write_text(broken)
            with pytest.raises(ManifestError, match=re.escape(str(manifest))):
                doors.gateway.operations.trusted.reload()
        manifest.unlink()
        with pytest.raises(ManifestError, match="cannot be read"):
            doors.gateway.operations.trusted.reload()
        assert (await asked(doors, way, FIRST)).json()["data"] == {"user": {"username": "natgeo"}}
        assert doors.behind.requests == 2


async def test_a_document_that_is_withdrawn_while_it_is_executed_is_not_kept(tmp_path: Path) -> None:
    """It would be found by its hash for as long as there is room for it."""
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(FIRST.encode()).hexdigest()}}
    async with primed_with_manifest(tmp_path, "by its id", documents="trusted") as (doors, manifest):
        stored = doors.gateway.operations.stored
        text = stored.text(FIRST, None, persisted)
        manifest.write_text("{}")
        doors.gateway.operations.trusted.reload()
        stored.remember(text, persisted)
        (error,) = (await asked(doors, "by its hash", FIRST)).json()["errors"]
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
