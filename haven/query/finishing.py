"""Station 10's arithmetic: outputs, HAVING, ORDER BY and LIMIT over noisy integers. Post-processing: it costs nothing and cannot fail."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from haven.privacy.tables import KeyValue, NoisyTable
from haven.query.error_bars import error_of, finite, linear_error, linear_form, shown_error
from haven.query.evaluation import UNITS, Group, compiled
from haven.query.gradients import error_above
from haven.query.levels import climbed, shown
from haven.query.private_plan import GroupingSets, OutputType, PrivatePlan, Target
from haven.query.set_totals import mask_of, set_rows, shown_ratios, variances
from haven.query.shapes import Value

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer's rows, and the 95 % half-width of each cell: None for keys, texts and where none can be said."""

    rows: tuple[tuple[Cell, ...], ...]
    errors: tuple[tuple[float | None, ...], ...]


def finish(plan: PrivatePlan, noisy: NoisyTable) -> Finished:
    """The answer of `plan` from its noisy table.

    Rows stand in the order asked, else by key in declared order. Undefined values are NULL. Errors are 95 % half-widths by linear
    propagation of the noise (the delta method); they look through roundings and the bounds of means, and know nothing of bias.
    """
    groups = climbed(plan, _by_key(plan, list(_groups(plan, noisy))))
    shown_groups = shown(plan, groups, plan.having, plan.order, plan.offset, plan.limit)
    cells = [(compiled(output.expression, plan), output.type) for output in plan.outputs]
    errors = [error_above(output.expression, plan) for output in plan.outputs]
    return Finished(
        tuple(tuple(_cell(evaluate(group), kind) for evaluate, kind in cells) for group in shown_groups),
        tuple(tuple(error(group) for error in errors) for group in shown_groups),
    )


def expected_errors(plan: PrivatePlan) -> dict[str, float | None]:
    """The 95 % half-width of every output known before asking: linear in counts and sums; None where only the answer can tell."""
    widest = None if plan.sets is None else _widest(plan, plan.sets)
    return {
        output.name: shown_error(output.expression, linear_error(plan, linear_form(output.expression, plan), widest))
        for output in plan.outputs
    }


def _widest(plan: PrivatePlan, sets: GroupingSets) -> tuple[float, ...]:
    """The largest variance that any row of several sets has, by target."""
    sizes = [len(key.domain or ()) for key in plan.keys]
    found = variances(sizes if sets.summed else sizes[:-1], sets, least_squares=False)
    return tuple(max(found.values()) * more for more in shown_ratios(plan))


def errors_at(plan: PrivatePlan, values: Mapping[int, float]) -> dict[str, float | None]:
    """The 95 % half-width that every output would have in a group whose targets have these values; None where none can be said."""
    group = Group(tuple(None for _ in plan.keys), values)
    return {output.name: None if plan.levels else error_of(output.expression, plan)(group) for output in plan.outputs}


def _groups(plan: PrivatePlan, noisy: NoisyTable) -> Iterator[Group]:
    by_mask: Mapping[int, tuple[float, ...]] = {}
    if plan.sets is not None:
        rows = set_rows(plan, plan.sets, noisy)
        noisy, by_mask = rows.table, rows.variances
    for row, key in enumerate(noisy.keys):
        values = {index: _real(column[row], target) for index, (column, target) in enumerate(zip(noisy.columns, plan.targets, strict=True))}
        if noisy.units is not None:
            values[UNITS] = noisy.units[row]
        yield Group(key, values, by_mask.get(mask_of(key)) if by_mask else None, row)


def _real(noisy: int, target: Target) -> KeyValue | float:
    """A noisy integer in real units; of a choice, the candidate chosen."""
    if target.candidates is not None:
        return target.candidates[noisy]
    return noisy if target.grid == 1 else noisy * target.grid


def _by_key(plan: PrivatePlan, groups: list[Group]) -> list[Group]:
    """By key as declared, in the order in which the asker named the keys."""
    positions = [_positions(key.domain) for key in plan.keys]
    if plan.sets is not None and plan.sets.summed:
        positions.append(_positions(plan.sets.masks))
    order = plan.key_order or tuple(range(len(plan.keys)))
    return sorted(groups, key=lambda group: [_position(positions[index], group.key[index]) for index in order])


def _positions(domain: tuple[KeyValue, ...] | None) -> Mapping[KeyValue, int] | None:
    return None if domain is None else {value: index for index, value in enumerate(domain)}


def _position(positions: Mapping[KeyValue, int] | None, value: KeyValue) -> tuple[bool, Any]:
    """Public values in declared order, private ones ascending; NULL last."""
    if value is None:
        return (True, 0)
    return (False, value if positions is None else positions.get(value, len(positions)))


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
        return finite(float(value)) if kind is OutputType.NUMBER else int(value)
    except OverflowError:
        return None
