"""How exact an answer will be for groups of a public size: error bars before asking, at hypothetical values. Data-free."""

from haven.query.error_bars import linear_form
from haven.query.evaluation import UNITS
from haven.query.finishing import errors_at
from haven.query.private_plan import PrivatePlan


def expected_at(plan: PrivatePlan, rows: int) -> dict[str, dict[str, float | None]]:
    """By output name the 95 % `half_width` in a group of `rows` rows whose sums are in the middle, and of counts the share that is."""
    values: dict[int, float] = {index: float(rows) if target.counts else 0.0 for index, target in enumerate(plan.targets)}
    values[UNITS] = float(rows)
    widths = errors_at(plan, values)
    return {
        output.name: {"half_width": widths[output.name], "relative": _share(widths[output.name], _counted(plan, position) * rows)}
        for position, output in enumerate(plan.outputs)
    }


def _share(width: float | None, size: float) -> float | None:
    return None if width is None or size <= 0 else width / size


def _counted(plan: PrivatePlan, position: int) -> float:
    """How many times the rows of a group an output counts, where it is made of counts alone; else 0."""
    form = linear_form(plan.outputs[position].expression, plan)
    if not form or not all(index == UNITS or (index >= 0 and plan.targets[index].counts) for index in form):
        return 0.0
    return sum(form.values())
