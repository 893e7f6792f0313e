"""Total functions of text. Where Python and the engine may disagree about letters outside ASCII, nothing is enumerated in Python."""

from collections.abc import Callable

from haven.query.function import Function, Shapes, UnsureError, expect, known, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import EVERYTHING, Shape, integer, text

LARGEST_POSITION = 100_000


def _text_shape(name: str) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.TEXT, name=name)
        return text(nullable=nullable(shapes))

    return shape


def _length_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.TEXT, name="length")
    return integer(EVERYTHING, nullable=nullable(shapes))


def _substring_shape(shapes: Shapes) -> Shape:
    expect(shapes[:1], OutputType.TEXT, name="substring")
    positions = [known(shape) for shape in shapes[1:]]
    if any(position is None or not 1 <= position <= LARGEST_POSITION for position in positions):
        raise wrong_type("substring takes a start and a length that are constants from 1.", "Write substring(x, 1, 3).")
    return text(nullable=nullable(shapes))


def _substring(value: str, start: int, length: int = LARGEST_POSITION) -> str:
    if not value.isascii():
        raise UnsureError
    return value[start - 1 : start - 1 + length]


def _ascii_length(value: str) -> int:
    if not value.isascii():
        raise UnsureError
    return len(value)


def _ascii(of: Callable[[str], str]) -> Callable[[str], str]:
    def evaluate(value: str) -> str:
        if not value.isascii():
            raise UnsureError
        return of(value)

    return evaluate


def _call(name: str) -> Callable[[tuple[str, ...], Shapes], str]:
    return lambda arguments, _: f"{name}({', '.join(arguments)})"


TEXTS = (
    Function("lower", _text_shape("lower"), _call("lower"), _ascii(str.lower)),
    Function("upper", _text_shape("upper"), _call("upper"), _ascii(str.upper)),
    Function("trim", _text_shape("trim"), _call("trim"), lambda value: value.strip(" ")),
    Function("concat", _text_shape("||"), lambda arguments, _: f"({' || '.join(arguments)})", lambda a, b: a + b),
    Function("length", _length_shape, _call("length"), _ascii_length),
    Function("substring", _substring_shape, _call("substring"), _substring),
)
