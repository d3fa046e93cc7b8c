"""Two gateways on one data directory: any of them takes a callback, and no file has a token in plain."""

from __future__ import annotations

from pathlib import Path

from tests.accounts.gateways import check_two_gateways, sandbox


def test_two_gateways_of_one_data_directory_share_their_accounts(tmp_path: Path) -> None:
    with sandbox() as upstream:
        tokens = check_two_gateways(upstream, tmp_path, tmp_path)
    assert len(tokens) >= 4
    contents = [(path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path, content in contents for token in tokens if token.encode() in content] == []
