"""The first books: entries, accounts, spends, answers, policies, states, snapshots, people.

Written out, not taken from the schema module: a revision describes the past and must not move when the present does.
"""

import sqlalchemy as sa
from alembic import op

from haven.ledger.migrations import triggers

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the books."""
    _entries_and_accounts()
    _spends()
    _registry()
    _people()
    _refusals()


def _refusals() -> None:
    """Entries only grow, in order; a spend ends once; what was answered, allowed and taken as a snapshot stays as it was."""
    triggers.prepare()
    triggers.entries_in_order()
    triggers.only_grow("entries", "answers", "policies", "snapshots")
    triggers.refuse_where("spends_end_once", "UPDATE ON spends", "a spend ends once", "OLD.state <> 'reserved'")
    triggers.refuse("spends_no_delete", "DELETE ON spends", "spends only grow")
    triggers.never_emptied("spends")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _entry(table: str, name: str = "entry", *, nullable: bool = False) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return _integer(name, nullable=nullable), sa.ForeignKeyConstraint([name], ["entries.seq"], name=f"fk_{table}_{name}")


def _entries_and_accounts() -> None:
    op.create_table(
        "entries",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        *(_text(name) for name in ("kind", "actor", "at", "body", "prev_digest", "digest")),
        sa.PrimaryKeyConstraint("seq", name="pk_entries"),
    )
    op.create_table(
        "accounts",
        *(_text(name) for name in ("account", "definition", "spent_pico", "spent_atto", "reserved_pico", "reserved_atto")),
        sa.PrimaryKeyConstraint("account", name="pk_accounts"),
    )


def _spends() -> None:
    op.create_table(
        "spends",
        *(_text(name) for name in ("id", "state", "actor", "project", "dataset", "population")),
        _integer("snapshot"),
        *(_text(name) for name in ("plan_digest", "policy_digest", "definition", "pico", "atto", "caps", "question")),
        _text("idempotency_key", nullable=True),
        _text("reserved_at"),
        *_entry("spends", "reserve_entry"),
        _text("ended_at", nullable=True),
        *_entry("spends", "end_entry", nullable=True),
        _text("outcome"),
        _text("left_pico", nullable=True),
        _text("left_atto", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_spends"),
        sa.CheckConstraint("state IN ('reserved', 'posted', 'void')", name="ck_spends_state"),
    )
    op.create_index("ix_spends_project_dataset_plan_digest_snapshot", "spends", ["project", "dataset", "plan_digest", "snapshot"])
    op.create_index("ix_spends_dataset_reserve_entry", "spends", ["dataset", "reserve_entry"])
    flying = sa.text("state = 'reserved'")
    op.create_index("ix_spends_in_flight", "spends", ["reserved_at"], sqlite_where=flying, postgresql_where=flying)
    held = sa.text("idempotency_key IS NOT NULL AND state <> 'void'")
    op.create_index(
        "uq_spends_idempotency_key",
        "spends",
        ["actor", "project", "idempotency_key"],
        unique=True,
        sqlite_where=held,
        postgresql_where=held,
    )
    op.create_table(
        "answers",
        _text("id"),
        _text("content"),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
        sa.ForeignKeyConstraint(["id"], ["spends.id"], name="fk_answers_id"),
    )


def _registry() -> None:
    op.create_table(
        "policies",
        _text("kind"),
        _text("name"),
        _integer("version"),
        *(_text(name) for name in ("text", "digest", "actor", "at")),
        *_entry("policies"),
        sa.PrimaryKeyConstraint("kind", "name", "version", name="pk_policies"),
    )
    op.create_index("ix_policies_digest", "policies", ["digest"])
    op.create_table(
        "states",
        *(_text(name) for name in ("kind", "name", "state", "reason", "since")),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_states"),
        sa.CheckConstraint("state IN ('active', 'paused', 'suspended', 'revoked')", name="ck_states_state"),
    )
    op.create_table(
        "snapshots",
        _text("dataset"),
        _integer("serial"),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        _text("fingerprint"),
        _text("at"),
        *_entry("snapshots"),
        sa.PrimaryKeyConstraint("dataset", "serial", name="pk_snapshots"),
    )
    op.create_table("counters", _text("name"), _integer("value"), sa.PrimaryKeyConstraint("name", name="pk_counters"))
    op.execute("INSERT INTO counters (name, value) VALUES ('registry', 0)")


def _people() -> None:
    op.create_table(
        "users",
        _text("name"),
        _text("role"),
        _text("project", nullable=True),
        _text("password", nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        _text("locked_until", nullable=True),
        _text("added_at"),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "tokens",
        *(_text(name) for name in ("id", "digest", "name", "issued_at")),
        _text("expires_at", nullable=True),
        _text("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
        sa.ForeignKeyConstraint(["name"], ["users.name"], name="fk_tokens_name"),
    )
    op.create_index("ix_tokens_name", "tokens", ["name"])
