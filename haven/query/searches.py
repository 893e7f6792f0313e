"""Total functions that look for one text in another. What is looked for is short: searching takes time in proportion to both lengths."""

from collections.abc import Callable

from haven.query.function import Function, Shapes, UnsureError, expect, named, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import Interval, Shape, boolean, integer
from haven.query.texts import LONGEST_PART, lengths


def _found_shape(name: str, *, anywhere: bool) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        _checked(shapes, name, anywhere=anywhere)
        return boolean(nullable=nullable(shapes))

    return shape


def _checked(shapes: Shapes, name: str, *, anywhere: bool) -> None:
    """Refuse to look anywhere in a text for a long one."""
    expect(shapes, OutputType.TEXT, name=name)
    if anywhere and lengths(shapes[1]).high > LONGEST_PART:
        raise wrong_type(f"{name} looks for a text that may be long.", f"Write {name}(t, 'abc'), or {name}(t, left(u, {LONGEST_PART})).")


def _place_shape(shapes: Shapes) -> Shape:
    _checked(shapes, "strpos", anywhere=True)
    return integer(Interval(0, max(1.0, lengths(shapes[0]).high)), nullable=nullable(shapes))


def _place(value: str, part: str) -> int:
    if not value.isascii():
        raise UnsureError
    return value.find(part) + 1


SEARCHES = (
    Function("starts_with", _found_shape("starts_with", anywhere=False), named("starts_with"), str.startswith),
    Function("ends_with", _found_shape("ends_with", anywhere=False), named("suffix"), str.endswith),
    Function("contains", _found_shape("contains", anywhere=True), named("contains"), lambda value, part: part in value),
    Function("strpos", _place_shape, named("strpos"), _place),
)
