"""Mutually exclusive conditions: proofs, from their form alone, that no row can meet two of them.

Targets over rows that exclude each other are one histogram: each row of a person adds to one of them at most, so together they cost what
the dearest of them costs (see exclusive_targets.proof.md). A proof is of four kinds: one condition and its negation; NULL and anything said
of a value; one expression equal to different constants, or in ranges that do not overlap; and two comparisons of the same two expressions.
What cannot be proved is taken to overlap.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from haven.query.aggregates import conjuncts
from haven.query.expressions import Call, Expression, Literal
from haven.query.shapes import Value

CONTRARY: Mapping[str, frozenset[str]] = {
    "equal": frozenset({"unequal", "less", "greater"}),
    "unequal": frozenset({"equal"}),
    "less": frozenset({"at_least", "greater", "equal"}),
    "at_least": frozenset({"less"}),
    "greater": frozenset({"at_most", "less", "equal"}),
    "at_most": frozenset({"greater"}),
}
"""Comparisons of the same two sides that are never both true."""


@dataclass(slots=True)
class _Limits:
    """What a true condition says of one expression: among `among` (None: anything), none of `but`, between two bounds, open or not."""

    among: frozenset[Value] | None = None
    but: set[Value] = field(default_factory=set)
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def only(self, values: Iterable[Value]) -> None:
        """One of these."""
        found = frozenset(values)
        self.among = found if self.among is None else self.among & found

    def bound(self, comparison: str, value: float) -> None:
        """Less or greater than a constant."""
        if comparison in {"less", "at_most"} and value <= self.high:
            self.below = comparison == "less" or (self.below and value == self.high)
            self.high = value
        if comparison in {"greater", "at_least"} and value >= self.low:
            self.above = comparison == "greater" or (self.above and value == self.low)
            self.low = value

    def allows(self, value: Value) -> bool:
        """Whether a value may be what is spoken of."""
        if value in self.but or (self.among is not None and value not in self.among):
            return False
        at = _measure(value)
        if at is None:
            return True
        return not (at < self.low or at > self.high or (at == self.low and self.above) or (at == self.high and self.below))

    def apart(self, other: "_Limits") -> bool:
        """Whether nothing is allowed by both."""
        if self.among is not None:
            return not any(self.allows(value) and other.allows(value) for value in self.among)
        if other.among is not None:
            return other.apart(self)
        low, high = max(self.low, other.low), min(self.high, other.high)
        return low > high or (low == high and any(each.allows(low) is False for each in (self, other)))


def _measure(value: Value) -> float | None:
    """A number or date on the line of its type; None for what has no order here."""
    if isinstance(value, date):
        return float(value.toordinal())
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(slots=True)
class _Facts:
    """What is known of a row that meets a condition; expressions by their number."""

    true: set[int] = field(default_factory=set)
    not_true: set[int] = field(default_factory=set)
    null: set[int] = field(default_factory=set)
    present: set[int] = field(default_factory=set)
    denied: list[frozenset[int]] = field(default_factory=list)
    limits: dict[int, _Limits] = field(default_factory=dict)
    compared: dict[tuple[int, int], set[str]] = field(default_factory=dict)


class Partition:
    """Reads conditions, and says which of them exclude each other."""

    def __init__(self) -> None:
        self._numbers: dict[Expression, int] = {}

    def disjoint(self, one: Expression | None, other: Expression | None) -> bool:
        """Whether it is certain that no row meets both conditions (None: every row meets it)."""
        return self.families([one, other]) == ((0, 1),)

    def families(self, conditions: Sequence[Expression | None]) -> tuple[tuple[int, ...], ...]:
        """The positions of `conditions`, in families whose members exclude each other; each joins the first family that it can."""
        facts = [None if condition is None else self._facts(condition) for condition in conditions]
        found: list[list[int]] = []
        for index, said in enumerate(facts):
            fitting = (family for family in found if all(_exclude(facts[member], said) for member in family))
            family = next(fitting, None)
            if family is None:
                found.append([index])
            else:
                family.append(index)
        return tuple(map(tuple, found))

    def _number(self, expression: Expression) -> int:
        return self._numbers.setdefault(expression, len(self._numbers))

    def _facts(self, condition: Expression) -> _Facts:
        facts = _Facts()
        for part in conjuncts(condition):
            facts.true.add(self._number(part))
            facts.present.add(self._number(part))
            self._read(part, facts)
        return facts

    def _read(self, part: Expression, facts: _Facts) -> None:
        """What one conjunct says."""
        match part:
            case Call(function="not", arguments=(denied,)):
                self._deny(denied, facts)
            case Call(function="same", arguments=(said, Literal(value=bool() as value))):
                facts.present.add(self._number(said))
                if value:
                    facts.true.add(self._number(said))
                else:
                    self._not_true(said, facts)
            case Call(function="distinct", arguments=(said, Literal(value=True))):
                self._not_true(said, facts)
            case Call(function="is_null", arguments=(value,)):
                facts.null.add(self._number(value))
            case Call(function="is_present", arguments=(value,)):
                facts.present.add(self._number(value))
            case Call(function="in", arguments=(value, *options)) if all(isinstance(option, Literal) for option in options):
                given = (option.value for option in options if isinstance(option, Literal))
                self._limits(value, facts).only(constant for constant in given if constant is not None)
            case Call(function="or", arguments=choices):
                self._choose(choices, facts)
            case Call(function=comparison, arguments=(value, other)) if comparison in CONTRARY:
                self._compare(comparison, value, other, facts)
            case _:
                pass

    def _not_true(self, denied: Expression, facts: _Facts) -> None:
        facts.not_true.add(self._number(denied))
        facts.denied.append(frozenset(map(self._number, conjuncts(denied))))

    def _compare(self, comparison: str, value: Expression, other: Expression, facts: _Facts) -> None:
        facts.compared.setdefault((self._number(value), self._number(other)), set()).add(comparison)
        if not isinstance(other, Literal) or other.value is None:
            facts.present |= {self._number(value), self._number(other)}
            return
        limits, at = self._limits(value, facts), _measure(other.value)
        if comparison == "equal":
            limits.only([other.value])
        elif comparison == "unequal":
            limits.but.add(other.value)
        elif at is not None:
            limits.bound(comparison, at)

    def _limits(self, value: Expression, facts: _Facts) -> _Limits:
        number = self._number(value)
        facts.present.add(number)
        return facts.limits.setdefault(number, _Limits())

    def _deny(self, denied: Expression, facts: _Facts) -> None:
        """NOT c is true only where c is false; of OR, where all its parts are."""
        self._not_true(denied, facts)
        facts.present.add(self._number(denied))
        match denied:
            case Call(function="same", arguments=(said, Literal(value=True))):
                self._not_true(said, facts)
            case Call(function="or", arguments=choices):
                for choice in choices:
                    self._deny(choice, facts)
            case Call(function="in", arguments=(value, *options)) if all(isinstance(option, Literal) for option in options):
                self._limits(value, facts).but.update(option.value for option in options if isinstance(option, Literal))
            case Call(function="equal", arguments=(value, Literal(value=constant))) if constant is not None:
                self._limits(value, facts).but.add(constant)
            case Call(function="is_null", arguments=(value,)):
                facts.present.add(self._number(value))
            case Call(function="is_present", arguments=(value,)):
                facts.null.add(self._number(value))
            case _:
                pass

    def _choose(self, choices: Sequence[Expression], facts: _Facts) -> None:
        """An OR of equalities of one expression says that it is one of several constants."""
        found: list[tuple[Expression, Value]] = []
        for choice in choices:
            match choice:
                case Call(function="equal", arguments=(value, Literal(value=constant))) if constant is not None:
                    found.append((value, constant))
                case _:
                    return
        if len({value for value, _ in found}) == 1:
            self._limits(found[0][0], facts).only(constant for _, constant in found)


def _exclude(one: _Facts | None, other: _Facts | None) -> bool:
    """Whether no row can meet both."""
    return one is not None and other is not None and (_contradict(one, other) or _contradict(other, one))


def _contradict(one: _Facts, other: _Facts) -> bool:
    """The same, seen from one side."""
    if one.true & other.not_true or one.null & other.present:
        return True
    if any(denied <= one.true for denied in other.denied):
        return True
    if any(CONTRARY[said] & other.compared.get(pair, set()) for pair, all_said in one.compared.items() for said in all_said):
        return True
    return any(limits.apart(other.limits[value]) for value, limits in one.limits.items() if value in other.limits)
