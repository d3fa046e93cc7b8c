"""The fields of the query root for operators."""

from __future__ import annotations

import strawberry

from gateway.domain.rights import OPERATING, RIGHTS
from schema.context import Info
from schema.cost_directives import OWN, WORK
from schema.types.gateway_status import GatewayStatus


@strawberry.type
class OperatorQueries:
    @strawberry.field(
        description="The state of the gateway, for its operators. Costs nothing.",
        directives=[WORK, OWN],
        metadata={RIGHTS: OPERATING},
    )
    def gateway(self, info: Info) -> GatewayStatus:
        return GatewayStatus.of(info.context.operating())
