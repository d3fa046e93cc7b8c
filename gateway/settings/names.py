"""The names of settings: the prefix, those that need others, and mistyped ones."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from gateway.settings.sources import SUFFIX

PREFIX = "GATEWAY_"
# A setting, another setting that it requires, and the reason.
NEEDS = (
    ("GATEWAY_HIKERAPI_URL", "GATEWAY_HIKERAPI_KEY", "without a key the sandbox is used"),
    (
        "GATEWAY_PLATFORM_URL",
        "GATEWAY_PLATFORM_TOKEN or GATEWAY_PLATFORM_APP_ID",
        "without a token or an app nothing can be published",
    ),
    ("GATEWAY_PLATFORM_APP_ID", "GATEWAY_PLATFORM_URL", "without a URL no account can be connected"),
    ("GATEWAY_PLATFORM_APP_ID", "GATEWAY_PLATFORM_APP_SECRET", "without it no account can be connected"),
    ("GATEWAY_PLATFORM_APP_ID", "GATEWAY_PUBLIC_URL", "the platform sends browsers back to it"),
    ("GATEWAY_PLATFORM_TOKEN", "GATEWAY_PLATFORM_URL", "without a URL the token is not used"),
    (
        "GATEWAY_PLATFORM_APP_SECRET",
        "GATEWAY_PLATFORM_VERIFY_TOKEN",
        "without it the platform cannot subscribe a webhook",
    ),
    ("GATEWAY_STORAGE_ENDPOINT", "GATEWAY_STORAGE_URL", "without it files are in the data directory"),
    ("GATEWAY_STORAGE_KEY_ID", "GATEWAY_STORAGE_URL", "without it files are in the data directory"),
    ("GATEWAY_STORAGE_KEY_ID", "GATEWAY_STORAGE_SECRET", "each is of no use alone"),
    ("GATEWAY_STORAGE_SECRET", "GATEWAY_STORAGE_KEY_ID", "each is of no use alone"),
    ("GATEWAY_VAULT_KEY_TOKEN", "GATEWAY_VAULT_KEY_URL", "without it no service is asked"),
    ("GATEWAY_PLATFORM_VERIFY_TOKEN", "GATEWAY_PLATFORM_APP_SECRET", "without it webhooks cannot be verified"),
)


def unmet(environ: Mapping[str, str], secrets: Collection[str]) -> list[str]:
    """Return an error for each setting that lacks a setting it requires. One whose file cannot be read is given."""
    given = {name for name, text in environ.items() if text.strip()}
    given |= {name for name in secrets if name + SUFFIX in given}
    return [
        f"{name} needs {other}: {why}."
        for name, other, why in NEEDS
        if name in given and given.isdisjoint(other.split(" or "))
    ]


def misnamed(environ: Mapping[str, str], known: list[str]) -> list[str]:
    """Return an error for each variable with the prefix that is not `known`."""
    names = sorted(name for name in environ if name.upper().startswith(PREFIX) and name not in known)
    return [_refusal(name, known) for name in names]


def _refusal(name: str, known: list[str]) -> str:
    bare = {right.removeprefix(PREFIX): right for right in known}
    # Compared without the prefix, which all names share and which would make any two of them similar.
    nearest = difflib.get_close_matches(name.upper().removeprefix(PREFIX), bare, n=1, cutoff=0.0)
    return f"{name} is not a setting. The nearest one is {bare[nearest[0]]}."
