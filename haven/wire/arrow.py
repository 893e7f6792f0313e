"""The answer as an Arrow IPC stream: one record batch of plain types, built from lists.

The stream's schema carries two metadata entries: `haven`, the receipt as JSON, and `haven.errors`, the 95 % half-widths as JSON, row by
row in the table's own shape (null for keys). The table itself thus holds the columns that were asked for, and nothing else.

Built from Python values alone, without dictionaries and with fixed nullability, so that no byte of an engine's buffers and no trace of a
dropped group can travel with it.
"""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from haven.wire.answers import AnswerMessage, CellType, errors_to_json, plain

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
RECEIPT_KEY = b"haven"
ERRORS_KEY = b"haven.errors"

ARROW_TYPES: dict[CellType, pa.DataType] = {
    CellType.INTEGER: pa.int64(),
    CellType.NUMBER: pa.float64(),
    CellType.BOOLEAN: pa.bool_(),
    CellType.TEXT: pa.string(),
    CellType.DATE: pa.date32(),
}


class MalformedAnswerError(ValueError):
    """The bytes are not an answer."""


@dataclass(frozen=True, slots=True)
class DecodedAnswer:
    """What a stream held: the table, the half-widths (`errors[i][j]`, in the table's shape) and the receipt."""

    table: pa.Table
    errors: list[list[float | None]]
    receipt: dict[str, Any]


def encode(answer: AnswerMessage) -> bytes:
    """The answer as one Arrow IPC stream with exactly one record batch."""
    fields = [pa.field(column.name, ARROW_TYPES[column.type], nullable=True) for column in answer.columns]
    schema = pa.schema(fields, metadata={RECEIPT_KEY: _dump(dict(answer.receipt)), ERRORS_KEY: _dump(errors_to_json(answer.errors))})
    arrays = [
        pa.array([plain(row[index], column.type) for row in answer.rows], type=ARROW_TYPES[column.type])
        for index, column in enumerate(answer.columns)
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return sink.getvalue().to_pybytes()


def decode(stream: bytes) -> DecodedAnswer:
    """The answer in `stream`. Raises MalformedAnswerError for anything that `encode` did not make."""
    try:
        table = pa.ipc.open_stream(stream).read_all()
        table.validate(full=True)
        metadata = table.schema.metadata or {}
        receipt, errors = json.loads(metadata[RECEIPT_KEY]), json.loads(metadata[ERRORS_KEY])
    except (pa.ArrowException, ValueError, KeyError, OSError, RecursionError):
        raise MalformedAnswerError from None
    if not isinstance(receipt, dict) or not _fits(errors, table) or not set(table.schema.types) <= set(ARROW_TYPES.values()):
        raise MalformedAnswerError
    return DecodedAnswer(table, errors, receipt)


def _fits(errors: object, table: pa.Table) -> bool:
    """One number or null for each cell."""
    if not isinstance(errors, list) or len(errors) != table.num_rows:
        return False
    return all(isinstance(row, list) and len(row) == table.num_columns and all(_is_error(error) for error in row) for row in errors)


def _is_error(error: object) -> bool:
    return error is None or (isinstance(error, int | float) and not isinstance(error, bool))


def _dump(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
