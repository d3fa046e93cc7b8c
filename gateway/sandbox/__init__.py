"""The embedded upstream: an app that speaks the read API's contract, with data, prices, signed URLs and faults.

It lets anyone try the gateway without a key, and tests fail the upstream in every documented way. Beside the read API
it has a write side, `publishing`: what is created there shows up here.

    app        puts the rooms together; `Sandbox` is what tests hold
    gate       one per endpoint: key, rate, balance, work, bill, faults
    endpoints  the price list          answers  question -> bytes         replies  refusals
    world      users, highlights, items, drawn from their numbers         cast     the users that tests may name
    wire       nouns -> JSON           attachments                        recorded the vendor's own answers
    cdn        signed URLs             pictures, media, gallery           control  faults and meter over HTTP
    agenda     what is due             clocks, one that can be moved      publishing  the write side
"""

from __future__ import annotations

from gateway.sandbox.app import Sandbox, create_sandbox, pictures_of
from gateway.sandbox.clocks import MovableClock
from gateway.sandbox.connection import ConnectionDropped
from gateway.sandbox.control import Control

__all__ = ["ConnectionDropped", "Control", "MovableClock", "Sandbox", "create_sandbox", "pictures_of"]
