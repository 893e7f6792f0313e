"""Equal buckets of a number: whole numbers with a public range, so that every bucket is answered, empty ones too."""

import math

from haven.query.function import NUMBERS, Function, Shapes, as_double, expect, known, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import Interval, Shape, integer

MOST_BUCKETS = 10_000


def _settings(shapes: Shapes, name: str) -> tuple[float, float, int]:
    """The bounds and the number of buckets: constants, the lower bound first."""
    expect(shapes, *NUMBERS, name=name)
    low, high, number = (known(shape) for shape in shapes[1:])
    whole = number is not None and shapes[3].type is OutputType.INTEGER and 1 <= number < MOST_BUCKETS
    if low is None or high is None or number is None or not whole or not low < high or not Interval(low, high).bounded:
        raise wrong_type(
            f"{name} takes two constant bounds, the lower first, and a constant number of buckets below {MOST_BUCKETS}.",
            f"Write {name}(x, 0, 100, 20).",
        )
    return low, high, int(number)


def bucket(x: float, low: float, high: float, number: int) -> int:
    """0 below `low`, 1 to `number` for the parts of [low, high), `number` + 1 from `high` on, as PostgreSQL's width_bucket."""
    if x < low:
        return 0
    if x >= high:
        return number + 1
    return min(number, math.floor((float(x) - low) / (float(high) - low) * number) + 1)


def _bucket_shape(shapes: Shapes) -> Shape:
    return integer(Interval(0, _settings(shapes, "width_bucket")[2] + 1), nullable=nullable(shapes))


def _bucket(arguments: tuple[str, ...], shapes: Shapes) -> str:
    number = _settings(shapes, "width_bucket")[2]
    x, start, end = (as_double(sql, shape) for sql, shape in zip(arguments[:3], shapes[:3], strict=True))
    inside = f"least({number}, CAST(floor((({x} - {start}) / ({end} - {start})) * {number}e0) AS BIGINT) + 1)"
    within = f"WHEN {x} >= {start} AND {x} < {end} THEN {inside}"
    return f"CASE WHEN {x} < {start} THEN CAST(0 AS BIGINT) WHEN {x} >= {end} THEN CAST({number + 1} AS BIGINT) {within} END"


def _histogram_shape(shapes: Shapes) -> Shape:
    return integer(Interval(1, _settings(shapes, "haven_histogram")[2]), nullable=nullable(shapes))


def _histogram(arguments: tuple[str, ...], shapes: Shapes) -> str:
    number = _settings(shapes, "haven_histogram")[2]
    x = arguments[0]
    held = f"greatest(1, least({number}, {_bucket(arguments, shapes)}))"
    return f"CASE WHEN {x} IS NOT NULL THEN {held} END" if shapes[0].nullable else held


BUCKETS = (
    Function("width_bucket", _bucket_shape, _bucket, bucket, numeric=True),
    Function(
        "haven_histogram",
        _histogram_shape,
        _histogram,
        lambda x, low, high, number: max(1, min(number, bucket(x, low, high, number))),
        numeric=True,
    ),
)
