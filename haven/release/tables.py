"""Tables: haven writes them itself from the recorded answer, so that no number in them passed through a researcher's hands."""

import csv
import io
import json
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from haven.release.facts import AnswerFacts, Cell

ERROR_SUFFIX = "_error_95"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ARROW = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "text": pa.string(), "date": pa.date32()}


def render(answer: AnswerFacts) -> dict[str, bytes]:
    """The answer as `.csv`, `.parquet` and `.json` bytes by ending: each column in the order asked, its half-width beside it."""
    return {".csv": _csv(answer), ".parquet": _parquet(answer), ".json": to_json(answer)}


def to_json(answer: AnswerFacts) -> bytes:
    """The answer as canonical JSON: columns, rows, errors, receipt."""
    document = {
        "columns": [{"name": name, "type": kind} for name, kind in answer.columns],
        "rows": answer.rows,
        "errors": answer.errors,
        "receipt": answer.receipt,
    }
    return canonical_json(document)


def canonical_json(document: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """`document` as UTF-8 JSON with sorted keys, no spaces and no NaN: equal values have equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def shown_columns(answer: AnswerFacts) -> list[tuple[str, str, list[Cell]]]:
    """(name, type, values) of each column to write: the answer's own, each followed by its half-widths where it has any."""
    shown: list[tuple[str, str, list[Cell]]] = []
    for index, (name, kind) in enumerate(answer.columns):
        shown.append((name, kind, [row[index] for row in answer.rows]))
        errors: list[Cell] = [row[index] for row in answer.errors]
        if any(error is not None for error in errors):
            shown.append((name + ERROR_SUFFIX, "number", errors))
    return shown


def _csv(answer: AnswerFacts) -> bytes:
    columns = shown_columns(answer)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_guarded(name) for name, _, _ in columns)
    for row in range(len(answer.rows)):
        writer.writerow(_guarded(values[row]) for _, _, values in columns)
    return out.getvalue().encode()


def _guarded(value: Cell) -> Cell:
    """A text that a spreadsheet would run as a formula gets a quote before it; numbers stay as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _parquet(answer: AnswerFacts) -> bytes:
    columns = shown_columns(answer)
    arrays = [pa.array([_typed(value, kind) for value in values], type=_ARROW[kind]) for _, kind, values in columns]
    schema = pa.schema([pa.field(name, _ARROW[kind]) for name, kind, _ in columns], metadata={"haven": canonical_json(answer.receipt)})
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), out)
    return out.getvalue()


def _typed(value: Cell, kind: str) -> object:
    return date.fromisoformat(value) if kind == "date" and isinstance(value, str) else value
