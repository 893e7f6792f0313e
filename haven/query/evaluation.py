"""The value of a plan's expression in one group, from its noisy values: total, as what is undefined is NULL."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from haven.privacy.tables import Key, KeyValue
from haven.query.functions import CATALOGUE
from haven.query.postprocessing import AS_SHOWN, BOUNDS_TEXT, WHOLE, WITHIN
from haven.query.private_plan import Apply, CellRef, Constant, KeyRef, OutputType, PostExpression, PrivatePlan, TargetRef, UnitsRef
from haven.query.shapes import Value

UNITS = -1
"""The index under which the noisy number of persons behind a key stands beside the targets."""
LOOKED_THROUGH = frozenset({WITHIN, "clamp", "round", "round_to", "floor", "ceil", "trunc", "to_integer", WHOLE, AS_SHOWN})
"""Operations that error bars take for what they are made of."""


@dataclass(frozen=True, slots=True)
class Gradient:
    """Slopes in the noise of single values, by row of the noisy table and target; `squares` are the sums of their squares, by target."""

    slopes: Mapping[tuple[int, int], float]
    squares: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its key and its noisy values by target: numbers in real units, and what was chosen.

    Cells that levels made stand beside the targets, at their places. `number` tells the rows of the noisy table apart, and `gradients`
    say how a cell follows the noise (None: not smoothly). `variances` are what those of the plan's noises are multiplied with, by target,
    where a group is of several noisy cells.
    """

    key: Key
    values: Mapping[int, Value]
    variances: tuple[float, ...] | None = None
    number: int = 0
    gradients: Mapping[int, "Gradient | None"] = field(default_factory=dict)


Evaluate = Callable[[Group], Value]


def compiled(expression: PostExpression, plan: PrivatePlan, *, smooth: bool = False) -> Evaluate:  # noqa: PLR0911 - a kind of expression a line
    """`expression` as a function of a group. `smooth` looks through roundings and the bounds of means, for derivatives."""
    match expression:
        case TargetRef(index=index):
            return lambda group: group.values[index]
        case UnitsRef():
            return lambda group: group.values[UNITS]
        case KeyRef(index=index):
            return _key(index, plan.keys[index].type if index < len(plan.keys) else OutputType.INTEGER)
        case CellRef(place=place):
            return lambda group: group.values[place]
        case Constant(value=value):
            return lambda _: value
        case Apply(operation=operation, arguments=arguments):
            parts = tuple(compiled(argument, plan, smooth=smooth) for argument in arguments)
            if smooth and operation in LOOKED_THROUGH:
                return parts[0]
            function = OWN[operation] if operation in OWN else CATALOGUE[operation].value
            return lambda group: function(*[part(group) for part in parts])


def _within(mean: Any, low: Any, high: Any) -> Value:  # noqa: ANN401 - scalars of the plan
    return None if mean is None else max(low, min(high, mean))


def _bounds_text(name: str, low: float, high: float) -> Value:
    """The clamp to write; NULL where noise put both bounds on one value."""
    low, high = sorted((low, high))
    return None if low == high else f"clamp({_identifier(name)}, {_plain(low)}, {_plain(high)})"


def _identifier(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _plain(bound: float) -> str:
    return str(int(bound)) if bound.is_integer() else str(bound)


def _as_shown(value: float, grid: float) -> float:
    return round(value / grid) * grid


OWN: Mapping[str, Callable[..., Value]] = {
    WITHIN: _within,
    WHOLE: CATALOGUE["to_integer"].value,
    AS_SHOWN: _as_shown,
    BOUNDS_TEXT: _bounds_text,
}
"""Operations above the noise alone, which no question spells."""


def _key(index: int, kind: OutputType) -> Evaluate:
    if kind is OutputType.DATE:
        return lambda group: _as_date(group.key[index])
    return lambda group: group.key[index]


def _as_date(value: KeyValue) -> date | None:
    return None if value is None else date.fromisoformat(str(value))


def targets_in(expression: PostExpression) -> frozenset[int]:
    """The targets an expression reads."""
    match expression:
        case TargetRef(index=index):
            return frozenset({index})
        case UnitsRef():
            return frozenset({UNITS})
        case CellRef(place=place):
            return frozenset({place})
        case Apply(arguments=arguments):
            return frozenset().union(*map(targets_in, arguments))
        case _:
            return frozenset()
