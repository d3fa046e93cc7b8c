"""The engine of flows over the database of the settings."""

from __future__ import annotations

import random

from gateway.clock import Clock
from gateway.composition.gateway_keys import GatewayKeys
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Durable
from gateway.events import Hook
from gateway.settings import Settings
from gateway.spans import Tracer


def flow_engine(
    settings: Settings, keys: GatewayKeys, clock: Clock, hook: Hook, rng: random.Random, tracer: Tracer | None
) -> Durable:
    """Return the engine, which opens nothing before it is launched."""
    return DbosDurable(
        settings.flows_url,
        settings.data_dir,
        clock=clock,
        hook=hook,
        dice=rng,
        retention=settings.flow_retention,
        key=keys.flows,
        lease=settings.flow_lease,
        tracer=tracer,
    )
