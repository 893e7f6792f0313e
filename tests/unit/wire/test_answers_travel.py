"""Answers over the wire: what goes in comes out, in plain types, whatever the values."""

import json
import math
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haven.wire.answers import AnswerMessage, CellType, Column, plain
from haven.wire.arrow import ARROW_TYPES, MalformedAnswerError, decode, encode

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
INT64 = st.integers(-(2**63), 2**63 - 1)
CELLS: dict[CellType, st.SearchStrategy[Any]] = {
    CellType.INTEGER: INT64,
    CellType.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    CellType.BOOLEAN: st.booleans(),
    CellType.TEXT: TEXT,
    CellType.DATE: st.dates().map(date.isoformat),
}
ERROR = st.none() | st.floats(0, allow_nan=False, allow_infinity=False)


@st.composite
def answers(draw: st.DrawFn) -> AnswerMessage:
    columns = tuple(Column(draw(TEXT), draw(st.sampled_from(CellType))) for _ in range(draw(st.integers(1, 5))))
    height = draw(st.integers(0, 6))
    rows = tuple(tuple(draw(st.none() | CELLS[column.type]) for column in columns) for _ in range(height))
    errors = tuple(tuple(draw(ERROR) for _ in columns) for _ in range(height))
    return AnswerMessage(columns, rows, errors, {"id": draw(TEXT), "cost": {"rho": "0.1"}})


@settings(deadline=None)  # the first Arrow call loads its libraries
@given(answers())
def test_what_goes_in_comes_out(answer: AnswerMessage) -> None:
    decoded = decode(encode(answer))
    given_back = [column.to_pylist() for column in decoded.table.columns]
    for position, column in enumerate(answer.columns):
        sent = [row[position] for row in answer.rows]
        expected = [None if cell is None else date.fromisoformat(str(cell)) if column.type is CellType.DATE else cell for cell in sent]
        assert given_back[position] == expected
    assert decoded.table.column_names == [column.name for column in answer.columns]
    assert decoded.errors == [list(row) for row in answer.errors]
    assert decoded.receipt == dict(answer.receipt)


@given(answers())
def test_a_stream_is_one_batch_of_plain_nullable_columns_whatever_the_values(answer: AnswerMessage) -> None:
    with pa.ipc.open_stream(encode(answer)) as reader:
        batches = list(reader)
        schema = reader.schema
    assert len(batches) == 1
    assert all(field.nullable for field in schema)
    assert schema.types == [ARROW_TYPES[column.type] for column in answer.columns]
    assert not any(pa.types.is_dictionary(kind) for kind in schema.types)


@given(answers())
def test_the_json_form_is_strict_json_with_the_same_cells(answer: AnswerMessage) -> None:
    body = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert body["rows"] == [list(row) for row in answer.rows]
    assert body["errors"] == [list(row) for row in answer.errors]
    assert [column["name"] for column in body["columns"]] == [column.name for column in answer.columns]


@pytest.mark.parametrize(
    ("cell", "kind", "given_back"),
    [
        (2**63, CellType.INTEGER, None),
        (-(2**63) - 1, CellType.INTEGER, None),
        (2**63 - 1, CellType.INTEGER, 2**63 - 1),
        (-(2**63), CellType.INTEGER, -(2**63)),
        (3.0, CellType.INTEGER, 3),
        (3.5, CellType.INTEGER, None),
        (math.nan, CellType.INTEGER, None),
        (math.inf, CellType.NUMBER, None),
        (math.nan, CellType.NUMBER, None),
        (10**400, CellType.NUMBER, None),
        (3, CellType.NUMBER, 3.0),
        ("2024-02-29", CellType.DATE, date(2024, 2, 29)),
    ],
)
def test_what_has_no_value_of_its_type_is_missing(cell: Any, kind: CellType, given_back: object) -> None:  # noqa: ANN401 - cells of every type
    assert plain(cell, kind) == given_back


@pytest.mark.parametrize(
    ("cell", "kind"), [("1", CellType.INTEGER), (True, CellType.NUMBER), (1, CellType.TEXT), (1, CellType.BOOLEAN), (1.5, CellType.DATE)]
)
def test_a_cell_of_another_kind_is_a_mistake_of_haven(cell: Any, kind: CellType) -> None:  # noqa: ANN401 - cells of every type
    with pytest.raises(TypeError):
        plain(cell, kind)


def test_an_answer_is_rectangular() -> None:
    columns = (Column("a", CellType.INTEGER), Column("b", CellType.INTEGER))
    for rows, errors in [(((1,),), ((None, None),)), (((1, 2),), ()), (((1, 2),), ((None,),))]:
        with pytest.raises(ValueError, match="one shape"):
            AnswerMessage(columns, rows, errors, {})


def stream(schema: pa.Schema, rows: int = 1) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays([pa.array([1] * rows, schema.types[0])], schema=schema))
    return sink.getvalue().to_pybytes()


GOOD = {b"haven": b'{"id":"r"}', b"haven.errors": b"[[1.5]]"}


def test_the_reference_stream_of_the_next_test_is_an_answer() -> None:
    assert decode(stream(pa.schema([pa.field("n", pa.int64())], GOOD))).errors == [[1.5]]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {**GOOD, b"haven": b"[]"},
        {**GOOD, b"haven": b"{"},
        {**GOOD, b"haven.errors": b"[]"},
        {**GOOD, b"haven.errors": b"[[1.5, 2]]"},
        {**GOOD, b"haven.errors": b'[["x"]]'},
        {**GOOD, b"haven.errors": b"[[true]]"},
        {**GOOD, b"haven.errors": b"7"},
    ],
)
def test_other_metadata_is_no_answer(metadata: dict[bytes, bytes]) -> None:
    with pytest.raises(MalformedAnswerError):
        decode(stream(pa.schema([pa.field("n", pa.int64())], metadata)))


def test_another_column_type_is_no_answer() -> None:
    with pytest.raises(MalformedAnswerError):
        decode(stream(pa.schema([pa.field("n", pa.int8())], GOOD)))


@given(st.binary(max_size=200), st.integers(0, 300))
def test_broken_bytes_are_no_answer_and_nothing_worse(noise: bytes, cut: int) -> None:
    whole = stream(pa.schema([pa.field("n", pa.int64())], GOOD))
    for broken in (noise, whole[:cut], whole[:cut] + noise):
        try:
            decoded = decode(broken)
        except MalformedAnswerError:
            continue
        assert decoded.receipt == {"id": "r"}
