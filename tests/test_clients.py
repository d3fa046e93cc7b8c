"""Who may ask: the clients file, its keys, and what is said of a broken one."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clients import Client, Clients, ClientsFileError, Right
from gateway.clients.editing import add_key
from gateway.domain.window import Window
from gateway.errors import Unauthenticated

DIGEST = "5" * 64
OTHER = "6" * 64
VALID = f'[[client]]\nname = "web"\nkey_sha256 = "{DIGEST}"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clients.toml"


def add(path: Path, name: str) -> str:
    return add_key(path, name, allowance={}, ceiling=None, rights={Right.READ})


def test_an_added_key_identifies_its_client(path: Path) -> None:
    limits = {Window.MINUTE: 10, Window.MONTH: 5000}
    web = add_key(path, "web", allowance=limits, ceiling=50, rights={Right.READ, Right.FORCE})
    router = add(path, "router")
    clients = Clients.load(path)
    client = clients.identify(web)
    assert (client.name, client.ceiling, client.allowance) == ("web", 50, limits)
    assert client.rights == {Right.READ, Right.FORCE}
    client = clients.identify(router)
    assert (client.name, client.ceiling, client.allowance) == ("router", None, {})
    assert client.rights == {Right.READ}


@given(
    name=st.from_regex(r"\A[A-Za-z0-9._-]{1,64}\Z"),
    limits=st.dictionaries(st.sampled_from(Window), st.integers(0, 10**12)),
    ceiling=st.none() | st.integers(0, 10**12),
    rights=st.frozensets(st.sampled_from(Right)),
    accounts=st.none() | st.frozensets(st.integers(1, 10**20 - 1).map(str)),
    weight=st.floats(0.01, 100) | st.integers(1, 100).map(float),
)
def test_what_is_added_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    limits: dict[Window, int],
    ceiling: int | None,
    rights: frozenset[Right],
    accounts: frozenset[str] | None,
    weight: float,
) -> None:
    path = tmp_path_factory.mktemp("clients") / "clients.toml"
    key = add_key(path, name, allowance=limits, ceiling=ceiling, rights=rights, accounts=accounts, weight=weight)
    client = Clients.load(path).identify(key)
    assert (client.name, client.allowance, client.ceiling, client.rights) == (name, limits, ceiling, rights)
    assert (client.accounts, client.weight) == (accounts, weight)


def test_keys_are_long_random_and_kept_nowhere(path: Path) -> None:
    keys = {add(path, f"client-{number}") for number in range(5)}
    text = path.read_text()
    for key in keys:
        assert key.startswith("hg_")
        assert len(key) == 3 + 43  # 32 bytes as base64url
        assert key not in text
        assert hashlib.sha256(key.encode()).hexdigest() in text
    assert len(keys) == 5
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("before", ["", "# ours\n", "# no newline at the end", VALID, VALID.replace("\n", "\r\n")])
def test_the_rest_of_the_file_stays_as_it_is(path: Path, before: str) -> None:
    path.write_bytes(before.encode())
    path.chmod(0o644)
    key = add(path, "router")
    assert path.read_bytes().startswith(before.encode())
    assert Clients.load(path).identify(key).name == "router"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_linked_file_is_changed_where_it_is(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.toml"
    target.write_text(VALID)
    path.symlink_to(target)
    key = add(path, "router")
    assert path.is_symlink()
    assert Clients.load(target).identify(key).name == "router"


@pytest.mark.parametrize("name", ["web", "", "a b", 'x"\nrights = ["write"]\ny = "', "a" * 65, "a\n"])
def test_a_name_that_is_taken_or_not_accepted_changes_nothing(path: Path, name: str) -> None:
    path.write_text(VALID)
    with pytest.raises(ClientsFileError, match=r"already has a client web|name must be 1 to 64"):
        add(path, name)
    assert path.read_text() == VALID


def test_a_byte_order_mark_is_passed_over(path: Path) -> None:
    path.write_text("\ufeff" + VALID, "utf-8")
    key = add(path, "other")
    assert Clients.load(path).identify(key).name == "other"


def test_limits_below_nothing_are_refused(path: Path) -> None:
    with pytest.raises(ClientsFileError, match="ceiling: must be a whole number"):
        add_key(path, "web", allowance={}, ceiling=-1, rights=())
    with pytest.raises(ClientsFileError, match="allowance: must be a table"):
        add_key(path, "web", allowance={Window.DAY: -1}, ceiling=None, rights=())
    with pytest.raises(ClientsFileError, match=r"weight: must be a number from 0\.01 to 100; left out: 1"):
        add_key(path, "web", allowance={}, ceiling=None, rights=(), weight=0.001)
    assert not path.exists()


def test_a_broken_file_is_not_added_to(path: Path) -> None:
    path.write_text("[[client]")
    with pytest.raises(ClientsFileError, match="is not TOML"):
        add(path, "web")
    assert path.read_text() == "[[client]"


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(ClientsFileError, match="cannot be written"):
        add(tmp_path / "nowhere" / "clients.toml", "web")


@pytest.mark.parametrize("key", [None, "", "hg_", "hg_wrong", DIGEST, "schlüssel", "\ud800", "\0", "x" * 100_000])
def test_without_a_known_key_nobody_is_identified(path: Path, key: str | None) -> None:
    add(path, "web")
    with pytest.raises(Unauthenticated) as refusal:
        Clients.load(path).identify(key)
    assert "wrong" not in str(refusal.value)
    assert refusal.value.extensions == {"code": "UNAUTHENTICATED"}


def test_the_local_client_may_do_everything_but_force_and_erase_without_a_key() -> None:
    """To skip the upstream's privacy check is to be chosen."""
    clients = Clients.local()
    for key in (None, "hg_any"):
        client = clients.identify(key)
        assert (client.name, client.rights) == ("local", frozenset(Right) - {Right.FORCE, Right.ERASE})
        assert (client.ceiling, client.allowance) == (None, {})
    clients.reload()
    assert clients.identify(None).name == "local"


def test_a_reload_takes_new_clients_and_drops_old_ones(path: Path) -> None:
    web = add(path, "web")
    clients = Clients.load(path)
    path.unlink()
    router = add(path, "router")
    with pytest.raises(Unauthenticated):
        clients.identify(router)
    clients.reload()
    assert clients.identify(router).name == "router"
    with pytest.raises(Unauthenticated):
        clients.identify(web)


def test_a_broken_file_on_reload_keeps_the_clients_there_were(path: Path) -> None:
    key = add(path, "web")
    clients = Clients.load(path)
    path.write_text(path.read_text() + "\nceiling = 'many'\n")
    with pytest.raises(ClientsFileError, match="ceiling"):
        clients.reload()
    assert clients.identify(key).name == "web"
    path.unlink()
    with pytest.raises(ClientsFileError, match="does not exist: `highlights-gateway keys add NAME` makes it"):
        clients.reload()
    assert clients.identify(key).name == "web"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[client]\n", "is not TOML: .* line 1, column"),
        ('[client]\nname = "web"', r": client: must be one `\[\[client\]\]` table per client\."),
        ("client = [1]", r", client 1: client: must be one `\[\[client\]\]` table per client\."),
        ("clients = []", ": clients: no such field; known: client"),
        ('[[client]]\nname = "web"', r", client 1 \(line 1\): keys: missing; must be .* 64 .*`.* keys add NAME`"),
        (
            VALID + f'\n# next\n[[client]]\nname = "a b"\nkey_sha256 = "{OTHER}"',
            r", client 2 \(line 6\): name: must be 1 to 64",
        ),
        (f'[[client]]\nkey_sha256 = "{DIGEST}"', "name: missing; must be 1 to 64"),
        ('[[client]]\nname = "web"\nkey_sha256 = "hg_secret"', "key_sha256: must be 64 lower-case hex digits"),
        (
            VALID + 'key = "hg_secret"',
            "key: no such field; known: name, id, key_sha256, keys, disabled, rights, ceiling, allowance",
        ),
        (
            VALID + 'rights = ["hg_secret"]',
            "rights: must be a list of read, write, interact, force, balance, introspect, operate",
        ),
        (VALID + 'rights = "read"', "rights: must be a list of"),
        (VALID + "ceiling = true", "ceiling: must be a whole number of billed requests, 0 or more"),
        (VALID + "ceiling = 1.5", "ceiling: must be a whole number"),
        *(
            (VALID + f"weight = {value}", "weight: must be a number from 0.01 to 100")
            for value in ("0", "-1", "nan", "inf", "100.5", "true", '"2"')
        ),
        (VALID + "allowance = 5", "allowance: must be a table like"),
        (VALID + "allowance = { week = 5 }", "allowance: .*its windows are minute, hour, day, month"),
        (VALID + 'allowance = { day = "hg_secret" }', "allowance: .*of whole numbers, 0 or more"),
        (VALID + VALID.replace(DIGEST, OTHER), "name: must differ, but is the same for the clients web, web"),
        (
            VALID + VALID.replace("web", "router"),
            "sha256 of a key: must differ, but is the same for the clients web, router",
        ),
    ],
)
def test_a_broken_file_is_told_by_place_field_and_accepted_form(path: Path, text: str, message: str) -> None:
    """Never by value: somebody may have written the key itself where its digest belongs."""
    path.write_text(text)
    with pytest.raises(ClientsFileError, match=message) as error:
        Clients.load(path)
    assert str(error.value).startswith(str(path))
    assert "secret" not in str(error.value)


def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ClientsFileError, match=r"cannot be read \(Is a directory\)"):
        Clients.load(path)
    path.rmdir()
    path.write_bytes(b"\xff")
    with pytest.raises(ClientsFileError, match="is not UTF-8"):
        Clients.load(path)


def test_a_client_shows_nothing_of_its_key(path: Path) -> None:
    key = add(path, "web")
    client = Clients.load(path).identify(key)
    assert client.key is not None
    assert repr(client.key.digest) not in repr(client)
    assert hash(client) == hash(Clients.load(path).identify(key))


def client_with(path: Path, rights: str, accounts: str) -> Client:
    digest = hashlib.sha256(b"secret").hexdigest()
    path.write_text(f'[[client]]\nname = "web"\nkey_sha256 = "{digest}"\nrights = {rights}\n{accounts}')
    return Clients.load(path).identify("secret")


def test_a_client_that_names_no_accounts_may_publish_for_all(path: Path) -> None:
    assert client_with(path, '["write"]', "").may(Right.WRITE, "787132")


def test_a_client_may_publish_for_its_accounts_alone(path: Path) -> None:
    client = client_with(path, '["write"]', 'accounts = ["787132"]')
    assert client.may(Right.WRITE, "787132")
    assert not client.may(Right.WRITE, "1")


def test_without_the_right_to_write_no_account_helps(path: Path) -> None:
    assert not client_with(path, '["read"]', 'accounts = ["787132"]').may(Right.WRITE, "787132")


@pytest.mark.parametrize("account", ["natgeo", "", "0", "1\n", '1"]\nrights = ["force"]\nceiling = ["', "1" * 21])
def test_an_account_that_is_no_id_is_not_added(path: Path, account: str) -> None:
    with pytest.raises(ClientsFileError, match="An account must be a numeric id"):
        add_key(path, "web", allowance={}, ceiling=None, rights={Right.WRITE}, accounts=["787132", account])
    assert not path.exists()


@pytest.mark.parametrize("accounts", ["787132", "[787132]", '["natgeo"]', '["0"]'])
def test_accounts_are_named_by_their_ids(path: Path, accounts: str) -> None:
    with pytest.raises(ClientsFileError, match="accounts: must be a list of account ids"):
        client_with(path, '["write"]', f"accounts = {accounts}")
