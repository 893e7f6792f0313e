"""How a source's cell becomes a stored value: total SQL expressions, which no cell can make fail.

A cell is parsed (`Parsed.value`: NULL where it is missing or cannot be read), then stored: clamped to the declared bounds, put on the fixed
point grid, cut to the longest text, or set to NULL where its category is not listed. `status` says for the quality report what happened
to each cell.
"""

from dataclasses import dataclass
from enum import IntEnum

from haven.catalog.dataset import Column, ColumnType
from haven.catalog.layout import LONGEST_TEXT, PhysicalColumn, PhysicalKind
from haven.engines.sql_text import double, literal, quoted

SPACE = "' \t\r\n\f\v'"
LARGEST_EXACT = double(2.0**53)
NOTHING = '"NULL"'  # the type of a column without a single value
FLOATS = ("FLOAT", "DOUBLE")
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
TIMES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


class CellStatus(IntEnum):
    """What happened to a cell at ingest."""

    STORED = 0
    MISSING = 1
    UNREADABLE = 2
    OUT_OF_BOUNDS = 3
    UNLISTED = 4
    CUT = 5


@dataclass(frozen=True, slots=True)
class Parsed:
    """SQL for a cell's `value` (NULL where missing or unreadable) and for whether it is `missing`."""

    value: str
    missing: str


def text_of(cell: str, kind: str) -> str | None:
    """A cell as text without space at its ends, NULL where nothing is left; a whole number has no decimals. None: the type has no text."""
    if kind in FLOATS:
        whole = f"isfinite({cell}) AND {cell} = trunc({cell}) AND abs({cell}) <= {LARGEST_EXACT}"
        return f"CASE WHEN isnan({cell}) THEN NULL WHEN {whole} THEN TRY_CAST({cell} AS BIGINT)::VARCHAR ELSE {cell}::VARCHAR END"
    if kind in WHOLE or kind in {"BOOLEAN", "DATE", "UUID", *TIMES} or kind.startswith("DECIMAL"):
        return f"{cell}::VARCHAR"
    return f"nullif({_trimmed(cell)}, '')" if _is_text(kind) else None


def unit_of(cell: str, kind: str) -> str | None:
    """A person's id under the one declared normalisation: `text_of`, in Unicode's composed form (NFC). None: the type cannot be an id."""
    text = text_of(cell, kind)
    return text and f"nfc_normalize({text})"


def parse(column: Column, cell: str, kind: str) -> Parsed | None:
    """SQL that reads `cell`, of the DuckDB type `kind`, as `column` declares it. None where no cell of that type can be read so."""
    if column.type is ColumnType.CATEGORY:
        text = text_of(cell, kind)
        return None if text is None else Parsed(text, f"{text} IS NULL")
    if column.type is ColumnType.DATE:
        return _date(cell, kind)
    number = _number(cell, kind)
    if number is None or column.type is ColumnType.NUMBER:
        return number
    if column.type is ColumnType.BOOLEAN:
        return Parsed(_zero_or_one(cell, kind, number.value), number.missing)
    return Parsed(_whole(column, cell, kind, number.value), number.missing)


def _number(cell: str, kind: str) -> Parsed | None:
    """A cell as a finite DOUBLE; NaN is missing, an infinity is unreadable."""
    if _is_text(kind):
        text = _trimmed(cell)
        return Parsed(_finite(f"TRY_CAST({text} AS DOUBLE)"), f"nullif({text}, '') IS NULL")
    if kind in FLOATS:
        return Parsed(_finite(f"{cell}::DOUBLE"), f"({cell} IS NULL OR isnan({cell}))")
    if kind in WHOLE or kind == "BOOLEAN" or kind.startswith("DECIMAL"):
        return Parsed(f"TRY_CAST({cell} AS DOUBLE)", f"{cell} IS NULL")
    return None


def _zero_or_one(cell: str, kind: str, number: str) -> str:
    value = f"CASE WHEN {number} IN (0, 1) THEN {number} END"
    if not _is_text(kind):
        return value
    return f"CASE lower({_trimmed(cell)}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE {value} END"


def _whole(column: Column, cell: str, kind: str, number: str) -> str:
    """A whole number. Bounds lie within ±2^53, where a DOUBLE is exact, and clamp what lies beyond; without bounds it must fit a BIGINT."""
    if column.bounds is not None:
        return f"CASE WHEN {number} = trunc({number}) THEN {number} END"
    exact = f"TRY_CAST({_trimmed(cell) if _is_text(kind) else cell} AS BIGINT)"
    return exact if kind in WHOLE else f"CASE WHEN {number} = trunc({number}) THEN {exact} END"


def _finite(value: str) -> str:
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def _date(cell: str, kind: str) -> Parsed | None:
    """A cell as days since 1970-01-01."""
    text = _trimmed(cell)
    if not (_is_text(kind) or kind == "DATE" or kind in TIMES):
        return None
    day = f"TRY_CAST({text} AS DATE)" if _is_text(kind) else f"TRY_CAST({cell} AS DATE)"
    missing = f"nullif({text}, '') IS NULL" if _is_text(kind) else f"{cell} IS NULL"
    return Parsed(f"CASE WHEN isfinite({day}) THEN {day} - DATE '1970-01-01' END", missing)


def _trimmed(cell: str) -> str:
    return f"trim({cell}::VARCHAR, {SPACE})"


def _is_text(kind: str) -> bool:
    return kind in {"VARCHAR", NOTHING} or kind.startswith("ENUM")


def stored(column: Column, physical: PhysicalColumn, value: str) -> str:
    """SQL for what `physical` stores of the parsed `value`."""
    if physical.kind is PhysicalKind.TEXT:
        # a key is compared whole: what would be equal to it only when cut is another text
        return _cut(value) if column.keys is None else f"CASE WHEN {value} IN ({_listed(column.keys)}) THEN {value} END"
    if column.interval is None:
        return f"CAST({value} AS {physical.sql_type})"
    low, high = column.interval
    clamped = f"greatest({double(float(low))}, least({double(float(high))}, {value}))"
    if physical.kind is PhysicalKind.FIXED and physical.grid is not None:
        steps = f"round({clamped} / {double(physical.grid.step)})"
        clamped = f"greatest({physical.low}, least({physical.high}, TRY_CAST({steps} AS BIGINT)))"
    # greatest and least ignore NULL, so a NULL must not reach them
    return f"CASE WHEN {value} IS NOT NULL THEN CAST({clamped} AS {physical.sql_type}) END"


def status(column: Column, value: str, missing: str) -> str:
    """SQL for the CellStatus of a cell."""
    cases = [f"WHEN {missing} THEN {CellStatus.MISSING:d}", f"WHEN {value} IS NULL THEN {CellStatus.UNREADABLE:d}"]
    if column.keys is not None:
        cases.append(f"WHEN {value} NOT IN ({_listed(column.keys)}) THEN {CellStatus.UNLISTED:d}")
    elif column.type is ColumnType.CATEGORY:
        cases.append(f"WHEN {_too_long(value)} THEN {CellStatus.CUT:d}")
    elif column.interval is not None:
        low, high = (double(float(bound)) for bound in column.interval)
        cases.append(f"WHEN {value} NOT BETWEEN {low} AND {high} THEN {CellStatus.OUT_OF_BOUNDS:d}")
    return f"CAST(CASE {' '.join(cases)} ELSE {CellStatus.STORED:d} END AS TINYINT)"


def _cut(text: str) -> str:
    """A text's first LONGEST_TEXT characters, without a space that would now end them."""
    return f"CASE WHEN {_too_long(text)} THEN trim(left({text}, {LONGEST_TEXT}), {SPACE}) ELSE {text} END"


def _too_long(text: str) -> str:
    # bytes are known without counting, and a text has no more characters than bytes
    return f"(strlen({text}) > {LONGEST_TEXT} AND length({text}) > {LONGEST_TEXT})"


def _listed(keys: tuple[str, ...]) -> str:
    return ", ".join(literal(key) for key in keys)


def declaration(column: Column, physical: PhysicalColumn) -> str:
    """SQL that declares the stored column, with the CHECK that makes its bounds a fact about the file."""
    name = quoted(physical.name)
    parts = [name, physical.sql_type] + ([] if physical.nullable else ["NOT NULL"])
    if physical.kind is PhysicalKind.DOUBLE:
        bounds = column.interval
        within = f"isfinite({name})" if bounds is None else f"{name} BETWEEN {double(float(bounds[0]))} AND {double(float(bounds[1]))}"
        parts.append(f"CHECK ({within})")
    elif physical.kind is PhysicalKind.TEXT:
        parts.append(f"CHECK (length({name}) <= {LONGEST_TEXT})")
    elif physical.low is not None:
        parts.append(f"CHECK ({name} BETWEEN {physical.low} AND {physical.high})")
    return " ".join(parts)
