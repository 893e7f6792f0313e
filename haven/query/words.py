"""What a plan does, in plain sentences: for `explain`, previews and receipts. Data-free, like the plan."""

import math

from haven.privacy.choices import Aim, Choice
from haven.privacy.selection import Selection
from haven.query.aggregates import Kind
from haven.query.bounding import Bounding
from haven.query.pricing import Asked, Priced
from haven.query.private_plan import GroupKey, Target
from haven.query.relations import Derived, PerUnit, PublicScan, Rows, Scan, Stacked, every_source
from haven.query.sizes import NOTHING_KNOWN
from haven.query.stages import AnswerStage

PER_PERSON = (
    "The rows that meet the conditions are aggregated per person first, and whoever has more than the bound counts in proportion:"
    " ranks among all rows would have left most of them out."
)


def explain(rows: Rows, bounding: Bounding, keys: tuple[GroupKey, ...], targets: tuple[Target, ...], priced: Priced) -> tuple[str, ...]:
    """One sentence a decision: the unit, the bounds and how they are kept, the groups, the targets, the noise."""
    tables = " and ".join(dict.fromkeys(each.table for each in every_source(rows) if isinstance(each, Scan)))
    said = [f"The privacy unit is one value of {rows.unit.name}: all rows of {tables} that it owns.", *_relations(rows), _bounds(bounding)]
    said += [_filters(bounding)] if bounding.filters else []
    said += [PER_PERSON] if bounding.per_person else []
    said += [_key(key) for key in keys]
    for target, noise in zip(targets, priced.noises, strict=True):
        if isinstance(noise, Choice):
            said.append(_choice(target, noise))
            continue
        width = noise.half_width() * target.grid
        said.append(
            f"The {target.words} is summed as integers in units of {target.grid:.6g} and gets {noise.mechanism} noise:"
            f" 95 % of the time within ±{width:.6g}."
        )
    if any(len(family) > 1 for family in priced.families):
        said.append("Figures of rows that exclude each other are one histogram: together they cost what the dearest of them costs.")
    if priced.selection is not None:
        said.append(f"A group appears only if its noisy number of persons is above {priced.selection.threshold}; rarer groups stay unseen.")
    return tuple(said)


def _choice(target: Target, choice: Choice) -> str:
    counted = "rows, of the most there are" if choice.goal.aim is Aim.COMMONEST else "ranks of the one asked for"
    held = f" It aims at rank {choice.rank} from that end, so that noise seldom picks a value beyond all rows." if choice.rank > 1 else ""
    return (
        f"The {target.words} is chosen among {choice.candidates} public values by {choice.mechanism}: 95 % of the time within"
        f" {choice.rank_error()} {counted}.{held} Values between two candidates count as the nearer one, and a group without rows"
        " is answered like any other."
    )


def _relations(rows: Rows) -> list[str]:
    """How the rows come about, where they are not those of one table."""
    said = []
    for each in rows.joined:
        if isinstance(each.source, PublicScan):
            said.append(f"Each row meets at most {each.matches} of the public table {each.source.table}.")
        else:
            said.append("Tables of persons meet on the unit alone, so a joined row belongs to one person; their bounds multiply.")
    for source in every_source(rows):
        if isinstance(source, Derived) and isinstance(source.body, PerUnit):
            each_group = " and group" if source.body.keys else ""
            said.append(f"Rows are aggregated per person{each_group} first, exactly, from that person's rows alone: one row for each.")
        if isinstance(source, Derived) and isinstance(source.body, Stacked):
            said.append("UNION ALL adds the bounds of its branches.")
    return list(dict.fromkeys(said))


def _bounds(bounding: Bounding) -> str:
    rows = bounding.rows
    return (
        f"One unit counts with at most {rows.rows_per_unit} rows, in at most {rows.groups_per_unit} groups,"
        f" with at most {rows.rows_per_group} rows in each."
    )


def _filters(bounding: Bounding) -> str:
    return f"Rows beyond that are left out by ranks drawn at ingest, a function of the unit's own rows: {' and '.join(bounding.filters)}."


def _key(key: GroupKey) -> str:
    if key.domain is None:
        return f"The values of {key.name} are not public: noise decides which of them may appear."
    return f"The {len(key.domain)} values of {key.name} are public: every one is answered, with or without rows."


def warn(answer: AnswerStage, bounding: Bounding, priced: Priced, asked: Asked) -> tuple[str, ...]:
    """What the asker should know before paying."""
    said = []
    if answer.having or answer.order or answer.limit is not None or answer.offset:
        said.append("HAVING, ORDER BY and LIMIT look at noisy values: a row near the line may fall on either side.")
    if any(level.summaries for level in answer.levels):
        said.append("Aggregates of an answer's rows are made of noisy values, and public groups that nobody is in are among the rows.")
    if priced.selection is not None:
        said.append(_thresholded(priced.selection))
    lowered = asked.rows_per_unit is not None or asked.groups_per_unit is not None
    if bounding.filters and (lowered or bounding.rows.rows_per_unit > 1):
        said.append(_cut(bounding))
    if any(isinstance(noise, Choice) for noise in priced.noises):
        said.append("A quantile, extreme, mode or bound is always a value and never NULL: where rows are few or none it is a chance one.")
    if asked.promises:
        said += _promises(answer, asked)
    return tuple(said)


def _thresholded(selection: Selection) -> str:
    surely = math.ceil(selection.threshold + selection.noise.half_width())
    return (
        f"Groups of few persons do not appear, and whether a group appears says nothing certain: with fewer than about"
        f" {selection.threshold} persons a group mostly vanishes, with {surely} or more it appears in 97 of 100 cases."
    )


def _cut(bounding: Bounding) -> str:
    rows = bounding.rows
    return (
        f"Where a unit has more than {rows.rows_per_unit} rows, {rows.groups_per_unit} groups or {rows.rows_per_group} rows in a group,"
        " the rest is left out: counts and sums are then too low, and no error bar shows it."
    )


def _promises(answer: AnswerStage, asked: Asked) -> list[str]:
    sizes, said = asked.sizes, []
    if sizes.receipts:
        said.append(f"The size of the answer is taken from the earlier noisy answers {', '.join(sizes.receipts)}.")
    elif sizes.rows is not None:
        said.append(f"The error is promised for figures of {sizes.rows} rows or more, as you named; those of fewer are less exact.")
    if asked.error is not None and sizes == NOTHING_KNOWN and any(aggregate.kind is Kind.MEAN for aggregate in answer.aggregates):
        said.append("The error asked for is promised for counts and sums; a mean's error shows with the answer, or name a size_hint.")
    return said
