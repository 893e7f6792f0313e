"""Total functions of text. Where Python and the engine may disagree about letters outside ASCII, nothing is enumerated in Python.

How long a text can be is known before any row is read: the interval of its shape bounds its characters. What could grow beyond
`LONGEST_RESULT` is refused, so that nobody's own text costs unbounded time or memory.
"""

from collections.abc import Callable
from typing import Any

from haven.errors import Code, Refused
from haven.query.function import Function, Render, Shapes, UnsureError, expect, known, named, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import Interval, Shape, integer, text

LARGEST_POSITION = 100_000
LONGEST_RESULT = 4096
LONGEST_PART = 255
"""What is looked for in a text: searching takes time in proportion to both lengths."""
LONGEST_PADDED = 1000


def lengths(shape: Shape) -> Interval:
    """The number of characters a text can have; a bare NULL has none."""
    return shape.interval if shape.type is OutputType.TEXT else Interval(0, 0)


def made_of(shapes: Shapes, interval: Interval) -> Shape:
    """A text of so many characters, NULL where any of `shapes` is. Raises Refused beyond the limit."""
    if interval.high > LONGEST_RESULT:
        raise Refused(
            Code.QUERY_TOO_LARGE,
            f"A text could become longer than {LONGEST_RESULT} characters.",
            "Cut its parts first, as in left(t, 100) || left(u, 100).",
        )
    return text(nullable=nullable(shapes), lengths=interval)


def _same_length(name: str) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.TEXT, name=name)
        return made_of(shapes, lengths(shapes[0]))

    return shape


def _trim_shape(name: str) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.TEXT, name=name)
        if any(lengths(each).high > LONGEST_PART for each in shapes[1:]):
            raise wrong_type(f"{name} cuts off the characters of a long text.", f"Write {name}(t, '-.') with the characters to cut off.")
        return made_of(shapes, Interval(0, lengths(shapes[0]).high))

    return shape


def _trim(name: str, strip: Callable[[str, str], str]) -> Function:
    def evaluate(value: str, characters: str = " ") -> str:
        return strip(value, _plain(characters))

    return Function(name, _trim_shape(name), named(name), evaluate)


def _concat_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.TEXT, name="||")
    return made_of(shapes, lengths(shapes[0]) + lengths(shapes[1]))


def _concat_ws_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.TEXT, name="concat_ws")
    between, parts = lengths(shapes[0]).high, [lengths(each).high for each in shapes[1:]]
    return made_of(shapes[:1], Interval(0, sum(parts) + between * (len(parts) - 1)))


def _concat_ws(between: str | None, *parts: str | None) -> str | None:
    return None if between is None else between.join(part for part in parts if part is not None)


def _length_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.TEXT, name="length")
    return integer(lengths(shapes[0]), nullable=nullable(shapes))


def position(shape: Shape, least: int, most: int) -> int | None:
    """A constant whole number within limits; None where the argument is anything else."""
    value = known(shape) if shape.type is OutputType.INTEGER else None
    return int(value) if value is not None and least <= value <= most else None


def _substring_shape(shapes: Shapes) -> Shape:
    expect(shapes[:1], OutputType.TEXT, name="substring")
    positions = [position(shape, 1, LARGEST_POSITION) for shape in shapes[1:]]
    if None in positions:
        raise wrong_type("substring takes a start and a length that are constants from 1.", "Write substring(x, 1, 3).")
    most = max(0.0, lengths(shapes[0]).high - (positions[0] or 1) + 1)
    return made_of(shapes, Interval(0, min([most, *(each for each in positions[1:] if each is not None)])))


def _side_shape(name: str) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes[:1], OutputType.TEXT, name=name)
        number = position(shapes[1], 0, LARGEST_POSITION)
        if number is None:
            raise wrong_type(f"{name} takes a constant number of characters from 0.", f"Write {name}(t, 3).")
        return made_of(shapes, Interval(min(lengths(shapes[0]).low, number), min(lengths(shapes[0]).high, number)))

    return shape


def _split_shape(shapes: Shapes) -> Shape:
    expect(shapes[:2], OutputType.TEXT, name="split_part")
    if position(shapes[2], 1, LONGEST_PADDED) is None or not _short(shapes[1]):
        raise wrong_type("split_part takes a delimiter and a constant number from 1.", "Write split_part(t, '-', 1).")
    return made_of(shapes, Interval(0, lengths(shapes[0]).high))


def _replace_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.TEXT, name="replace")
    if not _short(shapes[1]):
        raise wrong_type("replace takes a short text to be replaced.", "Write replace(t, 'a', 'b').")
    whole, old, new = (lengths(shape) for shape in shapes)
    most = whole.high if new.high <= old.low else whole.high // old.low * new.high + whole.high
    return made_of(shapes, Interval(0, most))


def _pad_shape(name: str) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        expect((shapes[0], shapes[2]), OutputType.TEXT, name=name)
        number = position(shapes[1], 0, LONGEST_PADDED)
        if number is None or not _short(shapes[2]):
            raise wrong_type(f"{name} takes a constant length up to {LONGEST_PADDED}, and what to fill with.", f"Write {name}(t, 5, '0').")
        return made_of(shapes, Interval(number, number))

    return shape


def _padding_call(name: str) -> Render:
    return lambda arguments, _: f"{name}({arguments[0]}, CAST({arguments[1]} AS INTEGER), {arguments[2]})"


def _short(shape: Shape) -> bool:
    """Whether a text is never empty, and short enough to be looked for."""
    return shape.type is None or (lengths(shape).low >= 1 and lengths(shape).high <= LONGEST_PART)


def _plain(value: str) -> str:
    """`value` if it is of single-byte characters alone."""
    if not value.isascii():
        raise UnsureError
    return value


def _ascii(of: Callable[..., Any]) -> Callable[..., Any]:
    """The same, sure of ASCII alone."""

    def evaluate(*values: Any) -> Any:  # noqa: ANN401 - texts and positions
        return of(*(_plain(value) if isinstance(value, str) else value for value in values))

    return evaluate


def _substring(value: str, start: int, length: int = LARGEST_POSITION) -> str:
    return value[start - 1 : start - 1 + length]


def _part(value: str, delimiter: str, number: int) -> str:
    parts = value.split(delimiter)
    return parts[number - 1] if number <= len(parts) else ""


def _padding(value: str, length: int, fill: str) -> str:
    return (fill * length)[: max(0, length - len(value))]


_infix: Render = lambda arguments, _: f"({' || '.join(arguments)})"  # noqa: E731 - one rendering beside `named`
TEXTS = (
    Function("lower", _same_length("lower"), named("lower"), _ascii(str.lower)),
    Function("upper", _same_length("upper"), named("upper"), _ascii(str.upper)),
    Function("reverse", _same_length("reverse"), named("reverse"), _ascii(lambda value: value[::-1])),
    _trim("trim", str.strip),
    _trim("ltrim", str.lstrip),
    _trim("rtrim", str.rstrip),
    Function("concat", _concat_shape, _infix, lambda a, b: a + b),
    Function("concat_ws", _concat_ws_shape, named("concat_ws"), _concat_ws, strict=False),
    Function("length", _length_shape, named("length"), _ascii(len)),
    Function("substring", _substring_shape, named("substring"), _ascii(_substring)),
    Function("left", _side_shape("left"), named("left"), _ascii(lambda value, number: value[:number])),
    Function("right", _side_shape("right"), named("right"), _ascii(lambda value, number: value[max(0, len(value) - number) :])),
    Function("split_part", _split_shape, named("split_part"), _part),
    Function("replace", _replace_shape, named("replace"), str.replace),
    Function("lpad", _pad_shape("lpad"), _padding_call("lpad"), _ascii(lambda t, n, fill: _padding(t, n, fill) + t[:n])),
    Function("rpad", _pad_shape("rpad"), _padding_call("rpad"), _ascii(lambda t, n, fill: t[:n] + _padding(t, n, fill))),
)
