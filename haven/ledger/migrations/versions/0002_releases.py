"""The release desk's tables: requests, items, votes, completed reviews, history.

Written out, not taken from the schema module: a revision describes the past and must not move when the present does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the desk's tables."""
    _releases()
    _parts()


def _text(*names: str, nullable: bool = False) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=nullable) for name in names)


def _integer(*names: str, nullable: bool = False) -> tuple[sa.Column[int], ...]:
    return tuple(sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False) for name in names)


def _of_release(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["release"], ["releases.id"], name=f"fk_{table}_release")


def _releases() -> None:
    op.create_table(
        "releases",
        *_text("id", "project", "author", "title", "context", "state"),
        *_text("lane", "lane_reason", "tier", nullable=True),
        *_integer("round", "stage_round", "consolidating"),
        *_integer("appealed_round", nullable=True),
        *_text("created_at", "changed_at"),
        *_integer("decision_entry", nullable=True),
        *_text("decision_digest", "bundle", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
        sa.ForeignKeyConstraint(["decision_entry"], ["entries.seq"], name="fk_releases_decision_entry"),
    )
    for column in ("project", "author", "state"):
        op.create_index(f"ix_releases_{column}", "releases", [column])


def _parts() -> None:
    op.create_table(
        "release_items",
        *_text("release", "id"),
        *_integer("position"),
        *_text("form", "name", "note"),
        *_text("receipt", "dataset", "policy_digest", nullable=True),
        *_text("files", "findings", "content"),
        *_integer("approved", nullable=True),
        sa.PrimaryKeyConstraint("release", "id", name="pk_release_items"),
        _of_release("release_items"),
    )
    op.create_table(
        "release_votes",
        *_text("release", "item", "checker", "content"),
        *_integer("approves"),
        *_text("rule", "reason"),
        *_integer("round"),
        *_text("cast_at"),
        sa.PrimaryKeyConstraint("release", "item", "checker", "content", name="pk_release_votes"),
        _of_release("release_votes"),
    )
    op.create_table(
        "release_completions",
        *_text("release", "checker"),
        *_integer("round"),
        *_text("completed_at"),
        sa.PrimaryKeyConstraint("release", "checker", "round", name="pk_release_completions"),
        _of_release("release_completions"),
    )
    op.create_table(
        "release_history",
        *_integer("entry"),
        *_text("release", "at", "actor", "event", "state"),
        *_text("item", nullable=True),
        *_text("words"),
        sa.PrimaryKeyConstraint("entry", name="pk_release_history"),
        _of_release("release_history"),
        sa.ForeignKeyConstraint(["entry"], ["entries.seq"], name="fk_release_history_entry"),
    )
    op.create_index("ix_release_history_release", "release_history", ["release", "entry"])
