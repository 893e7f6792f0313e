"""The rules that say which way a change of a policy goes, by the path of what changed. Whatever no rule names is looser. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from haven.policy.dataset_policy import Between, Exact, Identifiability, Sensitivity
from haven.policy.differences import WIDER
from haven.policy.duo import Permission
from haven.policy.roles import Tier


class Effect(StrEnum):
    """What a change does to the protection of participants."""

    LOOSER = "looser"
    TIGHTER = "tighter"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Side:
    """One version, seen from one path: `value` there (None where there is nothing), and whether anything stands at or below another."""

    leaves: Mapping[str, Any]
    path: str

    @property
    def value(self) -> Any:  # noqa: ANN401 - a policy's parts are of any plain kind
        """What stands at the path."""
        return self.leaves.get(self.path)

    def has(self, path: str) -> bool:
        """Whether this version has anything at or below `path`."""
        return path in self.leaves or any(each.startswith(f"{path}.") for each in self.leaves)


Judge: TypeAlias = Callable[[str, Side, Side], Effect]
Rule: TypeAlias = Callable[[Side, Side], Effect]


def neutral(_old: Side, _new: Side) -> Effect:
    """Words for readers."""
    return Effect.NEUTRAL


def rising_is_looser(old: Side, new: Side) -> Effect:
    """A limit on what may be spent, kept or shown; one that appears limits what had none."""
    return _by_number(old, new, Effect.LOOSER, Effect.TIGHTER)


def more_is_looser_from_none(old: Side, new: Side) -> Effect:
    """An amount of which nothing is 0."""
    return _by_number(old, new, Effect.LOOSER, Effect.LOOSER)


def rising_is_tighter(old: Side, new: Side) -> Effect:
    """A requirement; one that appears is asked for where none was."""
    return _by_number(old, new, Effect.TIGHTER, Effect.TIGHTER)


def later_is_looser(old: Side, new: Side) -> Effect:
    """A last day that moves; one that appears or goes is no mere move."""
    if old.value is None or new.value is None:
        return Effect.LOOSER
    return Effect.LOOSER if new.value > old.value else Effect.TIGHTER


def later_is_tighter(old: Side, new: Side) -> Effect:
    """A day before which nothing may be done."""
    if old.value is None or new.value is None:
        return Effect.TIGHTER if old.value is None else Effect.LOOSER
    return Effect.TIGHTER if new.value > old.value else Effect.LOOSER


def appearing_is_tighter(old: Side, new: Side) -> Effect:
    """A protection."""
    return Effect.TIGHTER if old.value is None and new.value is not None else Effect.LOOSER


def appearing_is_looser(old: Side, new: Side) -> Effect:
    """Something that may be asked of, or someone who may ask: what goes is no longer there to ask."""
    return Effect.TIGHTER if new.value is None and old.value is not None else Effect.LOOSER


def more_is_looser(old: Side, new: Side) -> Effect:
    """A list of those whom a condition lets through; a condition that appears tightens."""
    if old.value is None or new.value is None:
        return appearing_is_tighter(old, new)
    before, after = set(old.value), set(new.value)
    return Effect.NEUTRAL if before == after else Effect.TIGHTER if after < before else Effect.LOOSER


def in_order(*loose_to_tight: object) -> Rule:
    """Values from loose to tight, None for what is left out; one that is not listed is looser."""

    def rule(old: Side, new: Side) -> Effect:
        if old.value not in loose_to_tight or new.value not in loose_to_tight:
            return Effect.LOOSER
        rises = loose_to_tight.index(new.value) > loose_to_tight.index(old.value)
        return Effect.TIGHTER if rises else Effect.LOOSER

    return rule


def narrower_permission_is_tighter(old: Side, new: Side) -> Effect:
    """A permission that everything it allows was allowed under before."""
    before, after = Permission(old.value), Permission(new.value)
    return Effect.TIGHTER if before in WIDER[after] else Effect.LOOSER


def narrower_interval_is_tighter(old: Side, new: Side) -> Effect:
    """Bounds that lie within those before."""
    if old.value is None or new.value is None:
        return appearing_is_looser(old, new)
    (old_low, old_high), (new_low, new_high) = old.value, new.value
    return Effect.TIGHTER if old_low <= new_low and new_high <= old_high else Effect.LOOSER


def fewer_is_tighter(old: Side, new: Side) -> Effect:
    """A list of public keys; without one, keys show only above a threshold."""
    if old.value is None or new.value is None:
        return appearing_is_looser(old, new)
    before, after = set(old.value), set(new.value)
    return Effect.NEUTRAL if before == after else Effect.TIGHTER if after < before else Effect.LOOSER


def shorter_is_looser(old: Side, new: Side) -> Effect:
    """How long the same amount lasts; another unit is another period."""
    if old.value is None or new.value is None:
        return appearing_is_tighter(old, new) if old.value is None and not old.has(old.path.rpartition(".")[0]) else Effect.LOOSER
    return Effect.TIGHTER if new.value % old.value == 0 else Effect.LOOSER


def _by_number(old: Side, new: Side, rising: Effect, appearing: Effect) -> Effect:
    falling = Effect.TIGHTER if rising is Effect.LOOSER else Effect.LOOSER
    if old.value is None or new.value is None:
        gone = Effect.LOOSER if appearing is Effect.TIGHTER else Effect.TIGHTER
        return appearing if old.value is None else gone
    return rising if Decimal(str(new.value)) > Decimal(str(old.value)) else falling


_NAME = r"[A-Za-z0-9_-]+"
_TERM = r"DUO:[0-9]+"
_TABLE = rf"tables\.{_NAME}"
_COLUMN = rf"{_TABLE}\.columns\.{_NAME}"

DATASET_RULES: tuple[tuple[str, Rule], ...] = (
    (r"title|description|attribution\..*", neutral),
    (rf"{_TABLE}\.description|{_COLUMN}\.description|consent\.modifiers\.{_TERM}\.note", neutral),
    (r"privacy\.(epsilon|delta)", more_is_looser_from_none),
    (r"disclosure\.dominance\.k|share\.epsilon", rising_is_looser),
    (r"disclosure\.(threshold|p_percent|dominance\.n)|timing\.slot_ms", rising_is_tighter),
    (rf"{_TABLE}\.(rows_per_unit|groups_per_unit|rows_per_group)", rising_is_looser),
    (rf"{_TABLE}\.public", in_order(True, None, False)),  # noqa: FBT003 - a value of the policy, not a flag of the call
    (rf"{_COLUMN}\.bounds", narrower_interval_is_tighter),
    (rf"{_COLUMN}\.keys", fewer_is_tighter),
    (r"exact", in_order(Exact.REVIEWED.value, Exact.NEVER.value)),
    (r"risk\.sensitivity", in_order(*(level.value for level in Sensitivity))),
    (r"risk\.identifiability", in_order(*(level.value for level in Identifiability))),
    (r"risk\.vulnerable_groups", in_order(False, True)),  # noqa: FBT003 - the same
    (r"risk\.tier", in_order(None, *(tier.value for tier in Tier))),
    (r"consent\.permission", narrower_permission_is_tighter),
    (r"consent\.disease", appearing_is_tighter),
    (rf"consent\.modifiers\.{_TERM}\.id", appearing_is_tighter),
    (rf"consent\.modifiers\.{_TERM}\.(countries|users|projects|institutions)", more_is_looser),
    (rf"consent\.modifiers\.{_TERM}\.until", later_is_tighter),
    (rf"consent\.modifiers\.{_TERM}\.months", rising_is_looser),
    (r"consent\.withdrawals", appearing_is_tighter),
    (r"consent\.between", in_order(Between.WAIT.value, Between.STOP.value)),
    (rf"disclosure\.protected_columns\.{_NAME}", appearing_is_tighter),
)
"""By path: what is not here is looser, the custodian, the population and the definition among it."""

PROJECT_RULES: tuple[tuple[str, Rule], ...] = (
    (r"title|lay_summary", neutral),
    (r"researchers\..+", appearing_is_looser),
    (rf"datasets\.{_NAME}\.epsilon", more_is_looser_from_none),
    (rf"datasets\.{_NAME}\.(per_researcher|per_period)\.epsilon", rising_is_looser),
    (rf"datasets\.{_NAME}\.per_period\.(months|weeks)", shorter_is_looser),
    (r"ends|ethics\.expires", later_is_looser),
    (rf"agreements\.{_TERM}", appearing_is_looser),
)
"""The same for projects."""


def of_dataset(path: str, old: Side, new: Side) -> Effect:
    """Which way a change of a dataset's policy goes. What belongs to a table or column comes and goes with it."""
    rule = _first(DATASET_RULES, path)
    if rule is neutral:
        return Effect.NEUTRAL
    whole = re.match(rf"{_COLUMN}|{_TABLE}(?=\.)", path)
    place = None if whole is None else _outermost(whole.group(), old, new)
    if place is not None:
        return Effect.TIGHTER if old.has(place) and not _left_to_its_source(place, new) else Effect.LOOSER
    return rule(old, new)


def of_project(path: str, old: Side, new: Side) -> Effect:
    """Which way a change of a project's policy goes. What belongs to a grant comes and goes with it."""
    grant = re.match(rf"datasets\.{_NAME}", path)
    if grant is not None and old.has(grant.group()) is not new.has(grant.group()):
        return Effect.TIGHTER if old.has(grant.group()) else Effect.LOOSER
    return _first(PROJECT_RULES, path)(old, new)


def _left_to_its_source(place: str, new: Side) -> bool:
    """Whether a column goes because its table, which is public, now takes every column of its source."""
    table = ".".join(place.split(".")[:2])
    return place != table and not new.has(f"{table}.columns")


def _outermost(place: str, old: Side, new: Side) -> str | None:
    """The table or column that is in one version alone, None where both are in both."""
    table = ".".join(place.split(".")[:2])
    return next((each for each in (table, place) if old.has(each) is not new.has(each)), None)


def _first(rules: tuple[tuple[str, Rule], ...], path: str) -> Rule:
    return next((rule for pattern, rule in rules if re.fullmatch(pattern, path)), _unknown)


def _unknown(_old: Side, _new: Side) -> Effect:
    return Effect.LOOSER
