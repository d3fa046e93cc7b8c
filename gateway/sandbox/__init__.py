"""The embedded upstream: an app that speaks the read API's contract, with data, prices, signed URLs and faults.

It lets anyone try the gateway without a key, and tests fail the upstream in every documented way.

    app        puts the rooms together; `Sandbox` is what tests hold
    gate       one per endpoint: key, rate, balance, work, bill, faults
    endpoints  the price list          answers  question -> bytes         replies  refusals
    world      users, highlights, items, drawn from their numbers         cast     the users that tests may name
    wire       nouns -> JSON           attachments                        recorded the vendor's own answers
    cdn        signed URLs             pictures, media                    control  faults and meter over HTTP
"""

from __future__ import annotations

from gateway.sandbox.app import Sandbox, create_sandbox
from gateway.sandbox.connection import ConnectionDropped

__all__ = ["ConnectionDropped", "Sandbox", "create_sandbox"]
