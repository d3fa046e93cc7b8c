"""The way back to an earlier version: the settings to unset are those that it does not have."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.settings import Settings

UPGRADE = Path(__file__).parents[2] / "docs/operations/upgrade.md"
OF_0_1_0 = """
ALLOWED_ORIGINS BALANCE_FLOOR BATCH_LIMIT CACHE_BYTES CLIENTS_FILE CONNECTIONS DATABASE_URL DATA_DIR
DOCUMENTS DOCUMENTS_FILE FLOWS_KEY FLOW_RETENTION HIKERAPI_KEY HIKERAPI_RATE HIKERAPI_URL LOG_LEVEL
MEDIA_BYTES MEDIA_PROXY MEDIA_SECRET PLATFORM_APP_SECRET PLATFORM_DIALECT PLATFORM_RATE
PLATFORM_TIMEOUT PLATFORM_TOKEN PLATFORM_URL PLATFORM_VERIFY_TOKEN PROJECTION PUBLIC_URL STALE_LIMIT
TTL_HIGHLIGHT TTL_MISSING TTL_PROFILE TTL_TRAY TTL_USERNAME URL_MARGIN
"""


def test_the_settings_that_an_earlier_version_lacks_are_listed() -> None:
    (row,) = (line for line in UPGRADE.read_text().splitlines() if line.lstrip().startswith("| 0.1.0 |"))
    listed = re.findall(r"`(GATEWAY_[A-Z_]+)`", row)
    known = {f"GATEWAY_{name}" for name in OF_0_1_0.split()}
    assert sorted(listed) == sorted({setting.name for setting in Settings.table()} - known)
