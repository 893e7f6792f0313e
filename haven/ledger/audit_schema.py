"""The rules that a file of books carries itself: its tables, indexes and the triggers that let entries only grow.

Whoever drops a trigger can change a row; a damaged byte can change what a trigger says. So they are compared with those of new books.
"""

import functools
from collections.abc import Iterable

from sqlalchemy import RowMapping, create_engine
from sqlalchemy.pool import StaticPool

from haven.ledger.audit_reading import Books
from haven.ledger.opening import migrate, present_revision

_RULES = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index', 'trigger')"


def rules_hold(books: Books) -> bool:
    """Whether a file of the present version has the rules of new books; False for a version that nobody knows.

    True for an earlier version, whose rules opening it brings forward, and for a server, which keeps its own.
    """
    if not books.in_a_file:
        return True
    version, present = str(books.number("SELECT version_num FROM alembic_version")), present_revision()
    if version != present:
        return version in {f"{number:04d}" for number in range(1, int(present))}
    return _sorted(books.each(_RULES)) == _expected()


@functools.cache
def _expected() -> list[tuple[str, ...]]:
    """The rules of books that were made a moment ago, in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        migrate(engine)
        with engine.connect() as connection:
            return _sorted(connection.exec_driver_sql(_RULES).mappings())
    finally:
        engine.dispose()


def _sorted(rows: Iterable[RowMapping]) -> list[tuple[str, ...]]:
    return sorted((row["type"], row["name"], row["tbl_name"], row["sql"] or "") for row in rows)
