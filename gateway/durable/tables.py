"""The tables of workflows, beside those of DBOS in the same database.

Everything except names, states and times is encrypted. A row of `gateway_flows` is an accepted workflow; everything
else follows from it. `version` grows with each change. DBOS stores the results of the steps; its tables are described
here as far as the gateway uses them (DBOS 3.4).
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

FLOWS = sa.Table(
    "gateway_flows",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("input", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("output", sa.Text),
    sa.Column("fault", sa.Text),
    sa.Column("failed_group", sa.Integer),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("gateway_flows_by_age", "created_at", "id"),
    sa.Index("gateway_flows_by_status", "status", "updated_at"),
)

STEPS = sa.Table(
    "gateway_flow_steps",
    METADATA,
    sa.Column("flow", sa.ForeignKey("gateway_flows.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("group", sa.Integer, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)

NOTES = sa.Table(
    "gateway_flow_notes",
    METADATA,
    sa.Column("flow", sa.ForeignKey("gateway_flows.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# Earlier gateways on the same database, in a rolling upgrade, keep fingerprints of webhooks here.
REMEMBERED = sa.Table(
    "gateway_flow_remembered",
    METADATA,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Index("gateway_flow_remembered_by_end", "expires_at"),
)

# One row: a text that only the key of this database decrypts.
KEYS = sa.Table("gateway_flow_keys", METADATA, sa.Column("probe", sa.Text, primary_key=True))


# The leases of the processes that run flows, where several machines share the database. A later release may create
# these tables in a store that an earlier one made, so they are not in METADATA.
LEASES = sa.MetaData()
WORKERS = sa.Table(
    "gateway_flow_workers",
    LEASES,
    sa.Column("executor", sa.Text, primary_key=True),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("place", sa.Text, nullable=False),
)
TOKENS = sa.Sequence("gateway_flow_tokens", metadata=LEASES, data_type=sa.BigInteger)


class Engine:
    """The tables of DBOS itself."""

    def __init__(self, schema: str | None) -> None:
        def table(name: str, *columns: str) -> sa.TableClause:
            return sa.table(name, *map(sa.column, ("workflow_uuid", *columns)), schema=schema)

        self.workflows = table("workflow_status", "status", "executor_id")
        self.results = table("operation_outputs", "function_id")
        self.all = (self.results, table("workflow_input"), table("workflow_output"), self.workflows)


# The statuses of a workflow that DBOS runs, or will run.
ACTIVE = ("PENDING", "ENQUEUED", "DELAYED")
PENDING = "PENDING"
GIVEN_UP = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
