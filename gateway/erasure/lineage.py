"""The places that hold data, with what they hold about persons, and how it is found and erased.

`tests/erasure/test_lineage.py` refuses a file of the data directory, a table, a key of Redis and an object that no
place names. `docs/privacy.md` has the table.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Erasure(enum.Enum):
    """The way in which the data of a person is erased at a place."""

    NOTHING = "has no data of persons"
    STEP = "erased by a step of the request"
    OVERWRITTEN = "erased by a step of the request, and overwritten"
    PSEUDONYM = "names persons by pseudonyms alone, and stays"
    EXPIRES = "expires by itself"
    OPERATOR = "is the operator's to change"


@dataclass(frozen=True, slots=True)
class Place:
    """A place, called `title`. Each of its `names` is a pattern of a file, a table, a key or an object.

    `holds` says what is there about persons, `found` how it is found, `retention` how long it stays without a request.
    """

    title: str
    names: tuple[str, ...]
    holds: str
    found: str
    erasure: Erasure
    retention: str

    def has(self, name: str) -> bool:
        return any(re.fullmatch(pattern, name) for pattern in self.names)


# SQLite has files beside each database, and a file is written under another name first.
BESIDE = r"(?:-wal|-shm|-journal)?"
DRAFT = r"(?:\.[0-9a-f]{16})?"
FILES = (
    Place(
        "`flows.sqlite3`",
        (rf"flows\.sqlite3{BESIDE}",),
        "flows: accounts, titles, URLs and ids of media, encrypted",
        "each flow that mentions an id of the person, once it is decrypted",
        Erasure.OVERWRITTEN,
        "`GATEWAY_FLOW_RETENTION` after their end, 7 days by default",
    ),
    Place(
        "`spool`",
        (r"spool/.*",),
        "uploaded files that flows need",
        "by the flows that hold them",
        Erasure.STEP,
        "as long as a flow needs them",
    ),
    Place(
        "`accounts.sqlite3`",
        (rf"accounts\.sqlite3{BESIDE}",),
        "connected accounts: id, name, scopes, and the token, encrypted",
        "by the id, or the platform's id",
        Erasure.OVERWRITTEN,
        "until they are disconnected or erased",
    ),
    Place(
        "`webhooks.sqlite3`",
        (rf"webhooks\.sqlite3{BESIDE}",),
        "webhooks that were not processed yet: ids of accounts, media and highlights; hashes of the others",
        "each body that mentions an id of the person",
        Erasure.OVERWRITTEN,
        "until they are processed, 36 hours at most",
    ),
    Place(
        "`cache.sqlite3`",
        (rf"cache\.sqlite3{BESIDE}", r"cache\.unsent"),
        "answers of the read API: profiles, posts, stories, comments",
        "all of it is removed: what is in an answer is not known there",
        Erasure.OVERWRITTEN,
        "the lifetimes of [settings](settings.md)",
    ),
    Place(
        "`erasures.sqlite3`",
        (rf"erasures\.sqlite3{BESIDE}",),
        "requests to erase: the ids and names of the person, encrypted, until the request is done",
        "with the last step",
        Erasure.OVERWRITTEN,
        "90 days after they are done, without ids and names",
    ),
    Place(
        "`audit.sqlite3`",
        (rf"audit\.sqlite3{BESIDE}",),
        "what was done, under pseudonyms",
        "by the pseudonym, with the key",
        Erasure.PSEUDONYM,
        "for ever",
    ),
    Place(
        "`gateway.sqlite3`, `keys.sqlite3`",
        (rf"gateway\.sqlite3{BESIDE}", rf"keys\.sqlite3{BESIDE}"),
        "spending by client and endpoint, and when keys were last used: nothing of persons who are read or publish",
        "",
        Erasure.NOTHING,
        "for ever",
    ),
    Place(
        "`*.key`, `layout`, `flows.slots`",
        (
            *(rf"(?:flows|media|cursors|vault|audit)\.key{DRAFT}", rf"layout{DRAFT}", r"flows\.slots/.*"),
            r"restore\.json.*",
        ),
        "keys, versions and locks",
        "",
        Erasure.NOTHING,
        "for ever",
    ),
    Place(
        "`before-restore-*`",
        (r"before-restore-.*", r"\.restore-.*"),
        "data that a restore has moved aside: all of the above",
        "",
        Erasure.OPERATOR,
        "until the operator deletes it",
    ),
    Place(
        "`clients.toml`",
        (r"clients\.toml",),
        "ids of the accounts that a client may publish for",
        "by the id",
        Erasure.OPERATOR,
        "until the operator changes it",
    ),
)
TABLES = (
    Place(
        "`gateway_flows`, `gateway_flow_*`, schema `dbos`",
        (r"gateway_flows", r"gateway_flow_(?:steps|notes)", r"dbos\.(?!dbos_migrations).*"),
        "as `flows.sqlite3`",
        "likewise",
        Erasure.STEP,
        "likewise",
    ),
    Place(
        "`gateway_account*`",
        (r"gateway_accounts", r"gateway_account_(?:connections|leases|keys|vault)"),
        "as `accounts.sqlite3`",
        "likewise",
        Erasure.STEP,
        "likewise",
    ),
    Place(
        "`gateway_webhook_*`",
        (r"gateway_webhook_bodies",),
        "as `webhooks.sqlite3`",
        "likewise",
        Erasure.STEP,
        "likewise",
    ),
    Place(
        "`gateway_erasure_*`",
        (r"gateway_erasure_(?:requests|processes)",),
        "as `erasures.sqlite3`",
        "likewise",
        Erasure.STEP,
        "likewise",
    ),
    Place(
        "`gateway_audit_*`",
        (r"gateway_audit_(?:entries|head)",),
        "as `audit.sqlite3`",
        "likewise",
        Erasure.PSEUDONYM,
        "for ever",
    ),
    Place(
        "all others",
        (
            *(r"gateway_ledger_.*", r"gateway_keys", r"gateway_key_uses", r".*_migrations"),
            *(r"gateway_flow_(?:keys|workers|remembered)",),
        ),
        "spending by client, keys, versions, leases",
        "",
        Erasure.NOTHING,
        "for ever",
    ),
)
SCOPE = r"hg[0-9]+:\{[0-9a-f]+\}:"
KEYS = (
    Place(
        "`a:`, `log`",
        (rf"{SCOPE}a:.*", rf"{SCOPE}log"),
        "answers of the read API under hashed names, and a log of invalidations, which names users",
        "all answers are removed, and the log is cut: what is in an answer is not known there",
        Erasure.STEP,
        "the lifetimes of [settings](settings.md)",
    ),
    Place(
        "`d:`",
        (rf"{SCOPE}d:.*",),
        "documents that clients have registered, with what they wrote into them",
        "",
        Erasure.EXPIRES,
        "30 days after their last use",
    ),
    Place(
        "all others",
        (rf"{SCOPE}(?:l:.*|releases|instances|rate)",),
        "locks, the gateways that run, and the rate of calls",
        "",
        Erasure.NOTHING,
        "seconds",
    ),
)
OBJECTS = (
    Place(
        "`flows/`",
        (r"flows/.*",),
        "files that flows need",
        "by the flows that hold them",
        Erasure.STEP,
        "as long as needed",
    ),
)
MEMORY = (
    Place(
        "each process",
        ("entries, responses, media links, accounts",),
        "what a process has read: answers, decoded values, whole responses, media",
        "by ids and names, in every process",
        Erasure.STEP,
        "the lifetimes of [settings](settings.md), or until the process ends",
    ),
)
LOGS = (
    Place(
        "each line",
        ("the lines of the gateway",),
        "names of clients and operations, endpoints, prices, and ids of flows",
        "",
        Erasure.EXPIRES,
        "as long as what collects them keeps them",
    ),
)
ALL = {
    "file": FILES,
    "table in PostgreSQL": TABLES,
    "Redis": KEYS,
    "object storage": OBJECTS,
    "memory": MEMORY,
    "log": LOGS,
}
