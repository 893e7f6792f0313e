"""Error bars: 95 % half-widths of an answer's cells, exact where linear in the noise, else by slopes at the noisy values."""

import math
from collections.abc import Callable, Mapping
from datetime import date

from haven.privacy.accuracy import combined_half_width
from haven.privacy.choices import Choice
from haven.privacy.combining import as_shown_ratio
from haven.query.dates import DATES
from haven.query.evaluation import LOOKED_THROUGH, UNITS, Evaluate, Group, compiled, targets_in
from haven.query.periods import PERIODS
from haven.query.postprocessing import WHOLE, WITHIN
from haven.query.private_plan import Apply, CellRef, Constant, PostExpression, PrivatePlan, TargetRef
from haven.query.searches import SEARCHES
from haven.query.texts import TEXTS

PASSED_ON = LOOKED_THROUGH - {WITHIN} | {"to_number"}
STEP = 2.0**-20
STEPWISE = frozenset(function.name for function in (*DATES, *PERIODS, *TEXTS, *SEARCHES)) | {"to_text", "to_date", "like", "ilike"}


Form = Mapping[int, float] | None
Variances = tuple[float, ...] | None


def linear_form(expression: PostExpression, plan: PrivatePlan) -> Form:
    """The coefficients of a sum of targets (and a constant), in real units; None for anything else."""
    if not targets_in(expression):
        return {} if isinstance(expression, Constant) else None
    match expression:
        case TargetRef(index=index):
            return {index: 1.0} if plan.targets[index].candidates is None else None
        case CellRef(place=place):
            return {place: 1.0}
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


def linear_error(plan: PrivatePlan, form: Mapping[int, float] | None, variances: Variances = None) -> float | None:
    """The half-width of a linear form; None where there is none, or nothing noisy in it."""
    return _half_width(plan, form, variances) if form else None


def shown_error(expression: PostExpression, width: float | None) -> float | None:
    """The half-width of what is shown of a value: whole numbers are rounded, and the noise of one is then off by whole numbers.

    Noise within ±w is within ±h after rounding where h is the whole number in (w - 1/2, w + 1/2], and a whole number stays what it is.
    """
    whole = width is not None and isinstance(expression, Apply) and expression.operation == WHOLE
    return math.floor(width + 0.5) + 0.0 if whole and width is not None else width


def _half_width(plan: PrivatePlan, slopes: Mapping[int, float], variances: Variances) -> float | None:
    terms, several = [], len(slopes) > 1
    for index, slope in sorted(slopes.items()):
        if index < UNITS:
            return None
        if index != UNITS:
            noise = plan.noises[index]
            if isinstance(noise, Choice):
                return None
            wider = as_shown_ratio(noise) if several else 1.0
            wider = math.sqrt(wider if variances is None else variances[index])
            terms.append((slope * plan.targets[index].grid * wider, noise))
        elif plan.selection is not None:
            terms.append((slope, plan.selection.noise))
    try:
        return finite(combined_half_width(terms))
    except OverflowError:
        return None


def error_of(expression: PostExpression, plan: PrivatePlan) -> Callable[[Group], float | None]:
    """The error of one output, as a function of the group: constant where linear, else by slopes at the noisy values."""
    read = targets_in(expression)
    if not read or min(read) < UNITS or any(index != UNITS and plan.targets[index].candidates is not None for index in read):
        return lambda _: None
    form = linear_form(expression, plan)
    constant = shown_error(expression, linear_error(plan, form))
    if plan.sets is not None and constant is not None:
        return lambda group: shown_error(expression, linear_error(plan, form, group.variances))
    if constant is not None or not has_slopes(expression):
        return lambda _: constant
    smooth = compiled(expression, plan, smooth=True)
    return lambda group: _propagated(smooth, group, read, plan)


def has_slopes(expression: PostExpression) -> bool:
    """Whether it is computed of numbers alone: dates and texts have no derivatives."""
    if not isinstance(expression, Apply):
        return True
    return expression.operation not in STEPWISE and all(map(has_slopes, expression.arguments))


def _propagated(smooth: Evaluate, group: Group, read: frozenset[int], plan: PrivatePlan) -> float | None:
    slopes: dict[int, float] = {}
    for index in read:
        slope = slope_at(smooth, group, index)
        if slope is None:
            return None
        slopes[index] = slope
    return _half_width(plan, slopes, group.variances)


def slope_at(smooth: Evaluate, group: Group, index: int) -> float | None:
    """The derivative in one target, by a central difference; None where the value is no number."""
    at = group.values[index]
    if not isinstance(at, int | float):
        return None
    step = max(1.0, abs(at)) * STEP
    around = [smooth(Group(group.key, {**group.values, index: at + shift})) for shift in (-step, step)]
    low, high = around
    if isinstance(low, bool | str | date) or isinstance(high, bool | str | date) or low is None or high is None:
        return None
    return (high - low) / (2 * step)


def finite(value: float) -> float | None:
    """The value, or None for what is no finite number."""
    return value if math.isfinite(value) else None
