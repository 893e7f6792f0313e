"""Station 8: disclosure rules for differentially private answers, on noised values alone.

A differentially private table may be shown as it is: its guarantee holds whatever is done with it. The rules here therefore decide only
whether a *person* looks before it leaves the haven (small groups and protected breakdowns can harm a community although they betray no
one), and withhold what is not an answer at all. They never see an exact value, so they cannot leak one (suppressing by exact values would
be an unpaid release). Thresholds come from the dataset's policy.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from haven.disclosure.thresholds import PlanFacts, Thresholds
from haven.disclosure.verdict import Finding, Outcome, Verdict
from haven.privacy.tables import Key, NoisyTable

WIDTH_LIMIT = 2**62
LEAST_CELLS_IN_A_LINE = 2

Check = Callable[[NoisyTable, PlanFacts, Thresholds], tuple[int, ...] | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule. `check` gives the rows it is about, None where it has nothing to say."""

    id: str
    outcome: Outcome
    words: str
    check: Check


def check(noisy: NoisyTable, facts: PlanFacts, thresholds: Thresholds) -> Verdict:
    """The verdict on a noised table: the rules of `RULES` in order. A function of the noised values, the plan and the policy alone."""
    findings: list[Finding] = []
    for rule in RULES:
        rows = rule.check(noisy, facts, thresholds)
        if rows is not None:
            findings.append(Finding(rule.id, rule.outcome, rule.words, rows))
        if rows is not None and rule.outcome is Outcome.WITHHOLD:
            break  # what is not an answer has no cells to judge
    return Verdict(tuple(findings))


def noised_counts(noisy: NoisyTable, facts: PlanFacts) -> list[list[float]]:
    """Every noised count the table shows: its count targets, and the units behind private keys."""
    counts = [[value * facts.grids[target] for value in noisy.columns[target]] for target in facts.count_targets]
    if noisy.units is not None:
        counts.append([float(value) for value in noisy.units])
    return counts


def _not_whole(noisy: NoisyTable, facts: PlanFacts, _thresholds: Thresholds) -> tuple[int, ...] | None:
    lengths = {len(column) for column in noisy.columns} | ({len(noisy.units)} if noisy.units is not None else set())
    whole = lengths <= {len(noisy.keys)} and len(noisy.columns) == len(facts.grids)
    return None if whole else ()


def _saturated(noisy: NoisyTable, _facts: PlanFacts, _thresholds: Thresholds) -> tuple[int, ...] | None:
    rows = sorted({row for column in noisy.columns for row, value in enumerate(column) if abs(value) >= WIDTH_LIMIT})
    return tuple(rows) or None


def _low_counts(noisy: NoisyTable, facts: PlanFacts, thresholds: Thresholds) -> tuple[int, ...] | None:
    if not facts.key_columns:
        return None
    rows = {row for counts in noised_counts(noisy, facts) for row, count in enumerate(counts) if count < thresholds.low_count}
    return tuple(sorted(rows)) or None


def _protected(noisy: NoisyTable, facts: PlanFacts, thresholds: Thresholds) -> tuple[int, ...] | None:
    if not any(thresholds.protects(column) for column in facts.key_columns):
        return None
    return tuple(range(len(noisy.keys)))


def _one_cell_holds_all(noisy: NoisyTable, facts: PlanFacts, thresholds: Thresholds) -> tuple[int, ...] | None:
    rows = {
        row
        for counts in noised_counts(noisy, facts)
        for line in _lines(noisy.keys)
        if sum(counts[row] >= thresholds.low_count for row in line) == 1
        for row in line
        if counts[row] >= thresholds.low_count
    }
    return tuple(sorted(rows)) or None


def _lines(keys: tuple[Key, ...]) -> Iterator[list[int]]:
    """The lines of a table of two or more keys: rows that agree in every key but one, where there are at least two of them."""
    positions = len(keys[0]) if keys else 0
    for position in range(positions if positions > 1 else 0):
        lines: dict[Key, list[int]] = {}
        for row, key in enumerate(keys):
            lines.setdefault(key[:position] + key[position + 1 :], []).append(row)
        yield from (line for line in lines.values() if len(line) >= LEAST_CELLS_IN_A_LINE)


RULES: tuple[Rule, ...] = (
    Rule("form.whole", Outcome.WITHHOLD, "The table's columns do not match its groups, so it answers nothing.", _not_whole),
    Rule("form.width", Outcome.WITHHOLD, "A value reached the limit of its width, so it is not the noised value.", _saturated),
    Rule("dp.low-count", Outcome.REVIEW, "Small noisy count: a group is below the policy's threshold.", _low_counts),
    Rule("dp.protected", Outcome.REVIEW, "A protected column is broken down: could this stigmatise a group?", _protected),
    Rule("dp.class", Outcome.REVIEW, "Class disclosure: by noisy counts, a row or column falls in one cell.", _one_cell_holds_all),
)
