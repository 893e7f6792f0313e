"""The tables of the books. Other rooms declare theirs on the same `metadata` and bring a migration of their own.

`entries` only grows (triggers, in the migrations, refuse UPDATE and DELETE); everything else says what the entries say, in a form that
is quick to ask.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

entries = Table(
    "entries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_digest", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index(None, "kind", "seq"),
    Index(None, "actor", "seq"),
)

# full tiles of the Merkle tree over the entries: 256 hashes each, level 0 those of the entries themselves
tiles = Table(
    "tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)

# signed heads of that tree
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Text, nullable=False),
)

# acts that wait for a second person's consent, and what became of them
proposals = Table(
    "proposals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    Column("decision_reason", Text),
    Column("proposed_entry", Integer, ForeignKey("entries.seq"), nullable=False),
    Column("decided_entry", Integer, ForeignKey("entries.seq")),
    CheckConstraint("state IN ('open', 'confirmed', 'declined', 'withdrawn')", name="state"),
    Index(None, "state", "proposed_at"),
)

# what each person asked of each dataset for each project on each day (UTC): pages read this, never a million spends
days = Table(
    "days",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("actor", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("questions", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("replayed", Integer, nullable=False),
    Column("spent_pico", Text, nullable=False),
    Column("spent_atto", Text, nullable=False),
    Index(None, "project", "day"),
)

# one row for each population, dataset and (project, dataset): running totals, 60 digits each
accounts = Table(
    "accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("spent_pico", Text, nullable=False),
    Column("spent_atto", Text, nullable=False),
    Column("reserved_pico", Text, nullable=False),
    Column("reserved_atto", Text, nullable=False),
)

spends = Table(
    "spends",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("population", Text, nullable=False),
    Column("snapshot", Integer, nullable=False),
    Column("plan_digest", Text, nullable=False),
    Column("policy_digest", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("pico", Text, nullable=False),
    Column("atto", Text, nullable=False),
    Column("caps", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("idempotency_key", Text),
    # a digest of the whole request that came under the key; NULL for spends of before there was one
    Column("request_digest", Text),
    Column("reserved_at", Text, nullable=False),
    Column("reserve_entry", Integer, ForeignKey("entries.seq"), nullable=False),
    Column("ended_at", Text),
    Column("end_entry", Integer, ForeignKey("entries.seq")),
    Column("outcome", Text, nullable=False),
    Column("left_pico", Text),
    Column("left_atto", Text),
    CheckConstraint("state IN ('reserved', 'posted', 'void')", name="state"),
    Index(None, "project", "dataset", "plan_digest", "snapshot"),
    Index(None, "dataset", "reserve_entry"),
    Index(None, "project", "reserve_entry"),
    Index(None, "actor", "reserve_entry"),
    Index(None, "end_entry"),
    Index("ix_spends_in_flight", "reserved_at", sqlite_where=text("state = 'reserved'"), postgresql_where=text("state = 'reserved'")),
    # a void frees its key; a posted spend keeps it for ever
    Index(
        "uq_spends_idempotency_key",
        "actor",
        "project",
        "idempotency_key",
        unique=True,
        sqlite_where=text("idempotency_key IS NOT NULL AND state <> 'void'"),
        postgresql_where=text("idempotency_key IS NOT NULL AND state <> 'void'"),
    ),
)

# what was given to the asker: the noisy table and the document beside it, as one JSON text whose SHA-256 the posting entry holds
answers = Table(
    "answers",
    metadata,
    Column("id", Text, ForeignKey("spends.id"), primary_key=True),
    Column("content", Text, nullable=False),
)

# what an answer offers to other questions of its project: one row a noisy column
offers = Table(
    "offers",
    metadata,
    Column("id", Text, ForeignKey("answers.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("project", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("snapshot", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("keys", Text, nullable=False),
    Column("bounds", Text, nullable=False),
    Column("mechanism", Text, nullable=False),
    Column("scale", Text, nullable=False),
    Index(None, "project", "dataset", "snapshot", "source", "target"),
)

policies = Table(
    "policies",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("digest", Text, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("entry", Integer, ForeignKey("entries.seq"), nullable=False),
)

# the present state of a dataset, a project or a person; no row means active
states = Table(
    "states",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Text, nullable=False),
    CheckConstraint("state IN ('active', 'paused', 'suspended', 'revoked')", name="state"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("entry", Integer, ForeignKey("entries.seq"), nullable=False),
    # sealed: a keyed digest of the set of persons, equal for two datasets of the same people; for the custodian alone
    Column("units", Text),
)

# `registry` counts changes of policies, states and snapshots, so that a reader knows when to read them again
counters = Table("counters", metadata, Column("name", Text, primary_key=True), Column("value", Integer, nullable=False))

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("project", Text),
    Column("password", Text),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("locked_until", Text),
    Column("added_at", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("name", Text, ForeignKey("users.name"), nullable=False, index=True),
    Column("issued_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
    UniqueConstraint("digest"),
)
