from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import Settings, SettingsError

KEYED = {"GATEWAY_HIKERAPI_KEY": "k-123"}  # pragma: allowlist secret


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.read(environ)
    return caught.value.problems


def test_nothing_set_means_the_sandbox_and_the_defaults() -> None:
    settings = Settings.read({"PATH": "/bin", "HOME": "/"})
    assert settings == Settings()
    assert settings.sandboxed
    assert settings.cache_bytes == 256 * 2**20
    assert (settings.ttl_tray, settings.ttl_highlight, settings.ttl_profile) == (600, 3600, 3600)
    assert (settings.ttl_username, settings.ttl_missing) == (86400, 120)
    assert (settings.stale_limit, settings.url_margin) == (3600, 300)


def test_a_key_leaves_the_sandbox_for_the_real_api() -> None:
    settings = Settings.read(KEYED)
    assert not settings.sandboxed
    assert settings.hikerapi_url == "https://api.hikerapi.com"


def test_a_url_without_a_key_is_refused() -> None:
    """It would be ignored: without a key the sandbox answers."""
    (problem,) = problems({"GATEWAY_HIKERAPI_URL": "http://127.0.0.1:8080"})
    assert "GATEWAY_HIKERAPI_KEY" in problem


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("GATEWAY_PLATFORM_URL", "http://127.0.0.1:8080", "GATEWAY_PLATFORM_TOKEN"),
        ("GATEWAY_PLATFORM_TOKEN", "t-123", "GATEWAY_PLATFORM_URL"),
        ("GATEWAY_PLATFORM_APP_SECRET", "s-123", "GATEWAY_PLATFORM_VERIFY_TOKEN"),
        ("GATEWAY_PLATFORM_VERIFY_TOKEN", "v-123", "GATEWAY_PLATFORM_APP_SECRET"),
    ],
)
def test_half_of_what_publishing_needs_is_refused(name: str, value: str, needed: str) -> None:
    """It would be a gateway that looks set up, and publishes nowhere or hears nothing."""
    (problem,) = problems({name: value})
    assert problem.startswith((f"{name} needs {needed}: ", f"{name} needs {needed} or "))
    assert value not in problem
    assert problems({name: value, needed: " "}) == (problem,)


def test_accounts_are_connected_with_an_app_and_without_a_token() -> None:
    given = {
        "GATEWAY_PLATFORM_URL": "https://platform.example.com",
        "GATEWAY_PLATFORM_APP_ID": "app",
        "GATEWAY_PLATFORM_APP_SECRET": "s-123",  # pragma: allowlist secret
        "GATEWAY_PLATFORM_VERIFY_TOKEN": "v-123",
        "GATEWAY_PUBLIC_URL": "https://gateway.example.com",
    }
    assert Settings.read(given).platform_token is None
    for needed in ("GATEWAY_PLATFORM_URL", "GATEWAY_PLATFORM_APP_SECRET", "GATEWAY_PUBLIC_URL"):
        assert any(problem.startswith("GATEWAY_PLATFORM_APP_ID needs") for problem in problems(given | {needed: ""}))


def test_publishing_is_set_up_by_url_token_and_dialect() -> None:
    settings = Settings.read(
        {
            "GATEWAY_PLATFORM_URL": "https://platform.example.com/",
            "GATEWAY_PLATFORM_TOKEN": "t-123",
            "GATEWAY_PLATFORM_DIALECT": "aiograpi",
        }
    )
    assert settings.platform_url == "https://platform.example.com"
    assert (settings.platform_token, settings.platform_dialect) == ("t-123", "aiograpi")
    assert "t-123" not in repr(settings)
    assert Settings().platform_dialect == "platform"


def test_trusted_proxies_are_addresses_and_networks() -> None:
    settings = Settings.read({"GATEWAY_TRUSTED_PROXIES": "127.0.0.1 10.0.0.0/8 fd00::/64"})
    expected = {ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("fd00::/64")}
    assert set(settings.trusted_proxies or ()) == expected


@pytest.mark.parametrize(
    "text", ["*", "0.0.0.0/0", "::/0", "10.0.0.1/8", "proxy", "10.0.0.0/33", "127.0.0.1,::1", "::ffff:10.0.0.0/104"]
)
def test_what_would_trust_everybody_or_nobody_is_refused(text: str) -> None:
    (problem,) = problems({"GATEWAY_TRUSTED_PROXIES": text})
    assert problem.startswith("GATEWAY_TRUSTED_PROXIES must be addresses or networks, separated by spaces")


def test_an_empty_value_counts_as_not_set() -> None:
    """Compose files pass a variable that is not set as an empty one."""
    assert Settings.read({"GATEWAY_HIKERAPI_KEY": "", "GATEWAY_TTL_TRAY": " "}) == Settings()


def test_values_are_read_in_their_accepted_forms() -> None:
    settings = Settings.read(
        KEYED
        | {
            "GATEWAY_HIKERAPI_URL": "http://127.0.0.1:8080/",
            "GATEWAY_HIKERAPI_RATE": "7.5",
            "GATEWAY_CACHE_BYTES": "1GiB",
            "GATEWAY_TTL_MISSING": "0",
            "GATEWAY_LOG_LEVEL": "WARNING",
        }
    )
    assert settings.hikerapi_url == "http://127.0.0.1:8080"
    assert settings.hikerapi_rate == 7.5
    assert settings.cache_bytes == 2**30
    assert settings.ttl_missing == 0
    assert settings.log_level == "warning"


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "data/gateway.sqlite3"),
        ({"GATEWAY_DATA_DIR": "kept"}, "kept/gateway.sqlite3"),
        ({"GATEWAY_DATABASE_URL": "sqlite:///spent.db", "GATEWAY_DATA_DIR": "kept"}, "spent.db"),
        ({"GATEWAY_DATABASE_URL": "sqlite:////var/spent.db"}, "/var/spent.db"),
    ],
)
def test_the_database_is_in_the_data_directory_unless_named(environ: dict[str, str], path: str) -> None:
    assert Settings.read(environ).database_path == Path(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_HIKERAPI_URL", "ftp://example.org"),
        ("GATEWAY_HIKERAPI_URL", "https://user:pass@example.org"),  # pragma: allowlist secret
        ("GATEWAY_HIKERAPI_URL", "https://example.org/?key=1"),
        ("GATEWAY_HIKERAPI_URL", "api.hikerapi.com"),
        ("GATEWAY_HIKERAPI_URL", "http://[::1"),
        ("GATEWAY_HIKERAPI_KEY", "two words"),
        ("GATEWAY_HIKERAPI_KEY", "line\nbreak"),
        ("GATEWAY_HIKERAPI_RATE", "0"),
        ("GATEWAY_HIKERAPI_RATE", "nan"),
        ("GATEWAY_HIKERAPI_RATE", "inf"),
        ("GATEWAY_HIKERAPI_RATE", "fast"),
        ("GATEWAY_DATABASE_URL", "mysql://localhost/gateway"),
        ("GATEWAY_DATABASE_URL", "sqlite:///"),
        ("GATEWAY_REDIS_URL", "redis://127.0.0.1:6379/0?decode_responses=true"),
        ("GATEWAY_REDIS_URL", "redis://127.0.0.1:6379/0?sockettimeout=1"),
        ("GATEWAY_REDIS_URL", "redis://127.0.0.1:6379?db=one"),
        ("GATEWAY_REDIS_URL", "redis://127.0.0.1:6379/0?ssl_ca_certs=/ca.pem"),
        ("GATEWAY_REDIS_URL", "unix:///run/redis.sock?ssl_cert_reqs=none"),
        ("GATEWAY_CACHE_BYTES", "1 KiB"),
        ("GATEWAY_CACHE_BYTES", "256 MB"),
        ("GATEWAY_CACHE_BYTES", "-1"),
        ("GATEWAY_TTL_TRAY", "ten"),
        ("GATEWAY_TTL_TRAY", "-1"),
        ("GATEWAY_TTL_TRAY", "1.5"),
        ("GATEWAY_TTL_TRAY", "31536001"),
        ("GATEWAY_TTL_TRAY", "\u0661"),
        ("GATEWAY_LOG_LEVEL", "loud"),
        ("GATEWAY_PLATFORM_DIALECT", "Platform"),
    ],
)
def test_a_bad_value_names_the_variable_and_the_accepted_form_but_not_itself(name: str, value: str) -> None:
    """The value is left out because it may be a key in the wrong place."""
    (problem,) = problems(KEYED | {name: value})
    accepted = {row.name: row.form.accepts for row in Settings.table()}[name]
    assert problem == f"{name} must be {accepted}."


@pytest.mark.parametrize(
    "url",
    [
        "redis://gateway:p-123@127.0.0.1:6379/1",  # pragma: allowlist secret
        "redis://127.0.0.1?db=1",
        "rediss://redis.test:6380/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required",
        "unix:///run/redis.sock?db=1&password=p-123",  # pragma: allowlist secret
    ],
)
def test_a_redis_may_need_options(url: str) -> None:
    assert Settings.read({"GATEWAY_REDIS_URL": url}).redis_url == url


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    """With the line break that an editor leaves at its end."""
    for name, text in (("key", "k-123\n"), ("url", "postgresql://gateway:p-123@db/flows")):  # pragma: allowlist secret
        (tmp_path / name).write_text(text)
    settings = Settings.read(
        {"GATEWAY_HIKERAPI_KEY_FILE": str(tmp_path / "key"), "GATEWAY_DATABASE_URL_FILE": str(tmp_path / "url")}
    )
    assert settings.hikerapi_key == "k-123"  # pragma: allowlist secret
    assert settings.flows_url == "postgresql+psycopg://gateway:p-123@db/flows"  # pragma: allowlist secret


def test_a_file_gives_what_another_setting_needs(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t-123")
    settings = Settings.read(
        {"GATEWAY_PLATFORM_URL": "http://127.0.0.1:1", "GATEWAY_PLATFORM_TOKEN_FILE": str(tmp_path / "token")}
    )
    assert settings.platform_token == "t-123"
    (problem,) = problems({"GATEWAY_PLATFORM_TOKEN_FILE": str(tmp_path / "token")})
    assert problem.startswith("GATEWAY_PLATFORM_TOKEN needs GATEWAY_PLATFORM_URL: ")


@pytest.mark.parametrize(
    "url",
    [
        "awskms:alias/highlights-gateway",
        "awskms:arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "transit+https://vault.example.com:8200/transit/gateway",
        "transit+http://127.0.0.1:8200/mounted/deep/gateway",
    ],
)
def test_the_key_of_the_vault_may_be_in_a_service(url: str) -> None:
    assert Settings.read({"GATEWAY_VAULT_KEY_URL": url}).vault_key_url == url


@pytest.mark.parametrize(
    "url",
    ["alias/gateway", "awskms:", "awskms:a key", "transit+https://vault.example.com/gateway", "transit+ftp://a/b/c"],
)
def test_another_url_of_a_key_is_refused(url: str) -> None:
    (problem,) = problems({"GATEWAY_VAULT_KEY_URL": url})
    assert problem.startswith(
        "GATEWAY_VAULT_KEY_URL must be awskms: and the id, ARN or alias of a key, or transit+https://"
    )


def test_each_secret_and_nothing_else_may_be_in_a_file() -> None:
    in_files = {row.name for row in Settings.table() if len(row.names) > 1}
    assert in_files == {
        *("GATEWAY_HIKERAPI_KEY", "GATEWAY_PLATFORM_TOKEN", "GATEWAY_PLATFORM_APP_SECRET", "GATEWAY_FLOWS_KEY"),
        "GATEWAY_AUDIT_KEY",
        *("GATEWAY_PLATFORM_VERIFY_TOKEN", "GATEWAY_CURSOR_SECRET", "GATEWAY_MEDIA_SECRET", "GATEWAY_DATABASE_URL"),
        *("GATEWAY_REDIS_URL", "GATEWAY_CACHE_KEY", "GATEWAY_VAULT_KEY", "GATEWAY_PLATFORM_APP_ID"),
        "GATEWAY_VAULT_KEY_TOKEN",
        *("GATEWAY_STORAGE_KEY_ID", "GATEWAY_STORAGE_SECRET"),
    }
    assert problems({"GATEWAY_TTL_TRAY_FILE": "/ttl"}) == (
        "GATEWAY_TTL_TRAY_FILE is not a setting. The nearest one is GATEWAY_TTL_TRAY.",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "must name a file that can be read: no such file or directory."),
        (b"", "must name a file with a value of at most 64 KiB."),
        (b" \n", "must name a file with a value of at most 64 KiB."),
        (b"x" * 65_537, "must name a file with a value of at most 64 KiB."),
        (b"\xff\xfe", "must name a file of UTF-8 text."),
    ],
)
def test_a_file_without_a_value_is_refused(content: bytes | None, said: str, tmp_path: Path) -> None:
    """Once: what needs it is not reported as missing, too."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    given = {"GATEWAY_HIKERAPI_URL": "http://127.0.0.1:1", "GATEWAY_HIKERAPI_KEY_FILE": str(file)}
    assert problems(given) == (f"GATEWAY_HIKERAPI_KEY_FILE {said}",)


def test_a_bad_value_in_a_file_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("two words")
    (problem,) = problems({"GATEWAY_HIKERAPI_KEY_FILE": str(tmp_path / "key")})
    assert problem.startswith("GATEWAY_HIKERAPI_KEY must be a key of ")


def test_a_secret_that_is_given_twice_is_refused() -> None:
    """One of them is out of date, and nobody could say which is used."""
    assert problems(KEYED | {"GATEWAY_HIKERAPI_KEY_FILE": "/key"}) == (
        "GATEWAY_HIKERAPI_KEY and GATEWAY_HIKERAPI_KEY_FILE are both set: remove one of them.",
    )
    assert Settings.read(KEYED | {"GATEWAY_HIKERAPI_KEY_FILE": " "}).hikerapi_key == "k-123"  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("GATEWAY_HIKERAPI_KYE", "GATEWAY_HIKERAPI_KEY"),
        ("GATEWAY_HIKER_API_KEY", "GATEWAY_HIKERAPI_KEY"),
        ("GATEWAY_TTL_TRAYS", "GATEWAY_TTL_TRAY"),
        ("GATEWAY_CACHE_BYTE", "GATEWAY_CACHE_BYTES"),
        ("GATEWAY_LOGLEVEL", "GATEWAY_LOG_LEVEL"),
        ("gateway_data_dir", "GATEWAY_DATA_DIR"),
    ],
)
def test_a_mistyped_name_is_refused_with_the_nearest_right_one(wrong: str, right: str) -> None:
    assert problems({wrong: "1"}) == (f"{wrong} is not a setting. The nearest one is {right}.",)


@given(st.text(st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=1))
def test_no_name_under_the_prefix_is_ignored(rest: str) -> None:
    name = f"GATEWAY_X{rest}"
    (problem,) = problems({name: "1"})
    assert problem.startswith(f"{name} is not a setting. The nearest one is GATEWAY_")


def test_all_problems_are_told_at_once() -> None:
    found = problems({"GATEWAY_TTL_TRAY": "x", "GATEWAY_LOG_LEVEL": "x", "GATEWAY_REDIS_URL": "x", "GATEWAY_TTL": "x"})
    assert len(found) == 4


def test_no_secret_shows_in_the_settings_or_their_errors() -> None:
    secret = "s3cr3t-" * 100  # pragma: allowlist secret
    assert secret not in "".join(problems({"GATEWAY_HIKERAPI_KEY": secret}))
    assert "k-123" not in repr(Settings.read(KEYED))


def test_each_default_is_written_as_a_value_would_be() -> None:
    for row in Settings.table():
        default = getattr(Settings(), row.field)
        assert default is None or row.form.parse(row.default) == default
