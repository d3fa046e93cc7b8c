"""What commands change in the clients file, and what they leave as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clients import Client, Clients, ClientsFileError
from gateway.clients import editing as edit
from gateway.errors import Unauthenticated
from tests.fakes.clock import EPOCH, ManualClock

A, B, C, D = (letter * 64 for letter in "abcd")
DAY = 86_400.0
FILE = f"""\
# Our clients.

# The web app, by Ann.
[[client]]
name = "web"  # as the ledger shows it
key_sha256 = "{A}"  # since January
rights = ["read"]

# The router
# in front.
[[client]]
keys = [
    {{ sha256 = "{B}" }},  # the first
    # of the second machine
    {{ sha256 = "{C}", expires = 2026-03-13T00:00:00Z }},  # soon gone
]
  name = 'router'
[client.allowance]
day = 5  # little

[[client]]
name = "shop"
keys = [{{ sha256 = "{D}" }}]
# The end.
"""
END = "2026-03-13T08:35:26Z"
Edit = Callable[[Path], object]


@pytest.fixture(params=["\n", "\r\n"], ids=["lf", "crlf"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "clients.toml"
    path.write_bytes(FILE.replace("\n", request.param).encode())
    return path


def text(path: Path) -> str:
    """With one kind of line end, after a look that there is one kind only."""
    found = path.read_bytes().decode()
    assert found.count("\n") == found.count("\r\n") or "\r" not in found
    return found.replace("\r\n", "\n")


def rotate(path: Path, name: str, overlap: float = DAY) -> str:
    return edit.rotate_key(path, name, overlap=overlap, now=EPOCH)


def changes(path: Path) -> tuple[list[str], list[str]]:
    """The lines that are gone, and those that are new, with the digest of a new key as `NEW`."""
    before, after = FILE.splitlines(), text(path).splitlines()
    new = [re.sub(f'"(?!{A}|{B}|{C}|{D})[0-9a-f]{{64}}"', '"NEW"', line) for line in after if line not in before]
    return [line for line in before if line not in after], new


def test_the_one_key_of_before_becomes_the_second_of_a_list(path: Path) -> None:
    rotate(path, "web")
    assert changes(path) == (
        [f'key_sha256 = "{A}"  # since January'],
        [
            '    { sha256 = "NEW", created = 2026-03-12T08:35:26Z },',
            f'    {{ sha256 = "{A}", expires = {END} }},',
            "]  # since January",
        ],
    )
    assert "keys = [\n" in text(path).partition('name = "web"')[2]


def test_a_list_of_keys_gets_another_before_them_and_those_expire_unless_they_do_so_sooner(path: Path) -> None:
    rotate(path, "router")
    assert changes(path) == (
        [f'    {{ sha256 = "{B}" }},  # the first'],
        [
            '    { sha256 = "NEW", created = 2026-03-12T08:35:26Z },',
            f'    {{ sha256 = "{B}", expires = {END} }},  # the first',
        ],
    )


def test_a_list_in_one_line_stays_so(path: Path) -> None:
    rotate(path, "shop")
    new = f'{{ sha256 = "NEW", created = 2026-03-12T08:35:26Z }}, {{ sha256 = "{D}", expires = {END} }}'
    assert changes(path) == ([f'keys = [{{ sha256 = "{D}" }}]'], [f"keys = [{new}]"])


@pytest.mark.parametrize("name", ["web", "router", "shop"])
def test_a_key_is_replaced_without_an_outage(path: Path, name: str) -> None:
    """The client is the same by both keys, and after the overlap by the new one."""
    clock = ManualClock()
    first = rotate(path, name, overlap=10 * DAY)
    clock.advance(2 * DAY)
    second = edit.rotate_key(path, name, overlap=DAY, now=clock.now())
    clients = Clients.load(path, clock)
    assert clients.identify(first).id == clients.identify(second).id == name
    clock.advance(DAY)
    with pytest.raises(Unauthenticated, match="expired"):
        clients.identify(first)
    assert clients.identify(second).id == name


def test_without_an_overlap_the_old_key_is_good_no_more(path: Path) -> None:
    old = rotate(path, "web")
    new = rotate(path, "web", overlap=0)
    clients = Clients.load(path, ManualClock())
    assert clients.identify(new).name == "web"
    with pytest.raises(Unauthenticated, match="expired"):
        clients.identify(old)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("web", ["[[client]]", 'name = "web"  # as the ledger shows it', f'key_sha256 = "{A}"  # since January']),
        ("router", ["  name = 'router'", "[client.allowance]", "day = 5  # little"]),
        ("shop", ['name = "shop"', f'keys = [{{ sha256 = "{D}" }}]']),
    ],
)
def test_a_removed_client_takes_its_own_lines_along_and_no_comment_around_them(
    path: Path, name: str, gone: list[str]
) -> None:
    edit.remove_client(path, name)
    assert name not in {client.name for client in Clients.load(path).everyone}
    for comment in ("# Our clients.", "# The web app, by Ann.", "# The router\n# in front.\n", "# The end."):
        assert comment in text(path)
    assert not {line for line in gone if line != "[[client]]"} & set(text(path).splitlines())
    assert "\n\n\n" not in text(path)


def test_all_clients_can_be_removed(path: Path) -> None:
    for name in ("web", "router", "shop"):
        edit.remove_client(path, name)
    assert list(Clients.load(path).everyone) == []
    assert [line for line in text(path).splitlines() if line and not line.startswith("#")] == []


def test_one_of_several_keys_is_removed(path: Path) -> None:
    edit.remove_key(path, "router", "bbbb")
    assert changes(path) == ([f'    {{ sha256 = "{B}" }},  # the first'], [])
    rotate(path, "shop")
    edit.remove_key(path, "shop", D[:12])
    assert len([client for client in Clients.load(path).everyone if client.name == "shop"]) == 1


@pytest.mark.parametrize(
    ("name", "fingerprint", "message"),
    [
        ("router", "dddd", "router has 0 keys that match dddd: list its keys"),
        ("router", "b", "fingerprint must have at least 4 digits"),
        ("router", B[:13], "has 0 keys"),
        ("shop", "dddd", "shop has no other key: rotate this one, or disable or remove the client"),
        ("nobody", "bbbb", "has no client nobody"),
    ],
)
def test_a_key_that_is_none_or_the_last_is_not_removed(path: Path, name: str, fingerprint: str, message: str) -> None:
    with pytest.raises(ClientsFileError, match=message):
        edit.remove_key(path, name, fingerprint)
    assert text(path) == FILE


def test_a_client_is_disabled_and_enabled_again(path: Path) -> None:
    for name in ("web", "router", "shop"):
        edit.set_disabled(path, name, disabled=True)
    assert changes(path) == ([], ["disabled = true", "  disabled = true", "disabled = true"])
    assert {client.is_disabled for client in Clients.load(path).everyone} == {True}
    edit.set_disabled(path, "web", disabled=False)
    assert [client.name for client in Clients.load(path).everyone if not client.is_disabled] == ["web"]
    before = text(path)
    edit.set_disabled(path, "web", disabled=False)
    assert text(path) == before


def test_a_client_that_never_was_disabled_can_be_enabled(path: Path) -> None:
    edit.set_disabled(path, "web", disabled=False)
    assert text(path) == FILE


def test_a_renamed_client_keeps_its_id(path: Path) -> None:
    edit.rename_client(path, "web", "site")
    assert changes(path) == (
        ['name = "web"  # as the ledger shows it'],
        ['name = "site"  # as the ledger shows it', 'id = "web"'],
    )
    edit.rename_client(path, "site", "www")
    edit.rename_client(path, "router", "door")
    assert [(client.name, client.id) for client in unique(path)] == [
        ("www", "web"),
        ("door", "router"),
        ("shop", "shop"),
    ]
    edit.rename_client(path, "www", "web")
    assert unique(path)[0].name == unique(path)[0].id == "web"


def unique(path: Path) -> list[Client]:
    return list({client.name: client for client in Clients.load(path).everyone}.values())


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("router", "already has a client router"),
        ("web", "web is the id of the client site"),
        ("media-proxy", "must not be media-proxy"),
        ("a b", "must be 1 to 64 of the letters"),
    ],
)
def test_a_name_that_is_taken_is_not_given_again(path: Path, new: str, message: str) -> None:
    edit.rename_client(path, "web", "site")
    before = text(path)
    with pytest.raises(ClientsFileError, match=message):
        edit.rename_client(path, "shop", new)
    with pytest.raises(ClientsFileError, match=message):
        edit.add_key(path, new, allowance={}, ceiling=None, rights=())
    assert text(path) == before


EDITS: list[Edit] = [
    lambda path: rotate(path, "web"),
    lambda path: edit.remove_client(path, "web"),
    lambda path: edit.remove_key(path, "web", "aaaa"),
    lambda path: edit.set_disabled(path, "web", disabled=True),
    lambda path: edit.rename_client(path, "web", "site"),
]


@pytest.mark.parametrize("change", EDITS, ids=["rotate", "remove", "remove key", "disable", "rename"])
@pytest.mark.parametrize(
    "written",
    [
        f'client = [{{ name = "web", keys = [{{ sha256 = "{A}" }}, {{ sha256 = "{B}" }}] }}]\n',
        f'[["client"]]\n"name" = "web"\n"keys" = [{{ "sha256" = "{A}" }}, {{ "sha256" = "{B}" }}]\n',
        f'[[client]]\nname = "web"\nrights = []\n[[client.keys]]\nsha256 = "{A}"\n[[client.keys]]\nsha256 = "{B}"\n',
    ],
    ids=["in line", "quoted", "tables"],
)
def test_what_is_written_in_another_way_is_changed_right_or_not_at_all(
    tmp_path: Path, written: str, change: Edit
) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(written)
    try:
        change(path)
    except ClientsFileError as refusal:
        assert "edit it by hand" in str(refusal)  # noqa: PT017 (some of these succeed)
        assert path.read_text() == written
    else:
        Clients.load(path)


@pytest.mark.parametrize("change", EDITS[:1] + EDITS[3:], ids=["rotate", "disable", "rename"])
def test_comments_that_look_like_entries_are_none(tmp_path: Path, change: Edit) -> None:
    path = tmp_path / "clients.toml"
    comment = f'# name = "web" was\n# {{ sha256 = "{A}" }}\n# [[client]]\n# disabled = true\n'
    path.write_text(f'{comment}[[client]]\n{comment}name = "web"\nkeys = [{{ sha256 = "{B}" }}, ]\n')
    change(path)
    assert path.read_text().count(comment) == 2
    assert list(Clients.load(path).everyone)


def test_a_file_that_somebody_else_changes_meanwhile_is_left_to_him(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = [FILE, FILE + "# changed"]
    path.write_text(FILE)
    monkeypatch.setattr("gateway.clients.editing.read", lambda path: reads[0])
    monkeypatch.setattr("gateway.clients.writing.read", lambda path: reads[1])
    with pytest.raises(ClientsFileError, match="was changed by another process: try again"):
        rotate(path, "web")
    assert path.read_text() == FILE
    assert list(path.parent.iterdir()) == [path]
