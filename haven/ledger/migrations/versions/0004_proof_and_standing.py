"""Proof and standing: the Merkle log's tiles and checkpoints, acts that wait for a second person, summaries of days, sealed unit sets.

Written out, not taken from the schema module: a revision describes the past and must not move when the present does. Tiles are not filled
here: `haven.ledger.tiles` makes those of the entries that are there already when the books are next opened.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from haven.ledger.migrations import triggers

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables, and the indexes that pages over a million entries need."""
    _log()
    _proposals()
    _days()
    _fill_days()
    op.add_column("spends", sa.Column("request_digest", sa.Text(), nullable=True))
    op.add_column("snapshots", sa.Column("units", sa.Text(), nullable=True))
    op.create_index("ix_entries_kind_seq", "entries", ["kind", "seq"])
    op.create_index("ix_entries_actor_seq", "entries", ["actor", "seq"])
    op.create_index("ix_spends_project_reserve_entry", "spends", ["project", "reserve_entry"])
    op.create_index("ix_spends_actor_reserve_entry", "spends", ["actor", "reserve_entry"])
    op.create_index("ix_spends_end_entry", "spends", ["end_entry"])


def _text(*names: str, nullable: bool = False) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=nullable) for name in names)


def _integer(*names: str, nullable: bool = False) -> tuple[sa.Column[int], ...]:
    return tuple(sa.Column(name, sa.Integer(), nullable=nullable, autoincrement=False) for name in names)


def _log() -> None:
    op.create_table(
        "tiles",
        *_integer("level", "number"),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="pk_tiles"),
    )
    op.create_table(
        "checkpoints",
        *_integer("size"),
        *_text("root", "note", "at"),
        sa.PrimaryKeyConstraint("size", name="pk_checkpoints"),
    )
    triggers.only_grow("tiles", "checkpoints")


def _proposals() -> None:
    op.create_table(
        "proposals",
        *_text("id", "kind", "subject", "detail", "reason", "state", "proposed_by", "proposed_at"),
        *_text("decided_by", "decided_at", "decision_reason", nullable=True),
        *_integer("proposed_entry"),
        *_integer("decided_entry", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'declined', 'withdrawn')", name="ck_proposals_state"),
        sa.ForeignKeyConstraint(["proposed_entry"], ["entries.seq"], name="fk_proposals_proposed_entry"),
        sa.ForeignKeyConstraint(["decided_entry"], ["entries.seq"], name="fk_proposals_decided_entry"),
    )
    op.create_index("ix_proposals_state_proposed_at", "proposals", ["state", "proposed_at"])


def _days() -> None:
    op.create_table(
        "days",
        *_text("day", "dataset", "project", "actor", "definition"),
        *_integer("questions", "refused", "replayed"),
        *_text("spent_pico", "spent_atto"),
        sa.PrimaryKeyConstraint("dataset", "day", "project", "actor", name="pk_days"),
    )
    op.create_index("ix_days_project_day", "days", ["project", "day"])


def _fill_days() -> None:
    """What the spends that are there already come to: each question on the day it was asked, each price on the day it was spent."""
    found: dict[tuple[str, str, str, str], list[Any]] = {}
    books = op.get_bind()
    for row in books.execute(sa.text("SELECT dataset, project, actor, definition, pico, atto, state, reserved_at, ended_at FROM spends")):
        _day(found, row, row.reserved_at)[1] += 1
        if row.state == "posted":
            day = _day(found, row, row.ended_at)
            day[2] += int(row.pico)
            day[3] += int(row.atto)
    names = ("dataset", "day", "project", "actor", "definition", "questions", "refused", "replayed", "spent_pico", "spent_atto")
    statement = sa.text(f"INSERT INTO days ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})")  # noqa: S608 - above
    for key, (definition, questions, pico, atto) in found.items():
        values = (*key, definition, questions, 0, 0, f"{pico:060d}", f"{atto:060d}")
        books.execute(statement, dict(zip(names, values, strict=True)))


def _day(found: dict[tuple[str, str, str, str], list[Any]], row: sa.Row[Any], moment: str) -> list[Any]:
    return found.setdefault((row.dataset, moment[:10], row.project, row.actor), [row.definition, 0, 0, 0])
