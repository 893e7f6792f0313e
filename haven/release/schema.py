"""The desk's tables, in the same books as everything else, so that an act and its audit entry are one transaction."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from haven.ledger.schema import metadata

releases = Table(
    "releases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False, index=True),
    Column("author", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("lane", Text),
    Column("lane_reason", Text),
    Column("tier", Text),
    # review rounds count up at every submission, disagreement and appeal; a checker's completion belongs to one round;
    # a stage (a submission or an appeal) begins with `stage_round`
    Column("round", Integer, nullable=False),
    Column("stage_round", Integer, nullable=False),
    Column("consolidating", Integer, nullable=False),
    Column("appealed_round", Integer),
    Column("created_at", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("decision_entry", Integer, ForeignKey("entries.seq")),
    Column("decision_digest", Text),
    Column("bundle", Text),
)

items = Table(
    "release_items",
    metadata,
    Column("release", Text, ForeignKey("releases.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("form", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("receipt", Text),
    Column("dataset", Text),
    Column("policy_digest", Text),
    Column("files", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("approved", Integer),
)

votes = Table(
    "release_votes",
    metadata,
    Column("release", Text, ForeignKey("releases.id"), primary_key=True),
    Column("item", Text, primary_key=True),
    Column("checker", Text, primary_key=True),
    # bound to the bytes that were looked at: a changed item has another content and so no vote
    Column("content", Text, primary_key=True),
    Column("approves", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("cast_at", Text, nullable=False),
)

completions = Table(
    "release_completions",
    metadata,
    Column("release", Text, ForeignKey("releases.id"), primary_key=True),
    Column("checker", Text, primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("completed_at", Text, nullable=False),
)

history = Table(
    "release_history",
    metadata,
    Column("entry", Integer, ForeignKey("entries.seq"), primary_key=True, autoincrement=False),
    Column("release", Text, ForeignKey("releases.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("item", Text),
    Column("words", Text, nullable=False),
    Index("ix_release_history_release", "release", "entry"),
)
