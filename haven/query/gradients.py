"""How values above the noise follow the noise of several rows: slopes by row and target, and the half-widths that they make.

The noise of every value of the table is independent of all others'. A sum follows each of its rows, so its half-width is exact; what is
computed of sums follows them by its slopes at the noisy values (the delta method). Extremes, ranks and counts of rows follow no slope.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from haven.privacy.accuracy import combined_half_width
from haven.privacy.choices import Choice
from haven.query.error_bars import Form, error_of, finite, has_slopes, linear_form, slope_at
from haven.query.evaluation import UNITS, Gradient, Group, compiled, targets_in
from haven.query.private_plan import PostExpression, PrivatePlan

LONGEST_PRODUCT = 1000
"""Slopes of the shorter of two gradients that are multiplied anew for every row."""
Slopes = Callable[[Group], Form]
Followed = Callable[[Group], Gradient | None]


def gradient_of(expression: PostExpression, plan: PrivatePlan) -> Followed:
    """How an expression follows the noise, in one group: nothing where none is in it, None where it follows no slope.

    Cells of several GROUPING SETS share their noise, so nothing is said of them.
    """
    read = targets_in(expression)
    chosen = any(index >= 0 and isinstance(plan.noises[index], Choice) for index in read)
    if plan.sets is not None or chosen:
        return lambda _: None
    slopes = _slopes_of(expression, plan, read)

    def gradient(group: Group) -> Gradient | None:
        found = slopes(group)
        return None if found is None else added((_own(place, group), slope) for place, slope in found.items())

    return gradient


def error_above(expression: PostExpression, plan: PrivatePlan) -> Callable[[Group], float | None]:
    """The error of one output over rows that levels made: as `error_of` says where it reads no cell of theirs."""
    read = targets_in(expression)
    if not read or min(read) >= UNITS:
        return error_of(expression, plan)
    slopes = _slopes_of(expression, plan, read)

    def error(group: Group) -> float | None:
        found = slopes(group)
        if not found or plan.sets is not None:
            return None
        parts = [(_own(place, group), slope) for place, slope in found.items()]
        squares = _squares(parts)
        return None if squares is None else half_width(plan, squares)

    return error


def added(parts: Iterable[tuple[Gradient | None, float]]) -> Gradient | None:
    """The gradient of a sum of multiples; None where one follows no slope."""
    total: dict[tuple[int, int], float] = {}
    for gradient, factor in parts:
        if gradient is None:
            return None
        for place, slope in gradient.slopes.items():
            total[place] = total.get(place, 0.0) + factor * slope
    squares: dict[int, float] = {}
    for (_, target), slope in total.items():
        squares[target] = squares.get(target, 0.0) + slope * slope
    return Gradient(total, squares)


def half_width(plan: PrivatePlan, squares: Mapping[int, float]) -> float | None:
    """The 95 % half-width, from the sums of squared slopes by target; None where nothing is noisy or where no noise can be said."""
    terms = []
    for target, square in sorted(squares.items()):
        noise = plan.noises[target] if target != UNITS else None if plan.selection is None else plan.selection.noise
        if noise is None or isinstance(noise, Choice):
            return None
        terms.append((math.sqrt(square) * (plan.targets[target].grid if target != UNITS else 1.0), noise))
    try:
        return finite(combined_half_width(terms)) if terms else None
    except OverflowError:
        return None


def _slopes_of(expression: PostExpression, plan: PrivatePlan, read: frozenset[int]) -> Slopes:
    """The slopes in the targets and cells that an expression reads."""
    form = linear_form(expression, plan) if read else {}
    if form is not None:
        return lambda _: form
    if not has_slopes(expression):
        return lambda _: None
    smooth = compiled(expression, plan, smooth=True)

    def slopes(group: Group) -> Form:
        found: dict[int, float] = {}
        for place in read:
            slope = slope_at(smooth, group, place)
            if slope is None:
                return None
            found[place] = slope
        return found

    return slopes


def _own(place: int, group: Group) -> Gradient | None:
    """How a value of the group itself follows the noise: a target its own, a cell those it was made of."""
    return group.gradients.get(place) if place < UNITS else Gradient({(group.number, place): 1.0}, {place: 1.0})


def _squares(parts: Sequence[tuple[Gradient | None, float]]) -> dict[int, float] | None:
    """The sums of squared slopes of Σ factor · gradient, by target, without adding up the long ones again for every row.

    None where one follows no slope, or two long ones would be multiplied.
    """
    total: dict[int, float] = {}
    for index, (one, factor) in enumerate(parts):
        for later, (other, times) in enumerate(parts[index:]):
            if one is None or other is None or (later and min(len(one.slopes), len(other.slopes)) > LONGEST_PRODUCT):
                return None
            products = _products(one, other) if later else one.squares
            for target, product in products.items():
                total[target] = total.get(target, 0.0) + (2.0 if later else 1.0) * factor * times * product
    return {target: max(0.0, square) for target, square in total.items()}


def _products(one: Gradient, other: Gradient) -> dict[int, float]:
    """The inner products of two gradients, by target."""
    short, long = (one.slopes, other.slopes) if len(one.slopes) <= len(other.slopes) else (other.slopes, one.slopes)
    found: dict[int, float] = {}
    for place, slope in short.items():
        if place in long:
            found[place[1]] = found.get(place[1], 0.0) + slope * long[place]
    return found
