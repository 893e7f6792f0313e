"""A count of rows from counts of its parts: COUNT(*) beside COUNT(*) FILTER (WHERE a) is asked as the rows where a is true and the rest.

Parts exclude each other and pay once together, so the whole comes for little more than they cost. Which way is better is a matter of the
price alone, and decided before any row is looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from haven.query.aggregates import Kind, conjunction, conjuncts, present
from haven.query.domains import domain_of
from haven.query.expressions import Call, Expression, Literal, literal
from haven.query.functions import call
from haven.query.partitions import Partition
from haven.query.targets import Draft, Drafter, Part, Recipe

_PAIRS = (("less", "at_least"), ("greater", "at_most"), ("equal", "unequal"), ("is_null", "is_present"), ("same", "distinct"))
OPPOSITES = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


MOST_TRIED = 4
"""Counts that are tried this way in one question: comparing takes time."""
CLEARLY = 1e-6


def complemented(recipes: Sequence[Recipe], drafter: Drafter, burden: Callable[[Sequence[Recipe]], float]) -> tuple[Recipe, ...]:
    """The recipes, counts made of their parts where that is clearly better at any price: where `burden` is less."""
    chosen, tried = tuple(recipes), 0
    for index in range(len(recipes)):
        other = _made_of_parts(chosen, index, drafter) if tried < MOST_TRIED else None
        if other is not None:
            tried += 1
            chosen = other if burden(other) < (1 - CLEARLY) * burden(chosen) else chosen
    return chosen


def _made_of_parts(recipes: Sequence[Recipe], index: int, drafter: Drafter) -> tuple[Recipe, ...] | None:
    """The recipes with count `index` made of counts that are asked anyway, and of the rest; None where there is nothing to make it of."""
    whole = _count(recipes[index])
    others = [recipe for position, recipe in enumerate(recipes) if position != index]
    if whole is None or any(part.draft == whole for recipe in others for part in recipe.parts):
        return None
    given = [] if whole.where is None else list(conjuncts(whole.where))
    parts = _exclusive([draft for draft in map(_count, others) if draft is not None and _narrows(draft, given)])
    if not parts:
        return None
    said = [_beyond(draft, given) for draft in parts]
    rest = [] if _exhaustive(said) else [drafter.rows(conjunction(whole.where, *map(_not_true, said)))]
    made = replace(recipes[index], parts=tuple(map(Part, [*parts, *rest])))
    return (*recipes[:index], made, *recipes[index + 1 :])


def _count(recipe: Recipe) -> Draft | None:
    """The draft of a plain count of rows."""
    plain = recipe.aggregate.kind is Kind.ROWS and len(recipe.parts) == 1
    return recipe.parts[0].draft if plain else None


def _narrows(draft: Draft, given: Sequence[Expression]) -> bool:
    """Whether a draft is of some of the rows that meet all that is given."""
    said = set() if draft.where is None else set(conjuncts(draft.where))
    return said > set(given)


def _exclusive(drafts: Sequence[Draft]) -> list[Draft]:
    """As many as can be that exclude each other: those of the largest family."""
    distinct = list(dict.fromkeys(drafts))
    families = Partition().families([draft.where for draft in distinct])
    return [distinct[index] for index in max(families, key=len)] if families else []


def _beyond(draft: Draft, given: Sequence[Expression]) -> Expression:
    """What a part's condition says beyond what is given."""
    said = [part for part in conjuncts(draft.where) if part not in given] if draft.where is not None else []
    return conjunction(*said) or literal(value=True)


def _not_true(condition: Expression) -> Expression:
    return call("distinct", condition, literal(value=True)) if condition.shape.nullable else call("not", condition)


def _exhaustive(said: Sequence[Expression]) -> bool:
    """Whether every row meets one of these: a condition and its opposite, or every value of a public list, and NULL where it can be."""
    if any(_opposite(one, other) and _present(one, said) for one in said for other in said):
        return True
    named: dict[Expression, set[object]] = {}
    for part in said:
        match part:
            case Call(function="equal", arguments=(value, Literal(value=constant))):
                named.setdefault(value, set()).add(constant)
            case _:
                pass
    return any(_present(value, said) and set(domain_of(value) or (0,)) - {None} <= constants for value, constants in named.items())


def _present(value: Expression, said: Sequence[Expression]) -> bool:
    """Whether `value` is never NULL, or one of the conditions is that it is."""
    needed = present(value)
    return needed is None or (isinstance(needed, Call) and needed.function == "is_present" and call("is_null", *needed.arguments) in said)


def _opposite(one: Expression, other: Expression) -> bool:
    if other == call("not", one):
        return True
    match one, other:
        case Call(function=said, arguments=given), Call(function=denied, arguments=same):
            return OPPOSITES.get(said) == denied and given == same
        case _:
            return False
