"""Pieces of generated SQL: quoted names, quoted text and exact numbers."""


def quoted(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal."""
    return "'" + text.replace("'", "''") + "'"


def double(value: float) -> str:
    """A DOUBLE constant with exactly this value (a bare 0.5 would be a DECIMAL)."""
    return f"CAST('{value!r}' AS DOUBLE)"
