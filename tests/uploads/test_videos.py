"""Videos are judged by their headers, and no header can make the judge hang or fall over."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.input_errors import UserErrorCode
from gateway.uploads.formats import MediaFormat, Unfit, format_of
from gateway.uploads.videos import LARGEST, Video, check_video, outside
from tests.meta.tree import ROOT
from tests.uploads.films import Film, box

CLIP = ROOT / "gateway/sandbox/media/clip.mp4"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "film"


def checked(file: Path, data: bytes) -> Video:
    file.write_bytes(data)
    return check_video(file)


def refused(file: Path, data: bytes) -> UserErrorCode:
    with pytest.raises(Unfit) as problem:
        checked(file, data)
    return problem.value.mistake


def test_a_real_film_is_read_as_its_maker_says() -> None:
    """By ffprobe."""
    assert check_video(CLIP) == Video(codec=b"avc1", seconds=5.0, width=180, height=320, rate=24.0)


@pytest.mark.parametrize(
    "film",
    [
        Film(),
        Film(codec=b"hvc1"),
        Film(codec=b"hev1", wide=True),
        Film(brand=b"qt  ", moov_first=False),
        Film(turned=True, width=1920, height=1080),
        Film(seconds=3, rate=23),
        Film(seconds=60, rate=60, width=1920),
        Film(rate=23.976),
    ],
)
def test_what_the_contract_takes_is_taken(file: Path, film: Film) -> None:
    video = checked(file, film.data())
    shown = (film.height, film.width) if film.turned else (film.width, film.height)
    assert (video.codec, video.width, video.height) == (film.codec, *shown)
    assert video.seconds == film.seconds
    assert video.rate == pytest.approx(film.rate, abs=0.1)


@pytest.mark.parametrize(
    ("mistake", "film"),
    [
        (UserErrorCode.CODEC, Film(codec=b"vp09")),
        (UserErrorCode.CODEC, Film(codec=b"av01")),
        (UserErrorCode.DURATION, Film(seconds=2.9)),
        (UserErrorCode.DURATION, Film(seconds=60.1)),
        (UserErrorCode.DIMENSIONS, Film(width=1921)),
        (UserErrorCode.DIMENSIONS, Film(turned=True, width=1080, height=1921)),
        (UserErrorCode.DIMENSIONS, Film(width=0)),
        (UserErrorCode.FRAME_RATE, Film(rate=22.9)),
        (UserErrorCode.FRAME_RATE, Film(rate=60.2)),
        (UserErrorCode.FORMAT, Film(handler=b"text")),
        (UserErrorCode.FORMAT, Film(extra=box(b"mvex", box(b"trex", bytes(24))))),
        (UserErrorCode.DAMAGED, Film(seconds=0)),
    ],
)
def test_what_the_contract_refuses_is_refused_by_name(file: Path, mistake: UserErrorCode, film: Film) -> None:
    assert refused(file, film.data()) is mistake


@pytest.mark.parametrize("film", [Film(seconds=60.03), Film(seconds=2.97), Film(seconds=60.04, rate=24)])
def test_a_frame_more_or_less_than_the_limit_is_tolerated(file: Path, film: Film) -> None:
    file.write_bytes(film.data())
    assert check_video(file).seconds == film.seconds


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (60.2, "60.2"),
        (60.05, "60.05"),
        (60.0004, "60.0004"),
        (2.9999, "2.9999"),
        (2.0, "2.0"),
        (60 + 1e-9, repr(60 + 1e-9)),
    ],
)
def test_a_value_beyond_its_limit_is_told_in_digits_that_show_it(value: float, told: str) -> None:
    assert outside(value, 3, 60) == told


def test_a_file_beyond_the_limit_is_refused_unread(file: Path) -> None:
    with file.open("wb") as handle:
        handle.write(Film().data())
        handle.truncate(LARGEST + 1)
    with pytest.raises(Unfit) as problem:
        check_video(file)
    assert problem.value.mistake is UserErrorCode.TOO_LARGE


@pytest.mark.parametrize("moov_first", [True, False])
def test_a_file_that_was_cut_off_is_found_out_wherever_it_was_cut(file: Path, moov_first: bool) -> None:
    whole = Film(moov_first=moov_first).data()
    ends = {len(box(b"ftyp", bytes(12)))}
    for length in range(0, len(whole), 3):
        assert length in ends or refused(file, whole[:length]) is UserErrorCode.DAMAGED


TAILS = {
    "zeros of an editor": bytes(4),
    "a line break": b"\r\n",
    "seven bytes": bytes(range(7)),
    "many zeros": bytes(4_096),
    "text": b"Recorded by a phone, with greetings from its maker",
    "a box that no standard names": struct.pack(">I4s", 900, b"SEFT") + bytes(20),
    "a length that no box has": struct.pack(">I4s", 5, b"zzzz") + bytes(20),
    "half a head": struct.pack(">I4s", 1, b"odd!") + bytes(4),
}


@pytest.mark.parametrize("moov_first", [True, False])
@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_what_follows_a_whole_film_is_passed_over(file: Path, tail: bytes, moov_first: bool) -> None:
    """The players of the field do so as well."""
    assert checked(file, Film(moov_first=moov_first).data() + tail).seconds == 10


@pytest.mark.parametrize("kind", [b"mdat", b"moov", b"free", b"uuid"])
def test_a_box_that_was_cut_off_is_no_such_tail(file: Path, kind: bytes) -> None:
    assert refused(file, Film().data() + struct.pack(">I4s", 900, kind) + bytes(20)) is UserErrorCode.DAMAGED


HEADER = Film().data()
BOMBS = {
    "a length that leads backwards": struct.pack(">I4sQ", 1, b"moov", 0) + bytes(8),
    "a length beyond all files": struct.pack(">I4sQ", 1, b"mdat", 2**63) + HEADER,
    "boxes without end": box(b"free") * 20_000 + HEADER,
    "boxes in a box without end": box(b"moov", box(b"free") * 20_000),
    "boxes of no length": box(b"moov", bytes(4) + b"free" + bytes(100)),
    "a header that is too large": box(b"moov", bytes(9_000_000)),
    "a table that promises too much": HEADER.replace(
        struct.pack(">4s4xI", b"stts", 1), struct.pack(">4s4xI", b"stts", 2**32 - 1)
    ),
    "boxes in boxes in boxes": b"".join(struct.pack(">I4s", 8 * left, b"moov") for left in range(1_000, 0, -1)),
    "time that stands still": HEADER.replace(struct.pack(">II", 600, 6000), struct.pack(">II", 0, 0)),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_malicious_file_is_refused(file: Path, bomb: bytes) -> None:
    assert refused(file, bomb) in (UserErrorCode.DAMAGED, UserErrorCode.FORMAT)


def survives(file: Path, data: bytes) -> None:
    """A verdict, and nothing else, comes of it."""
    try:
        video = checked(file, data)
    except Unfit:
        return
    assert 3 <= video.seconds <= 60


@given(flips=st.lists(st.tuples(st.integers(0, len(HEADER) - 1), st.binary(min_size=1, max_size=8)), max_size=6))
def test_no_change_of_a_header_breaks_the_judge(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, bytes]]
) -> None:
    data = bytearray(HEADER)
    for at, piece in flips:
        data[at : at + len(piece)] = piece
    survives(tmp_path_factory.getbasetemp() / "flipped", bytes(data))


KINDS = st.sampled_from([b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"stts", b"tkhd", b"mdhd", b"hdlr"])
TREES: Any = st.recursive(
    st.binary(max_size=40),
    lambda inner: st.lists(st.builds(box, KINDS, inner), max_size=4).map(b"".join),
    max_leaves=20,
)


@given(tree=TREES, lengths=st.lists(st.integers(0, 2**32 - 1), max_size=3))
def test_no_tree_of_boxes_breaks_the_judge(
    tmp_path_factory: pytest.TempPathFactory, tree: bytes, lengths: list[int]
) -> None:
    lies = b"".join(struct.pack(">I4s", length, b"free") for length in lengths)
    survives(tmp_path_factory.getbasetemp() / "tree", box(b"moov", tree) + lies)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xd8\xff\xe0", MediaFormat.JPEG),
        (b"\x89PNG\r\n\x1a\n", MediaFormat.PNG),
        (b"RIFF\0\0\0\0WEBPVP8 ", MediaFormat.WEBP),
        (b"\0\0\0\x18ftypheic", MediaFormat.HEIC),
        (b"\0\0\0\x18ftypmif1", MediaFormat.HEIC),
        (b"\0\0\0\x18ftypisom", MediaFormat.MP4),
        (b"\0\0\0\x18ftypqt  ", MediaFormat.MOV),
        (b"\0\0\0\x08wide", MediaFormat.MOV),
    ],
)
def test_a_file_is_what_its_first_bytes_say(file: Path, head: bytes, found: MediaFormat) -> None:
    file.write_bytes(head + bytes(40))
    assert format_of(file) is found


@pytest.mark.parametrize(
    "head", [b"", b"GIF89a", b"%PDF-1.7", b"<svg", b"\0\0\0\x18ftypavif", b"RIFF\0\0\0\0WAVE", b"\x1aE\xdf\xa3", b"BM"]
)
def test_what_is_none_of_those_is_refused(file: Path, head: bytes) -> None:
    file.write_bytes(head)
    with pytest.raises(Unfit):
        format_of(file)


def test_films_differ_in_what_they_say(file: Path) -> None:
    """So that the judge is known to look, and not to guess."""
    slow, fast = (checked(file, replace(Film(), rate=rate).data()).rate for rate in (24, 48))
    assert (round(slow), round(fast)) == (24, 48)
