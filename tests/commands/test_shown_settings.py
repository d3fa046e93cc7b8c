"""`settings`: what is in force, where it is from, and no secret."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.settings import settings
from gateway.settings import Settings
from tests.commands.process import run

SECRET = "s3cr3t"  # pragma: allowlist secret
SEALING = "czNjcjN0czNjcjN0czNjcjN0czNjcjN0czNjcjN0czM="  # pragma: allowlist secret


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    def show(**environ: str) -> dict[str, dict[str, Any]]:
        assert settings(argparse.Namespace(json=True), environ) == 0
        return {row["name"]: row for row in json.loads(capsys.readouterr().out)["settings"]}

    return show


def test_each_setting_is_shown_with_its_source(shown: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    found = shown(GATEWAY_HIKERAPI_KEY_FILE=str(tmp_path / "key"), GATEWAY_TTL_TRAY=" 60 ", GATEWAY_DATA_DIR="kept")
    assert found.keys() == {row.name for row in Settings.table()}
    file = {"value": None, "characters": 6, "source": "file", "file": str(tmp_path / "key"), "default": None}
    assert found["GATEWAY_HIKERAPI_KEY"] == {"name": "GATEWAY_HIKERAPI_KEY", **file}
    assert (found["GATEWAY_TTL_TRAY"]["value"], found["GATEWAY_TTL_TRAY"]["source"]) == ("60", "environment")
    assert found["GATEWAY_DATA_DIR"]["value"] == str(Path("kept").absolute())
    unset = found["GATEWAY_CLIENTS_FILE"]
    assert (unset["value"], unset["source"]) == (None, "default")
    assert unset["default"] == "one local client, on loopback addresses only"
    for row in Settings.table():
        if found[row.name]["source"] == "default" and row.field not in ("data_dir", "clients_file"):
            assert row.default in (found[row.name]["value"], found[row.name]["default"])


def test_the_url_of_the_vendor_is_not_in_force_while_the_sandbox_answers(shown: Any) -> None:
    found = shown()["GATEWAY_HIKERAPI_URL"]
    assert (found["value"], found["default"]) == (None, "none: the embedded sandbox is used")
    assert shown(GATEWAY_HIKERAPI_KEY="k")["GATEWAY_HIKERAPI_URL"]["value"].startswith("https://")


def test_no_secret_is_shown_from_wherever_it_comes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    secrets = {row.name: SECRET for row in Settings.table() if row.form.is_secret}
    for name in ("FLOWS", "VAULT", "CACHE", "AUDIT"):
        secrets[f"GATEWAY_{name}_KEY"] = SEALING
    secrets["GATEWAY_REDIS_URL"] = f"redis://:{SECRET}@cache/0"
    secrets["GATEWAY_DATABASE_URL"] = f"postgresql://gateway:{SECRET}@db/flows"
    secrets["GATEWAY_STORAGE_URL"] = "s3://files"  # which the secrets of the storage need
    secrets["GATEWAY_PUBLIC_URL"] = "https://gateway.example.com"  # which the app needs
    secrets["GATEWAY_VAULT_KEY_URL"] = "transit+https://vault.test/transit/gateway"  # which its token needs
    (tmp_path / "secret").write_text("user:" + SECRET)
    del secrets["GATEWAY_MEDIA_SECRET"]
    environ = {
        **secrets,
        "GATEWAY_PLATFORM_URL": "https://platform.example.com",
        "GATEWAY_MEDIA_SECRET_FILE": str(tmp_path / "secret"),
        "HTTPS_PROXY": f"http://user:{SECRET}@proxy.test:3128",
        "NO_PROXY": "db",
    }
    for is_json in (False, True):
        assert settings(argparse.Namespace(json=is_json), environ) == 0
        told = capsys.readouterr()
        assert SECRET not in told.out + told.err
        assert SEALING not in told.out
        assert "proxy.test:3128" in told.out
    lines = {line.split()[0]: line for line in _table(capsys, environ).splitlines()}
    assert "set (6 characters)" in lines["GATEWAY_HIKERAPI_KEY"]
    assert "set (11 characters)" in lines["GATEWAY_MEDIA_SECRET"]
    assert lines["GATEWAY_MEDIA_SECRET"].endswith(f"file {tmp_path / 'secret'}")


def _table(capsys: pytest.CaptureFixture[str], environ: dict[str, str]) -> str:
    settings(argparse.Namespace(json=False), environ)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("sqlite:////var/spent.db", "sqlite:////var/spent.db"),
        ("postgresql://gateway@db/flows", "postgresql://gateway@db/flows"),
        (f"postgresql://gateway:{SECRET}@db/flows", None),
        (f"postgresql://db/flows?password={SECRET}", None),
        (f"postgresql://[{SECRET}", None),
    ],
)
def test_a_database_is_shown_unless_its_url_holds_a_password(shown: Any, url: str, value: str | None) -> None:
    row = shown(GATEWAY_DATABASE_URL=url)["GATEWAY_DATABASE_URL"]
    assert (row["value"], row["characters"]) == (value, len(url) if value is None else None)


def test_mistakes_are_told_as_at_the_start() -> None:
    given = {"GATEWAY_TTL_TRY": "5", "GATEWAY_HIKERAPI_KEY": "two words"}  # pragma: allowlist secret
    told, started = run("settings", **given), run("serve", "--port", "0", **given)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == started.stderr
    assert "GATEWAY_TTL_TRY is not a setting. The nearest one is GATEWAY_TTL_TRAY." in told.stderr
