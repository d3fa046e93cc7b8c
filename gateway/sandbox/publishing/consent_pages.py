"""The pages on which a person gives an app access to an account, and takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from starlette.responses import HTMLResponse

from gateway.sandbox.entities import User
from gateway.sandbox.publishing.permissions import Permission

# The origin of the forms is checked, so they have to tell it: with `no-referrer` it would be "null".
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 30rem; margin: 3rem auto; padding: 0 1rem; }
fieldset { border: 1px solid #8886; border-radius: .5rem; margin: 0 0 1rem; padding: .5rem 1rem; }
label { display: block; padding: .25rem 0; }
button { font: inherit; padding: .5rem 1rem; border-radius: .5rem; border: 1px solid #8888; cursor: pointer; }
button[value=allow] { background: #0a58ca; border-color: #0a58ca; color: #fff; }
li { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .5rem 0; }
ul { padding: 0; } small { display: block; opacity: .8; }
"""


def consent_page(
    hidden: Mapping[str, str], accounts: Sequence[User], permissions: Iterable[Permission]
) -> HTMLResponse:
    """Return the page that asks for consent. Its form sends `hidden`, the account and the permissions."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    choices = "".join(
        f'<label><input type="radio" name="account" value="{user.pk}"{" checked" if not number else ""}> '
        f"{escape(user.username)}</label>"
        for number, user in enumerate(accounts)
    )
    boxes = "".join(
        f'<label><input type="checkbox" name="permission" value="{each.name}" checked> {escape(each.value)}</label>'
        for each in sorted(permissions, key=list(Permission).index)
    )
    return _page(
        "Allow access to an account",
        f"""<p>An app asks for access to an account of this sandbox.</p>
<form method="post">{kept}
<fieldset><legend>Account</legend>{choices}</fieldset>
<fieldset><legend>Permissions</legend>{boxes}</fieldset>
<button name="decision" value="allow">Allow</button> <button name="decision" value="cancel">Cancel</button>
</form>""",
    )


def access_page(connected: Iterable[tuple[User, frozenset[Permission]]]) -> HTMLResponse:
    """Return the page with the accounts that apps have access to, each with a button that ends it."""
    rows = "".join(
        f'<li><span>{escape(user.username)}<small>{_told(permissions)}</small></span><form method="post">'
        f'<button name="account" value="{user.pk}" aria-label="Remove access to {escape(user.username)}">'
        f"Remove access</button></form></li>"
        for user, permissions in connected
    )
    return _page("Accounts that apps have access to", f"<ul>{rows}</ul>" if rows else "<p>None.</p>")


def refusal_page(message: str) -> HTMLResponse:
    """Return the page for a request that cannot be answered by leading back to the app."""
    return _page("This request cannot be answered", f"<p>{escape(message)}</p>", 400)


def _told(permissions: frozenset[Permission]) -> str:
    return escape(", ".join(each.value for each in Permission if each in permissions))


def _page(title: str, content: str, status: int = 200) -> HTMLResponse:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = f"<body><h1>{title}</h1>{content}</body>"
    page = f'<!DOCTYPE html><html lang="en"><head>{head}<style>{STYLE}</style></head>{body}</html>'
    return HTMLResponse(page, status, HEADERS)
