"""What changed between two versions of a dataset's policy, in words, and whether each change loosens or tightens it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from haven.policy.dataset_policy import Between, DatasetPolicy, Exact, Identifiability, Sensitivity
from haven.policy.duo import Permission
from haven.policy.roles import Tier
from haven.policy.tiers import ORDER, tier_of


class Direction(StrEnum):
    """What a change does to the protection of participants."""

    LOOSER = "looser"
    TIGHTER = "tighter"
    OTHER = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: `path` in the policy, both values as written, and its direction."""

    path: str
    before: str
    after: str
    direction: Direction

    def __str__(self) -> str:
        """One line: direction, path, before and after."""
        return f"{self.direction}: {self.path}: {self.before} -> {self.after}"


WIDER: Mapping[Permission, frozenset[Permission]] = {
    Permission.NRES: frozenset(),
    Permission.GRU: frozenset({Permission.NRES}),
    Permission.HMB: frozenset({Permission.NRES, Permission.GRU}),
    Permission.DS: frozenset({Permission.NRES, Permission.GRU, Permission.HMB}),
    Permission.POA: frozenset({Permission.NRES, Permission.GRU}),
}
"""The permissions that allow all that one allows, and more."""

RISING_IS_LOOSER = frozenset({"privacy.epsilon", "privacy.delta", "share.epsilon", "disclosure.dominance.k"})
RISING_IS_TIGHTER = frozenset({"disclosure.threshold", "disclosure.p_percent", "disclosure.dominance.n"})
ABSENT = "(absent)"


def differences(before: DatasetPolicy, after: DatasetPolicy) -> tuple[Difference, ...]:
    """Every difference between two policies, by path, the computed risk tier's among them; none where the digests are equal."""
    old, new = _leaves(before), _leaves(after)
    changed = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    found = [Difference(path, _shown(old, path), _shown(new, path), _direction(path, old, new)) for path in changed]
    tiers = (tier_of(before).tier, tier_of(after).tier)
    if tiers[0] is not tiers[1]:
        found.append(Difference("risk tier (computed)", tiers[0], tiers[1], _by_order(ORDER, *tiers)))
    return tuple(found)


def _leaves(policy: DatasetPolicy) -> Mapping[str, Any]:
    """Each part of the policy by its dotted path; lists of names, columns and modifiers by their members."""
    plain = policy.model_dump(mode="json")
    plain["population"] = policy.budget_owner
    plain["consent"]["modifiers"] = {modifier["id"]: modifier for modifier in plain["consent"]["modifiers"]}
    plain["disclosure"]["protected_columns"] = dict.fromkeys(plain["disclosure"]["protected_columns"], "protected")
    return dict(_flat("", plain))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - the plain form holds any JSON value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    elif value is not None:
        yield path, value


def _shown(leaves: Mapping[str, Any], path: str) -> str:
    return str(leaves[path]) if path in leaves else ABSENT


def _direction(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Direction:
    before, after = old.get(path), new.get(path)
    if path in RISING_IS_LOOSER | RISING_IS_TIGHTER and before is not None and after is not None:
        rises = float(after) > float(before)
        return Direction.LOOSER if rises is (path in RISING_IS_LOOSER) else Direction.TIGHTER
    if path == "consent.permission":
        return _permission_direction(Permission(str(before)), Permission(str(after)))
    order = (True, None, False) if path.startswith("tables.") and path.endswith(".public") else ORDERS.get(path)
    return _presence_direction(path, before, after) if order is None else _by_order(order, before, after)


def _presence_direction(path: str, before: object, after: object) -> Direction:
    """A protection that appears tightens; a table, column, key list or bound that appears loosens; the reverse where it goes."""
    if before is not None and after is not None:
        return Direction.OTHER
    appears = after is not None
    if path.startswith(PROTECTIONS):
        return Direction.TIGHTER if appears else Direction.LOOSER
    if path.startswith("tables."):
        return Direction.LOOSER if appears else Direction.TIGHTER
    return Direction.OTHER


ORDERS: Mapping[str, tuple[Any, ...]] = {
    "consent.between": (Between.WAIT.value, None, Between.STOP.value),
    "exact": (Exact.REVIEWED.value, Exact.NEVER.value),
    "risk.sensitivity": tuple(level.value for level in Sensitivity),
    "risk.identifiability": tuple(level.value for level in Identifiability),
    "risk.vulnerable_groups": (False, True),
    "risk.tier": (None, *(tier.value for tier in Tier)),
}
"""From loose to tight."""

PROTECTIONS = ("share.", "consent.modifiers.", "consent.withdrawals", "disclosure.protected_columns.", "timing.")


def _by_order(order: tuple[Any, ...], before: object, after: object) -> Direction:
    return Direction.TIGHTER if order.index(after) > order.index(before) else Direction.LOOSER


def _permission_direction(before: Permission, after: Permission) -> Direction:
    if after in WIDER[before]:
        return Direction.LOOSER
    return Direction.TIGHTER if before in WIDER[after] else Direction.OTHER
