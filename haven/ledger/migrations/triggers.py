"""Triggers that refuse a statement, written for SQLite and for PostgreSQL. Released migrations use them: what they make never changes."""

from alembic import op

_REFUSE = """
CREATE FUNCTION haven_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
END $$
"""
# the same as the condition that SQLite's trigger holds: the next number, and the digest of the newest entry
_IN_ORDER = """
CREATE FUNCTION haven_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest record;
BEGIN
  SELECT seq, digest INTO newest FROM entries ORDER BY seq DESC LIMIT 1;
  IF NEW.seq <> coalesce(newest.seq, 0) + 1 OR NEW.prev_digest IS DISTINCT FROM coalesce(newest.digest, repeat('0', 64)) THEN
    RAISE EXCEPTION USING MESSAGE = 'entries only grow', ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$
"""
_OUT_OF_ORDER = (
    "NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries) OR "
    "NEW.prev_digest IS NOT coalesce((SELECT digest FROM entries WHERE seq = NEW.seq - 1), printf('%064d', 0))"
)


def prepare() -> None:
    """Make the functions that PostgreSQL's triggers call."""
    if not _sqlite():
        op.execute(_REFUSE)
        op.execute(_IN_ORDER)


def entries_in_order() -> None:
    """An entry has the next number and the digest of the one before; INSERT OR REPLACE and its like are refused with the rest."""
    if _sqlite():
        _refuse_rows("entries_in_order", "INSERT ON entries", "entries only grow", _OUT_OF_ORDER)
    else:
        op.execute("CREATE TRIGGER entries_in_order BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION haven_in_order()")


def only_grow(*tables: str) -> None:
    """Rows of these tables are neither changed nor deleted."""
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            refuse(f"{table}_no_{verb.lower()}", f"{verb} ON {table}", f"{table} only grow")
        never_emptied(table)


def never_emptied(table: str) -> None:
    """PostgreSQL can delete all rows without deleting any: refused too. SQLite has no such statement."""
    if not _sqlite():
        refuse(f"{table}_no_truncate", f"TRUNCATE ON {table}", f"{table} only grow")


def refuse(name: str, on: str, message: str) -> None:
    """Refuse a statement altogether: `on` is a verb and a table."""
    if _sqlite():
        _refuse_rows(name, on, message)
    else:
        op.execute(f"CREATE TRIGGER {name} BEFORE {on} FOR EACH STATEMENT EXECUTE FUNCTION haven_refuse('{message}')")


def refuse_where(name: str, on: str, message: str, when: str) -> None:
    """Refuse a statement for the rows of which `when` is true."""
    if _sqlite():
        _refuse_rows(name, on, message, when)
    else:
        op.execute(f"CREATE TRIGGER {name} BEFORE {on} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION haven_refuse('{message}')")


def _refuse_rows(name: str, on: str, message: str, when: str = "") -> None:
    condition = f"WHEN {when} " if when else ""
    op.execute(f"CREATE TRIGGER {name} BEFORE {on} {condition}BEGIN SELECT RAISE(ABORT, '{message}'); END")


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")
