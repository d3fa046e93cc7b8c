"""A client's several keys: which are good, what is said of the others, and when they were used."""

from __future__ import annotations

import contextlib
import hashlib
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.clients import Clients, ClientsFileError
from gateway.clients.usage import Uses, UsesUnreadable
from gateway.errors import Unauthenticated
from tests.fakes.clock import EPOCH, ManualClock

DIGEST = "5" * 64
OTHER = "6" * 64
VALID = f'[[client]]\nname = "web"\nkey_sha256 = "{DIGEST}"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clients.toml"


KEYS = [f"key-{number}" for number in range(3)]


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def rotated(path: Path, clock: ManualClock, *entries: str) -> Clients:
    """The client `web`: its first key is good, the second expires after an hour, the third has expired."""
    times = [EPOCH + seconds for seconds in (3_600, -1)]
    expiries = ["", *(f", expires = {datetime.fromtimestamp(time, UTC).isoformat()}" for time in times)]
    keys = [f'{{ sha256 = "{digest(key)}"{expires} }}' for key, expires in zip(KEYS, expiries, strict=True)]
    path.write_text("\n".join(['[[client]]\nname = "web"', f"keys = [{', '.join(keys)}]", *entries]))
    return Clients.load(path, clock)


def test_each_of_a_clients_keys_is_the_clients_until_it_expires(path: Path) -> None:
    clock = ManualClock()
    clients = rotated(path, clock)
    assert [clients.identify(key).name for key in KEYS[:2]] == ["web", "web"]
    clock.advance(3_599)
    clients.identify(KEYS[1])
    clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired at 2026-03-12T09:35:26"):
        clients.identify(KEYS[1])
    assert clients.identify(KEYS[0]).name == "web"


def test_who_shows_an_expired_key_is_told_that_it_expired(path: Path) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        rotated(path, ManualClock()).identify(KEYS[2])
    assert refusal.value.extensions == {"code": "UNAUTHENTICATED", "expiredAt": "2026-03-12T08:35:25+00:00"}


def test_who_shows_a_disabled_clients_key_is_told_so(path: Path) -> None:
    with pytest.raises(Unauthenticated, match="This client is disabled"):
        rotated(path, ManualClock(), "disabled = true").identify(KEYS[0])


@pytest.mark.parametrize("key", [*KEYS, "unknown", "x" * 1_000])
def test_to_identify_takes_as_long_whichever_key_it_is(path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys are compared, the good ones and the others, each in constant time."""
    clients = rotated(path, ManualClock(), f'[[client]]\nname = "shop"\nkey_sha256 = "{OTHER}"')
    compared: list[bytes] = []

    def compare(known: bytes, shown: bytes) -> bool:
        compared.append(known)
        return known == shown

    monkeypatch.setattr("gateway.clients.table.hmac.compare_digest", compare)
    with contextlib.suppress(Unauthenticated):
        clients.identify(key)
    assert compared == [*(bytes.fromhex(digest(one)) for one in KEYS), bytes.fromhex(OTHER)]


def test_what_a_client_began_is_confirmed_as_long_as_its_key_is_good(path: Path) -> None:
    clock = ManualClock()
    clients = rotated(path, clock)
    kept, expiring = clients.identify(KEYS[0]), clients.identify(KEYS[1])
    assert clients.confirm(expiring) == expiring
    clock.advance(3_600)
    with pytest.raises(Unauthenticated, match="expired"):
        clients.confirm(expiring)
    path.write_text(path.read_text().replace(digest(KEYS[0]), OTHER))
    assert clients.confirm(kept) == kept
    clients.reload()
    with pytest.raises(Unauthenticated, match="was revoked"):
        clients.confirm(kept)


def test_the_version_changes_with_each_reading_and_each_expiry(path: Path) -> None:
    """What is answered without asking anew who asks, asks for it."""
    clock = ManualClock()
    clients = rotated(path, clock)
    versions = [clients.version]
    clock.advance(3_600)
    versions.append(clients.version)
    clients.reload()
    versions.append(clients.version)
    assert len(set(versions)) == 3
    clock.advance(10**6)
    assert clients.version == versions[-1]


def test_a_client_without_an_id_has_its_name_for_one(path: Path) -> None:
    path.write_text(VALID + VALID.replace("web", "shop").replace(DIGEST, OTHER) + 'id = "before"')
    assert [(client.name, client.id) for client in Clients.load(path).everyone] == [("web", "web"), ("shop", "before")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "web"\nkeys = []', "keys: must be a list of tables"),
        ('name = "web"\nkeys = ["hg_secret"]', "keys: must be a list of tables"),
        ('name = "web"\nkeys = [{ expires = 2026-12-01T00:00:00Z }]', "keys: must be a list of tables"),
        (
            f'name = "web"\nkeys = [{{ sha256 = "{DIGEST}", key = "hg_secret" }}]',
            "keys: key: no such field; known: sha",
        ),
        (f'name = "web"\nkeys = [{{ sha256 = "{DIGEST}", expires = 2026-12-01T00:00:00 }}]', "keys: must be a list"),
        (f'name = "web"\nkeys = [{{ sha256 = "{DIGEST}", expires = "soon" }}]', "keys: must be a list of tables"),
        (f'name = "web"\nkey_sha256 = "{OTHER}"\nkeys = [{{ sha256 = "{DIGEST}" }}]', "key_sha256: must be left out"),
        (
            f'name = "web"\nkeys = [{{ sha256 = "{DIGEST}" }}, {{ sha256 = "{DIGEST}" }}]',
            "sha256 of a key: must differ",
        ),
        (f'name = "media-proxy"\nkey_sha256 = "{DIGEST}"', "name: must not be media-proxy"),
        (f'name = "web"\nid = "media-proxy"\nkey_sha256 = "{DIGEST}"', "name: must not be media-proxy"),
        (f'name = "web"\nid = "a b"\nkey_sha256 = "{DIGEST}"', "id: must be as a name"),
        (f'name = "web"\ndisabled = 1\nkey_sha256 = "{DIGEST}"', "disabled: must be true or false"),
        (
            f'name = "web"\nid = "shop"\nkey_sha256 = "{DIGEST}"\n[[client]]\nname = "shop"\nkey_sha256 = "{OTHER}"',
            "id: must differ, but is the same for the clients web, shop",
        ),
        (
            f'name = "a"\nid = "b"\nkey_sha256 = "{DIGEST}"\n[[client]]\nname = "b"\nid = "c"\nkey_sha256 = "{OTHER}"',
            "id: must differ",
        ),
    ],
)
def test_keys_and_ids_that_cannot_be_are_told(path: Path, text: str, message: str) -> None:
    path.write_text(f"[[client]]\n{text}\n")
    with pytest.raises(ClientsFileError, match=message) as error:
        Clients.load(path)
    assert "secret" not in str(error.value)


def test_each_use_of_a_key_is_noted_once_and_taken(path: Path) -> None:
    clock = ManualClock()
    clients = rotated(path, clock)
    clients.identify(KEYS[0])
    clock.advance(5)
    clients.note_use(clients.identify(KEYS[0]))
    with pytest.raises(Unauthenticated):
        clients.identify(KEYS[2])
    assert clients.take_uses() == {digest(KEYS[0])[:12]: EPOCH + 5}
    assert clients.take_uses() == {}


def test_uses_are_kept_as_the_latest_that_any_process_knows(tmp_path: Path) -> None:
    uses = Uses(tmp_path)
    assert uses.read() == {}
    uses.note({"a": 2.0, "b": 1.0})
    Uses(tmp_path).note({"a": 1.0, "b": 3.0})
    assert uses.read() == {"a": 2.0, "b": 3.0}
    assert stat.S_IMODE((tmp_path / "keys.sqlite3").stat().st_mode) == 0o600


def test_uses_that_cannot_be_written_or_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsesUnreadable, match="cannot be made"):
        Uses(tmp_path / "nowhere").note({"a": 1.0})
    (tmp_path / "keys.sqlite3").write_text("no database, though it is longer than the head of one")
    for use in (Uses(tmp_path).read, lambda: Uses(tmp_path).note({"a": 1.0})):
        with pytest.raises(UsesUnreadable, match="cannot be used"):
            use()
