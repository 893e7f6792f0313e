"""Station 10's arithmetic: outputs, HAVING, ORDER BY and LIMIT over noisy integers. Post-processing: it costs nothing and cannot fail."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from haven.privacy.accuracy import combined_half_width
from haven.privacy.choices import Choice
from haven.privacy.tables import Key, KeyValue, NoisyTable
from haven.query.dates import DATES
from haven.query.functions import CATALOGUE
from haven.query.periods import PERIODS
from haven.query.postprocessing import BOUNDS_TEXT, WITHIN
from haven.query.private_plan import Apply, Constant, KeyRef, OutputType, PostExpression, PrivatePlan, Target, TargetRef, UnitsRef
from haven.query.searches import SEARCHES
from haven.query.shapes import Value
from haven.query.texts import TEXTS

Cell = str | int | float | bool | None
UNITS = -1
"""The index under which the noisy number of persons behind a key stands beside the targets."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer's rows, and the 95 % half-width of each cell: None for keys, texts and where none can be said."""

    rows: tuple[tuple[Cell, ...], ...]
    errors: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """One group: its key and its noisy values by target: numbers in real units, and what was chosen."""

    key: Key
    values: Mapping[int, KeyValue | float]


Evaluate = Callable[[_Group], Value]


def finish(plan: PrivatePlan, noisy: NoisyTable) -> Finished:
    """The answer of `plan` from its noisy table.

    Rows stand in the order asked, else by key in declared order. Undefined values are NULL. Errors are 95 % half-widths by linear
    propagation of the noise (the delta method); they look through roundings and the bounds of means, and know nothing of bias.
    """
    groups = _ordered(plan, [group for group in _groups(plan, noisy) if _holds(plan, group)])
    end = None if plan.limit is None else plan.offset + plan.limit
    shown = groups[plan.offset : end]
    cells = [(_compiled(output.expression, plan), output.type) for output in plan.outputs]
    errors = [_error_of(output.expression, plan) for output in plan.outputs]
    return Finished(
        tuple(tuple(_cell(evaluate(group), kind) for evaluate, kind in cells) for group in shown),
        tuple(tuple(error(group) for error in errors) for group in shown),
    )


def expected_errors(plan: PrivatePlan) -> dict[str, float | None]:
    """The 95 % half-width of every output known before asking: linear in counts and sums; None where only the answer can tell."""
    return {output.name: _linear_error(plan, linear_form(output.expression, plan)) for output in plan.outputs}


def errors_at(plan: PrivatePlan, values: Mapping[int, float]) -> dict[str, float | None]:
    """The 95 % half-width that every output would have in a group whose targets have these values; None where none can be said."""
    group = _Group(tuple(None for _ in plan.keys), values)
    return {output.name: _error_of(output.expression, plan)(group) for output in plan.outputs}


def _groups(plan: PrivatePlan, noisy: NoisyTable) -> Iterator[_Group]:
    for row, key in enumerate(noisy.keys):
        values = {index: _real(column[row], target) for index, (column, target) in enumerate(zip(noisy.columns, plan.targets, strict=True))}
        if noisy.units is not None:
            values[UNITS] = noisy.units[row]
        yield _Group(key, values)


def _real(noisy: int, target: Target) -> KeyValue | float:
    """A noisy integer in real units; of a choice, the candidate chosen."""
    if target.candidates is not None:
        return target.candidates[noisy]
    return noisy if target.grid == 1 else noisy * target.grid


def _holds(plan: PrivatePlan, group: _Group) -> bool:
    return plan.having is None or _compiled(plan.having, plan)(group) is True


def _ordered(plan: PrivatePlan, groups: list[_Group]) -> list[_Group]:
    """By key as declared, then by the terms of ORDER BY from the last to the first: each sort keeps the order of equals."""
    positions = [_positions(key.domain) for key in plan.keys]
    order = plan.key_order or tuple(range(len(plan.keys)))
    groups = sorted(groups, key=lambda group: [_position(positions[index], group.key[index]) for index in order])
    for term in reversed(plan.order):
        evaluate = _compiled(term.expression, plan)
        present = [group for group in groups if evaluate(group) is not None]
        missing = [group for group in groups if evaluate(group) is None]
        present.sort(key=_sortable(evaluate), reverse=term.descending)
        groups = [*missing, *present] if term.nulls_first else [*present, *missing]
    return groups


def _sortable(evaluate: Evaluate) -> Callable[[_Group], Any]:
    return evaluate


def _positions(domain: tuple[KeyValue, ...] | None) -> Mapping[KeyValue, int] | None:
    return None if domain is None else {value: index for index, value in enumerate(domain)}


def _position(positions: Mapping[KeyValue, int] | None, value: KeyValue) -> tuple[bool, Any]:
    """Public values in declared order, private ones ascending; NULL last."""
    if value is None:
        return (True, 0)
    return (False, value if positions is None else positions.get(value, len(positions)))


def _compiled(expression: PostExpression, plan: PrivatePlan, *, smooth: bool = False) -> Evaluate:
    """`expression` as a function of a group. `smooth` looks through roundings and the bounds of means, for derivatives."""
    match expression:
        case TargetRef(index=index):
            return lambda group: group.values[index]
        case UnitsRef():
            return lambda group: group.values[UNITS]
        case KeyRef(index=index):
            return _key(index, plan.keys[index].type)
        case Constant(value=value):
            return lambda _: value
        case Apply(operation=operation, arguments=arguments):
            parts = tuple(_compiled(argument, plan, smooth=smooth) for argument in arguments)
            if smooth and operation in LOOKED_THROUGH:
                return parts[0]
            function = OWN[operation] if operation in OWN else CATALOGUE[operation].value
            return lambda group: function(*[part(group) for part in parts])


LOOKED_THROUGH = frozenset({WITHIN, "clamp", "round", "round_to", "floor", "ceil", "trunc", "to_integer"})
PASSED_ON = LOOKED_THROUGH - {WITHIN} | {"to_number"}
STEP = 2.0**-20
STEPWISE = frozenset(function.name for function in (*DATES, *PERIODS, *TEXTS, *SEARCHES)) | {"to_text", "to_date", "like", "ilike"}


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


OWN: Mapping[str, Callable[..., Value]] = {WITHIN: _within, BOUNDS_TEXT: _bounds_text}
"""Operations above the noise alone, which no question spells."""


def _key(index: int, kind: OutputType) -> Evaluate:
    if kind is OutputType.DATE:
        return lambda group: _as_date(group.key[index])
    return lambda group: group.key[index]


def _as_date(value: KeyValue) -> date | None:
    return None if value is None else date.fromisoformat(str(value))


def _cell(value: Value, kind: OutputType) -> Cell:
    """A value of the output's type, as it travels: dates as ISO text."""
    match value:
        case None:
            return None
        case date():
            return value.isoformat()
        case bool() | str():
            return value
    try:
        return _finite(float(value)) if kind is OutputType.NUMBER else int(value)
    except OverflowError:
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def targets_in(expression: PostExpression) -> frozenset[int]:
    """The targets an expression reads."""
    match expression:
        case TargetRef(index=index):
            return frozenset({index})
        case UnitsRef():
            return frozenset({UNITS})
        case Apply(arguments=arguments):
            return frozenset().union(*map(targets_in, arguments))
        case _:
            return frozenset()


Form = Mapping[int, float] | None


def linear_form(expression: PostExpression, plan: PrivatePlan) -> Form:
    """The coefficients of a sum of targets (and a constant), in real units; None for anything else."""
    if not targets_in(expression):
        return {} if isinstance(expression, Constant) else None
    match expression:
        case TargetRef(index=index):
            return {index: 1.0} if plan.targets[index].candidates is None else None
        case Apply(operation=operation, arguments=arguments):
            return _linear_apply(operation, arguments, plan)
        case _:
            return {UNITS: 1.0}


def _linear_apply(operation: str, arguments: tuple[PostExpression, ...], plan: PrivatePlan) -> Form:
    match operation, arguments:
        case "add" | "subtract", (left, right):
            return _summed(linear_form(left, plan), linear_form(right, plan), 1.0 if operation == "add" else -1.0)
        case ("multiply", (Constant(value=int() | float() as factor), inner)) | (
            "multiply",
            (inner, Constant(value=int() | float() as factor)),
        ):
            return _scaled(linear_form(inner, plan), float(factor))
        case "divide", (inner, Constant(value=int() | float() as divisor)) if divisor:
            return _scaled(linear_form(inner, plan), 1 / float(divisor))
        case "negate", (inner,):
            return _scaled(linear_form(inner, plan), -1.0)
    return linear_form(arguments[0], plan) if operation in PASSED_ON else None


def _scaled(form: Mapping[int, float] | None, factor: float) -> Mapping[int, float] | None:
    return None if form is None else {index: coefficient * factor for index, coefficient in form.items()}


def _summed(left: Mapping[int, float] | None, right: Mapping[int, float] | None, sign: float) -> Mapping[int, float] | None:
    if left is None or right is None:
        return None
    return {index: left.get(index, 0.0) + sign * right.get(index, 0.0) for index in {**left, **right}}


def _linear_error(plan: PrivatePlan, form: Mapping[int, float] | None) -> float | None:
    """The half-width of a linear form; None where there is none, or nothing noisy in it."""
    return _half_width(plan, form) if form else None


def _half_width(plan: PrivatePlan, slopes: Mapping[int, float]) -> float | None:
    terms = []
    for index, slope in sorted(slopes.items()):
        if index != UNITS:
            noise = plan.noises[index]
            if isinstance(noise, Choice):
                return None
            terms.append((slope * plan.targets[index].grid, noise))
        elif plan.selection is not None:
            terms.append((slope, plan.selection.noise))
    try:
        return _finite(combined_half_width(terms))
    except OverflowError:
        return None


def _error_of(expression: PostExpression, plan: PrivatePlan) -> Callable[[_Group], float | None]:
    """The error of one output, as a function of the group: constant where linear, else by slopes at the noisy values."""
    read = targets_in(expression)
    if not read or any(index != UNITS and plan.targets[index].candidates is not None for index in read):
        return lambda _: None
    constant = _linear_error(plan, linear_form(expression, plan))
    if constant is not None or not _has_slopes(expression):
        return lambda _: constant
    smooth = _compiled(expression, plan, smooth=True)
    return lambda group: _propagated(smooth, group, read, plan)


def _has_slopes(expression: PostExpression) -> bool:
    """Whether it is computed of numbers alone: dates and texts have no derivatives."""
    if not isinstance(expression, Apply):
        return True
    return expression.operation not in STEPWISE and all(map(_has_slopes, expression.arguments))


def _propagated(smooth: Evaluate, group: _Group, read: frozenset[int], plan: PrivatePlan) -> float | None:
    slopes: dict[int, float] = {}
    for index in read:
        slope = _slope(smooth, group, index)
        if slope is None:
            return None
        slopes[index] = slope
    return _half_width(plan, slopes)


def _slope(smooth: Evaluate, group: _Group, index: int) -> float | None:
    """The derivative in one target, by a central difference; None where the value is no number."""
    at = group.values[index]
    if not isinstance(at, int | float):
        return None
    step = max(1.0, abs(at)) * STEP
    around = [smooth(_Group(group.key, {**group.values, index: at + shift})) for shift in (-step, step)]
    low, high = around
    if isinstance(low, bool | str | date) or isinstance(high, bool | str | date) or low is None or high is None:
        return None
    return (high - low) / (2 * step)
