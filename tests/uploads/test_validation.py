"""Whatever is wrong with a write is told at once, each mistake at its field, and nothing is begun."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gateway.domain.input_errors import UserErrorCode
from gateway.domain.publishing import MediumKind, Uploaded
from gateway.publishing.commands import (
    CreateHighlight,
    DeleteHighlight,
    MediumSpec,
    OnMediaError,
    OnQuota,
    UpdateHighlight,
)
from gateway.publishing.inputs import (
    CoverInput,
    CreateHighlightInput,
    DeleteHighlightInput,
    InputProblem,
    MediaInput,
    UpdateHighlightInput,
)
from gateway.publishing.validation import InputValidator
from gateway.uploads.normalization import MediaNormalizer
from gateway.uploads.spool import Spool, UploadSession
from gateway.upstream.egress.address_policy import AddressPolicy
from gateway.upstream.egress.url_probe import Unreached
from gateway.upstream.platforms import aiograpi, platform
from tests.meta.tree import ROOT
from tests.uploads.films import Film

ACCOUNTS = ("787132", "528817151")
JPEG = b"\xff\xd8\xff"
URL = "https://media.example.com/"
CREATE = CreateHighlightInput(
    account="787132",
    title="Summer",
    media=[MediaInput(url=URL + "a.jpg")],
    cover=None,
    idempotency_key="key-1",
    wait_seconds=25,
    on_media_error=OnMediaError.SKIP,
    on_quota=OnQuota.FAIL,
)
UPDATE = UpdateHighlightInput(
    id="highlight:17895485201104054",
    account=None,
    title=None,
    cover=None,
    add=[],
    remove=[],
    idempotency_key=None,
    wait_seconds=0,
    on_quota=OnQuota.WAIT,
)


class Hosts:
    """What hosts say of their files, by URL; of all others nothing can be found out. Their form is judged as ever."""

    def __init__(self, told: Mapping[str, str | None]) -> None:
        self.told = told
        self.asked: list[str] = []

    async def content_type(self, url: str) -> str | None:
        AddressPolicy().check(url)
        self.asked.append(url)
        if url in self.told:
            return self.told[url]
        raise Unreached


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path)
    await spool.start()
    yield spool
    await spool.aclose()


@pytest.fixture
async def intake(spool: Spool) -> AsyncIterator[UploadSession]:
    async with spool.intake() as intake:
        yield intake


@pytest.fixture
def hosts() -> Hosts:
    return Hosts({})


@pytest.fixture
def inspector(spool: Spool, hosts: Hosts) -> InputValidator:
    return InputValidator(MediaNormalizer(spool), hosts, platform.TRAITS, publishes_uploaded=True)


async def sent(intake: UploadSession, content: bytes) -> MediaInput:
    return MediaInput(file=await uploaded(intake, content))


async def uploaded(intake: UploadSession, content: bytes) -> Uploaded:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    entry = await intake.take(whole())
    return Uploaded(entry.sha256, entry.size, "anything.gif", "text/html")


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 60), colour).save(buffer, "PNG")
    return buffer.getvalue()


def create(**changes: Any) -> CreateHighlightInput:
    return dataclasses.replace(CREATE, **changes)


def update(**changes: Any) -> UpdateHighlightInput:
    return dataclasses.replace(UPDATE, **changes)


def mistakes(answer: object) -> list[tuple[str, str]]:
    assert isinstance(answer, tuple)
    assert all(isinstance(problem, InputProblem) and problem.message.endswith(".") for problem in answer)
    return [(".".join(problem.field), problem.code) for problem in answer]


async def test_what_is_right_becomes_an_order(inspector: InputValidator, intake: UploadSession, spool: Spool) -> None:
    image, film = png("red"), Film(brand=b"qt  ").data()
    request = create(
        title="  Summer \U0001f3d6\ufe0f ",
        media=[
            MediaInput(url=URL + "a.jpg"),
            await sent(intake, image),
            MediaInput(media_id=" 17895485201104054 "),
            MediaInput(story_id="3286_787132"),
            await sent(intake, film),
            MediaInput(url=URL + "b.MOV?sig=1"),
        ],
        cover=CoverInput(index=1),
    )
    hashes = [hashlib.sha256(content).hexdigest() for content in (image, film)]
    assert await inspector.create_highlight(request, ACCOUNTS) == CreateHighlight(
        account="787132",
        title="Summer \U0001f3d6\ufe0f",
        media=(
            MediumSpec(url=URL + "a.jpg"),
            MediumSpec(file=hashes[0], content_type="image/jpeg"),
            MediumSpec(media_id="17895485201104054"),
            MediumSpec(story_id="3286_787132"),
            MediumSpec(file=hashes[1], kind=MediumKind.VIDEO, content_type="video/quicktime"),
            MediumSpec(url=URL + "b.MOV?sig=1", kind=MediumKind.VIDEO),
        ),
        cover=1,
        on_media_error=OnMediaError.SKIP,
        on_quota=OnQuota.FAIL,
    )
    assert spool.path(hashes[0]).read_bytes().startswith(JPEG)
    assert spool.path(hashes[1]).read_bytes() == film


async def test_all_that_is_wrong_is_told_at_once(inspector: InputValidator, intake: UploadSession) -> None:
    request = create(
        account="1",
        title=" ",
        media=[
            MediaInput(url="http://media.example.com/a.jpg"),
            MediaInput(url="https://169.254.169.254/a.jpg"),
            MediaInput(),
            MediaInput(url=URL, story_id="1"),
            MediaInput(media_id="a/../b"),
            MediaInput(story_id=""),
            await sent(intake, b"%PDF-1.7"),
            await sent(intake, b""),
            await sent(intake, Film(seconds=61).data()),
            await sent(intake, png("red")[:60]),
            MediaInput(media_id="7"),
            MediaInput(media_id="7"),
        ],
        cover=CoverInput(index=12),
        idempotency_key="\n",
        wait_seconds=61,
    )
    assert mistakes(await inspector.create_highlight(request, ACCOUNTS)) == [
        ("account", "UNKNOWN_ACCOUNT"),
        ("title", "REQUIRED"),
        ("idempotencyKey", "INVALID"),
        ("waitSeconds", "OUT_OF_RANGE"),
        ("media.0.url", "NOT_PUBLIC"),
        ("media.1.url", "NOT_PUBLIC"),
        ("media.2", "REQUIRED"),
        ("media.3", "REQUIRED"),
        ("media.4.mediaId", "INVALID"),
        ("media.5.storyId", "INVALID"),
        ("media.6.file", "FORMAT"),
        ("media.7.file", "REQUIRED"),
        ("media.8.file", "DURATION"),
        ("media.9.file", "DAMAGED"),
        ("media.11", "DUPLICATE"),
        ("cover.index", "OUT_OF_RANGE"),
    ]


async def test_a_message_quotes_nothing_of_a_url(inspector: InputValidator) -> None:
    """Its query may be a signature that opens the file."""
    answer = await inspector.create_highlight(create(media=[MediaInput(url="https://10.0.0.1/a?sig=secret")]), ACCOUNTS)
    assert mistakes(answer) == [("media.0.url", "NOT_PUBLIC")]
    assert "secret" not in repr(answer)


@pytest.mark.parametrize(
    ("count", "mistake"), [(0, [("media", "REQUIRED")]), (100, None), (101, [("media", "TOO_LONG")])]
)
async def test_a_highlight_holds_1_to_100_media(
    inspector: InputValidator, hosts: Hosts, count: int, mistake: list[tuple[str, str]] | None
) -> None:
    answer = await inspector.create_highlight(
        create(media=[MediaInput(url=f"{URL}{number}.jpg") for number in range(count)]), ACCOUNTS
    )
    if mistake is None:
        assert isinstance(answer, CreateHighlight)
        assert [medium.url for medium in answer.media] == [f"{URL}{number}.jpg" for number in range(count)]
    else:
        assert mistakes(answer) == mistake
        assert hosts.asked == []


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"title": "\ud83d"}, "title holds half of a surrogate pair, which is no character."),
        ({"title": "\u200b"}, "title must hold a character that is seen."),
        ({"idempotency_key": "k" * 201}, "idempotencyKey must be 1 to 200 characters, not 201."),
        ({"idempotency_key": "\u200b"}, "idempotencyKey holds a character that cannot be printed."),
        ({"url": f"https://example.com/{'a' * 5_000}"}, "media.0.url is longer than 4096 characters."),
        ({"url": "https://exa\u200bmple.com/"}, "media.0.url contains a character that a URL cannot have."),
        ({"file": b""}, "media.0.file is empty: it has no bytes."),
        ({"file": Film(seconds=60.05).data()}, "media.0.file lasts 60.05 seconds; it must be 3 to 60."),
        ({"file": Film(seconds=2.96).data()}, "media.0.file lasts 2.96 seconds; it must be 3 to 60."),
    ],
)
async def test_a_message_tells_the_one_reason(
    inspector: InputValidator, intake: UploadSession, given_: dict[str, Any], told: str
) -> None:
    if "url" in given_:
        given_ = {"media": [MediaInput(url=given_["url"])]}
    elif "file" in given_:
        given_ = {"media": [await sent(intake, given_["file"])]}
    answer = await inspector.create_highlight(create(**given_), ACCOUNTS)
    assert isinstance(answer, tuple)
    assert [problem.message for problem in answer] == [told]


@pytest.mark.parametrize("key", ["k", "k" * 200, "ключ 1"])
async def test_a_key_is_1_to_200_printable_characters(inspector: InputValidator, key: str) -> None:
    assert isinstance(await inspector.create_highlight(create(idempotency_key=key), ACCOUNTS), CreateHighlight)


@pytest.mark.parametrize("key", ["", "k" * 201, "a\nb", "a\0", "\u202e"])
async def test_no_other_key_is_taken(inspector: InputValidator, key: str) -> None:
    assert mistakes(await inspector.create_highlight(create(idempotency_key=key), ACCOUNTS)) == [
        ("idempotencyKey", "INVALID")
    ]


@pytest.mark.parametrize("seconds", [-1, 61])
async def test_nobody_waits_longer_than_a_minute(inspector: InputValidator, seconds: int) -> None:
    assert mistakes(await inspector.create_highlight(create(wait_seconds=seconds), ACCOUNTS)) == [
        ("waitSeconds", "OUT_OF_RANGE")
    ]


async def test_an_upstream_whose_uploads_are_stories_cannot_publish_a_medium_by_its_id(
    spool: Spool, hosts: Hosts
) -> None:
    """A cover needs no publication."""
    inspector = InputValidator(MediaNormalizer(spool), hosts, aiograpi.TRAITS, publishes_uploaded=False)
    answer = await inspector.create_highlight(create(media=[MediaInput(media_id="5")]), ACCOUNTS)
    assert mistakes(answer) == [("media.0.mediaId", "UNSUPPORTED_BY_PLATFORM")]
    stories = create(media=[MediaInput(story_id="5")], cover=CoverInput(media_id="6"))
    assert isinstance(await inspector.create_highlight(stories, ACCOUNTS), CreateHighlight)


async def test_the_same_medium_twice_is_a_mistake_however_it_is_given(
    inspector: InputValidator, intake: UploadSession
) -> None:
    """A file is the same by its content, whatever it is called."""
    media = [
        MediaInput(url=URL + "a.jpg"),
        await sent(intake, png("red")),
        MediaInput(media_id="5"),
        MediaInput(story_id="5"),
    ]
    again = [await sent(intake, png("red")), *(media[at] for at in (0, 2, 3))]
    assert mistakes(await inspector.create_highlight(create(media=media + again), ACCOUNTS)) == [
        (f"media.{at}", "DUPLICATE") for at in range(4, 8)
    ]


async def test_a_cover_is_an_image_of_its_own_or_one_of_the_media(
    inspector: InputValidator, intake: UploadSession
) -> None:
    image, film = await uploaded(intake, png("blue")), await uploaded(intake, Film().data())
    for cover, order in [
        (None, None),
        (CoverInput(index=0), 0),
        (CoverInput(file=image), MediumSpec(file=image.sha256, content_type="image/jpeg")),
        (CoverInput(media_id="5"), MediumSpec(media_id="5")),
    ]:
        answer = await inspector.create_highlight(create(cover=cover), ACCOUNTS)
        assert isinstance(answer, CreateHighlight)
        assert answer.cover == order
    for cover, mistake in [
        (CoverInput(file=film), [("cover", "FORMAT")]),
        (CoverInput(url=URL + "a.mp4"), [("cover", "FORMAT")]),
        (CoverInput(index=-1), [("cover.index", "OUT_OF_RANGE")]),
        (CoverInput(index=1), [("cover.index", "OUT_OF_RANGE")]),
        (CoverInput(), [("cover", "REQUIRED")]),
        (CoverInput(index=0, media_id="5"), [("cover", "REQUIRED")]),
    ]:
        assert mistakes(await inspector.create_highlight(create(cover=cover), ACCOUNTS)) == mistake


async def test_a_file_sent_twice_at_once_is_made_to_fit_once_and_for_all(
    inspector: InputValidator, intake: UploadSession, spool: Spool
) -> None:
    media = [await sent(intake, png("red"))]
    requests = [create(media=media, cover=CoverInput(file=media[0].file)), create(media=media)]
    answers = await asyncio.gather(*(inspector.create_highlight(request, ACCOUNTS) for request in requests * 3))
    assert all(isinstance(answer, CreateHighlight) for answer in answers)
    assert media[0].file is not None
    assert spool.path(media[0].file.sha256).read_bytes().startswith(JPEG)


async def test_a_change_becomes_an_order(inspector: InputValidator) -> None:
    request = update(title="Winter", remove=["3286_787132", "3287"], add=[MediaInput(story_id="9")])
    assert await inspector.update_highlight(request, ("787132",)) == UpdateHighlight(
        account="787132",
        pk="17895485201104054",
        title="Winter",
        add=(MediumSpec(story_id="9"),),
        remove=("3286_787132", "3287"),
    )


async def test_a_change_that_changes_nothing_is_a_mistake(inspector: InputValidator) -> None:
    assert mistakes(await inspector.update_highlight(update(), ("787132",))) == [("title", "REQUIRED")]


async def test_all_that_is_wrong_with_a_change_is_told_at_once(inspector: InputValidator) -> None:
    request = update(
        id="highlight:x", title="", remove=["1", "x"], cover=CoverInput(index=0), wait_seconds=-1, idempotency_key=""
    )
    assert mistakes(await inspector.update_highlight(request, ACCOUNTS)) == [
        ("account", "REQUIRED"),
        ("id", "INVALID"),
        ("title", "REQUIRED"),
        ("idempotencyKey", "INVALID"),
        ("waitSeconds", "OUT_OF_RANGE"),
        ("remove.1", "INVALID"),
        ("cover.index", "OUT_OF_RANGE"),
    ]


async def test_a_deletion_names_its_highlight_and_one_of_the_accounts(inspector: InputValidator) -> None:
    right = DeleteHighlightInput(id="17895485201104054", account=None, idempotency_key=None, wait_seconds=0)
    assert await inspector.delete_highlight(right, ("787132",)) == DeleteHighlight("787132", "17895485201104054")
    wrong = dataclasses.replace(right, id="natgeo", account="1")
    assert mistakes(await inspector.delete_highlight(wrong, ACCOUNTS)) == [
        ("account", "UNKNOWN_ACCOUNT"),
        ("id", "INVALID"),
    ]
    assert mistakes(await inspector.delete_highlight(right, ())) == [("account", "REQUIRED")]


def test_each_kind_of_mistake_is_documented() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/media.md").read_text(), re.MULTILINE)
    assert rows == [mistake.value for mistake in UserErrorCode]
