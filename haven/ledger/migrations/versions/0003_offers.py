"""What recorded answers offer to other questions: for each noisy column, the rows and the target it is of, and its noise.

Written out, not taken from the schema module: a revision describes the past and must not move when the present does.
"""

import sqlalchemy as sa
from alembic import op

from haven.ledger.migrations import triggers

revision = "0003"
down_revision = "0002"

NAMES = ("project", "dataset", "source", "target", "keys", "bounds", "mechanism", "scale")
INDEX = ("project", "dataset", "snapshot", "source", "target")


def upgrade() -> None:
    """Create the table. Answers recorded before offer nothing: they are given again to their own question, as ever."""
    op.create_table(
        "offers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("snapshot", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in NAMES),
        sa.PrimaryKeyConstraint("id", "position", name="pk_offers"),
        sa.ForeignKeyConstraint(["id"], ["answers.id"], name="fk_offers_id"),
    )
    op.create_index("ix_offers_project_dataset_snapshot_source_target", "offers", list(INDEX))
    triggers.only_grow("offers")
