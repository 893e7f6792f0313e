"""How contributions are held to their bound: by stored ranks before the conditions, or per person after them.

Ranks are of all of a person's rows, so where the asker lowers `rows_per_unit` and picks rows by a condition, few of the kept rows may meet
it. Then a person's rows are aggregated first, and whoever has more that meet it than the bound counts in proportion: the sensitivity is
the same, and nobody's matching rows are lost. The choice reads policy, question and options, never data.
"""

from collections.abc import Sequence
from dataclasses import replace

from haven.privacy.units import ContributionBound
from haven.query.aggregates import Kind
from haven.query.assembling import PARTS_OF_A_ROW
from haven.query.bounding import Bounding, Options
from haven.query.relations import Scan
from haven.query.stages import AnswerStage
from haven.query.targets import Part, Recipe

ADDED_UP = frozenset({Kind.ROWS, Kind.SUM, Kind.MEAN})


def bound_per_person(answer: AnswerStage, options: Options, ranked: Bounding) -> Bounding | None:
    """The bounds of counts and sums aggregated per person first, where that loses less and needs no more noise than `ranked`; else None.

    That is where the asker lowered `rows_per_unit` below the policy's bound, rows are picked by a condition that no stored rank knows,
    and the answer is one row of counts, sums and means over one table.
    """
    (first, *others), lowered = answer.rows.sources, options.rows_per_unit
    if others or answer.keys or lowered is None or not answer.rows.conditions or not isinstance(first, Scan):
        return None
    most = first.layout.table.bound().rows_per_unit
    if lowered >= most or ranked.rows.rows_per_unit < lowered or not all(aggregate.kind in ADDED_UP for aggregate in answer.aggregates):
        return None
    bound = ContributionBound(lowered, 1, lowered)
    return Bounding(bound, ContributionBound(1, 1, 1), per_person=True)


def in_parts(recipes: Sequence[Recipe]) -> tuple[Recipe, ...]:
    """The recipes with counts in parts of a row, as proportions need."""
    return tuple(replace(recipe, parts=tuple(_in_parts(part) for part in recipe.parts)) for recipe in recipes)


def _in_parts(part: Part) -> Part:
    draft = part.draft
    if draft.value is not None:
        return part
    return replace(part, draft=replace(draft, grid=1.0 / PARTS_OF_A_ROW, largest=PARTS_OF_A_ROW))
