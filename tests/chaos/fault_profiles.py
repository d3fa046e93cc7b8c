"""What goes wrong upstream and on the way to it: a quarter of all calls, by every kind of fault that there is."""

from __future__ import annotations

from typing import Any

Faults = tuple[dict[str, Any], ...]

PLATFORM: Faults = (
    {"kind": "processing", "endpoint": "POST */media/upload", "seconds": 2.5, "rate": 0.4, "retry_after": 1.0},
    {"kind": "accepted", "seconds": 1.5, "rate": 0.4},
    {"kind": "platform_error", "endpoint": "* /platform/*", "code": 4, "status": 429, "retry_after": 0.3, "rate": 0.04},
    {
        "kind": "platform_error",
        "endpoint": "* /platform/*",
        "code": -1,
        "subcode": 2207001,
        "rate": 0.05,
        "when": "before",
    },
    {
        "kind": "platform_error",
        "endpoint": "* /platform/*",
        "code": -2,
        "subcode": 2207003,
        "rate": 0.05,
        "when": "after",
    },
    {"kind": "status", "endpoint": "* /platform/*", "status": 500, "rate": 0.04, "when": "after"},
    {"kind": "edge_html", "endpoint": "* /platform/*", "status": 502, "rate": 0.02, "when": "after"},
    {"kind": "hang", "endpoint": "* /platform/*", "rate": 0.02, "when": "after"},
    {"kind": "dead_keep_alive", "endpoint": "* /platform/*", "rate": 0.03, "when": "after"},
    {"kind": "dead_keep_alive", "endpoint": "* /platform/*", "rate": 0.03, "when": "before"},
)
# A story that is published twice costs nothing but itself, and each fault of this dialect says as little as the others.
AIOGRAPI: Faults = (
    {"kind": "status", "endpoint": "* /aiograpi/*", "status": 500, "rate": 0.08, "when": "before"},
    {"kind": "status", "endpoint": "* /aiograpi/*", "status": 500, "rate": 0.09, "when": "after"},
    {"kind": "hang", "endpoint": "* /aiograpi/*", "rate": 0.03, "when": "after"},
    {"kind": "dead_keep_alive", "endpoint": "* /aiograpi/*", "rate": 0.03, "when": "after"},
    {"kind": "dead_keep_alive", "endpoint": "* /aiograpi/*", "rate": 0.03, "when": "before"},
)
# Lost, doubled, late, and out of order.
WEBHOOKS = {"never": 0.25, "twice": 0.25, "late": 0.2, "out_of_order": 0.1, "late_seconds": 1.5}
