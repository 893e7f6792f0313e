"""The private plan: everything a question will do to data, settled before any row is looked at.

A plan is data-free: it is a function of the query, the policy and the price. The engine is given `sql` (generated from the relation,
never the researcher's text), and gives back integers; `noises` and `selection` say what is added to them; `outputs`, `having`,
`order` and `limit` are post-processing of the noisy integers, and cost nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from haven.policy.authorisation import Footprint
from haven.privacy.budget import Price
from haven.privacy.choices import Choice
from haven.privacy.mechanisms import Noise, Sensitivity
from haven.privacy.selection import Selection
from haven.privacy.tables import Key, KeyValue
from haven.privacy.units import ContributionBound


class OutputType(StrEnum):
    """The type of an answer's column."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class GroupKey:
    """One group key. `domain` holds its public values in order, None where the key is private (partition selection decides).

    `columns` names the declared columns (`table.column`) that the key is made from; `sql` is what the engine groups by: equal texts over an
    equal `PrivatePlan.source` are equal keys.
    """

    name: str
    type: OutputType
    domain: tuple[KeyValue, ...] | None
    columns: tuple[str, ...] = ()
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One distinct integer aggregate that is noised: column `name` of the generated SQL, in units of `grid`.

    `words` says what it is to a researcher ("sum of bmi - 45, one row a person"); `counts` is true where it counts rows or units.
    A plan lists its targets in canonical order, so that plans of one digest have the same targets in the same places. `sql` is the
    aggregate that the engine computes: equal texts over an equal `PrivatePlan.source` are equal targets; `additive` is true where the
    target of a union of groups is the sum of theirs (counts of rows and sums, never counts of distinct things).

    With `candidates` the target is a choice: the engine counts rows by candidate, and what comes out of the noise is the index of the
    chosen one; `grid` is then 1.
    """

    name: str
    grid: float
    sensitivity: Sensitivity
    words: str
    counts: bool = False
    sql: str = ""
    additive: bool = True
    candidates: tuple[KeyValue | float, ...] | None = None


@dataclass(frozen=True, slots=True)
class TargetRef:
    """The noisy value of target `index`, times its grid."""

    index: int


@dataclass(frozen=True, slots=True)
class UnitsRef:
    """The noisy number of units behind a private key, drawn by partition selection."""


@dataclass(frozen=True, slots=True)
class KeyRef:
    """The value of group key `index`."""

    index: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal of the query."""

    value: KeyValue | float


@dataclass(frozen=True, slots=True)
class Apply:
    """A total post-processing operation (see query.finish) on noisy values: no input makes it fail; what is undefined is NULL."""

    operation: str
    arguments: tuple["PostExpression", ...]


@dataclass(frozen=True, slots=True)
class CellRef:
    """A cell that a level made of the rows below it: key or summary `place` (see `cell_place`)."""

    place: int


PostExpression = TargetRef | UnitsRef | KeyRef | Constant | Apply | CellRef

MOST_CELLS_A_LEVEL = 1000


def cell_place(level: int, index: int) -> int:
    """Where a group holds the cell `index` of a level, its keys first: below every target's index, and below that of persons."""
    return -2 - MOST_CELLS_A_LEVEL * level - index


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of one unit counts: `rows` bounds counts and sums of rows, `units` counts of persons, for each value of column `unit`.

    `filters` (SQL over stored ranks, sorted) leave out the rest. Equal bounds over an equal source are the same rows.
    """

    unit: str
    rows: ContributionBound
    units: ContributionBound
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """One column of the answer. An answer's `low`/`high` clamp (AVG) is part of the expression."""

    name: str
    type: OutputType
    expression: PostExpression


@dataclass(frozen=True, slots=True)
class Ordering:
    """One ORDER BY term over noisy values and keys."""

    expression: PostExpression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a level makes of several noisy rows: `function` of `argument` over those that meet `condition`.

    Beside rows that stay (a window) it is over the rows of equal `partition`, and a rank is by `order`.
    """

    function: str
    argument: PostExpression | None = None
    condition: PostExpression | None = None
    partition: tuple[PostExpression, ...] = ()
    order: tuple[Ordering, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """A step between the noisy table and the answer: rows are filtered, ordered and cut; then grouped by `keys`, or kept.

    A `grouped` level makes one row of each group (one row of all, without keys); else every row stays, with its summaries beside it.
    """

    having: PostExpression | None = None
    order: tuple[Ordering, ...] = ()
    offset: int = 0
    limit: int | None = None
    keys: tuple[PostExpression, ...] = ()
    summaries: tuple[Summary, ...] = ()
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class GroupingSets:
    """The sets of keys that a plan answers: `masks` as GROUPING_ID gives them over its keys, ascending, so that the finest come first.

    Where `summed`, coarser rows are sums of the noisy table over all keys. Else each set has a share of its own: the plan's last key is
    then the mask, and `sums` says which targets of coarser rows are sums of finer ones.
    """

    masks: tuple[int, ...]
    summed: bool
    sums: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class PrivatePlan:
    """A priced, data-free plan.

    `digest` names everything that decides the answer's distribution on a snapshot: the canonical query, bounds, grids, mechanisms and
    price; renaming an output or reordering the display does not change it. Keys and targets stand in a canonical order, so that a
    recorded noisy table fits every plan of the same digest; `key_order` is the order in which the asker named
    the keys (empty: the canonical one). `source` is the canonical text of the rows that are aggregated: tables, joins and conditions,
    without the rank filters that bound contributions. `levels` stand below `having` and what follows it. `families` are the targets, by
    position, that are paid for once together.
    """

    dataset: str
    population: str
    footprint: Footprint
    sql: str
    keys: tuple[GroupKey, ...]
    targets: tuple[Target, ...]
    noises: tuple[Noise | Choice, ...]
    selection: Selection | None
    outputs: tuple[Output, ...]
    having: PostExpression | None
    order: tuple[Ordering, ...]
    offset: int
    limit: int | None
    price: Price
    digest: str
    warnings: tuple[str, ...]
    words: tuple[str, ...]
    key_order: tuple[int, ...] = ()
    source: str = ""
    bounds: Bounds | None = None
    families: tuple[tuple[int, ...], ...] = ()
    sets: GroupingSets | None = None
    levels: tuple[Level, ...] = ()

    @property
    def shares(self) -> bool:
        """Whether sets of keys have shares of their own: then the groups of one set hold the rows of another's again."""
        return self.sets is not None and not self.sets.summed

    def public_keys(self) -> tuple[Key, ...] | None:
        """The data-free list of keys, in order: the product of the domains; None where any key is private. `((),)` without keys.

        Where sets of keys have shares of their own: such a list for each, with None for keys that are not in it and its mask at the end.
        """
        domains = [key.domain for key in self.keys]
        if self.sets is None or self.sets.summed:
            return _product(domains)
        width, found = len(domains) - 1, []
        for mask in self.sets.masks:
            held = [(None,) if mask >> (width - 1 - index) & 1 else domain for index, domain in enumerate(domains[:-1])]
            found.append(_product([*held, (mask,)]) or ())
        return tuple(key for keys in found for key in keys)


def _product(domains: Sequence[tuple[KeyValue, ...] | None]) -> tuple[Key, ...] | None:
    keys: tuple[Key, ...] = ((),)
    for domain in domains:
        if domain is None:
            return None
        keys = tuple((*key, value) for key in keys for value in domain)
    return keys
