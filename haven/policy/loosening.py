"""Whether a new version of a policy loosens the protection of participants, change by change, each in a sentence. Pure.

Guarantee: a change that could let a question through that was refused before, or let it spend or show more, is never called tighter or
neutral. What no rule below decides is looser: deny by default. So every change of what a project says of itself (its purpose, country,
institution, ethics) is looser, since haven believes these words.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from haven.policy import loosening_rules as rules
from haven.policy.caps import share_of, total_of
from haven.policy.dataset_policy import DatasetPolicy, Privacy
from haven.policy.duo import Modifier
from haven.policy.loosening_rules import Effect
from haven.policy.project_policy import ProjectPolicy
from haven.policy.shares import Share
from haven.policy.tiers import ORDER, tier_of
from haven.privacy.budget import Price
from haven.privacy.mechanisms import Sensitivity, plan_noise
from haven.privacy.units import ContributionBound

__all__ = ["Change", "Effect", "changes_of_dataset", "changes_of_project", "loosens", "noise_on_a_count", "reads_rows_again"]

ABSENT = "(absent)"
ONE_PERSON = Sensitivity(ContributionBound(1, 1, 1), 1)
TIER_PATH = "risk tier (computed)"
_VERBS = {Effect.LOOSER: "loosens", Effect.TIGHTER: "tightens", Effect.NEUTRAL: "does not change"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of two versions: its dotted path, both values as written, what it does, and a sentence for a custodian."""

    path: str
    before: str
    after: str
    effect: Effect
    sentence: str


def loosens(changes: Iterable[Change]) -> bool:
    """Whether a second custodian must agree: any one change loosens, whatever the others tighten."""
    return any(change.effect is Effect.LOOSER for change in changes)


def reads_rows_again(before: DatasetPolicy, after: DatasetPolicy) -> bool:
    """Whether the rows must be stored anew under the new version: its tables, or its list of withdrawals, are others."""
    return (before.tables, before.consent.withdrawals) != (after.tables, after.consent.withdrawals)


def changes_of_dataset(before: DatasetPolicy, after: DatasetPolicy) -> tuple[Change, ...]:
    """Every change between two versions of a dataset's policy, by path, the computed risk tier's last; none for equal digests."""
    privacy = (before.privacy, after.privacy)
    found = [_change(path, old, new, rules.of_dataset, privacy) for path, old, new in _differing(_dataset(before), _dataset(after))]
    tiers = (tier_of(before).tier, tier_of(after).tier)
    if tiers[0] is not tiers[1]:
        effect = Effect.TIGHTER if ORDER.index(tiers[1]) > ORDER.index(tiers[0]) else Effect.LOOSER
        found.append(Change(TIER_PATH, tiers[0], tiers[1], effect, f"The risk tier becomes {tiers[1]} (it was {tiers[0]})."))
    return tuple(found)


def changes_of_project(before: ProjectPolicy, after: ProjectPolicy, datasets: Mapping[str, DatasetPolicy]) -> tuple[Change, ...]:
    """Every change between two versions of a project's policy, by path. `datasets` are those known, by name, to say what a share buys."""
    found = []
    for path, old, new in _differing(_project(before), _project(after)):
        parts = path.split(".")
        dataset = datasets.get(parts[1]) if parts[0] == "datasets" else None
        privacy = None if dataset is None else (dataset.privacy, dataset.privacy)
        found.append(_change(path, old, new, rules.of_project, privacy))
    return (*found, *_only_approved_now(before, after, datasets))


def _only_approved_now(before: ProjectPolicy, after: ProjectPolicy, datasets: Mapping[str, DatasetPolicy]) -> Iterator[Change]:
    """Where consent is for approved users alone (DUO:0000026), the rest of a project may ask once the others have left it."""
    for name in sorted(before.datasets.keys() & after.datasets.keys() & datasets.keys()):
        for condition in datasets[name].consent.modifiers:
            outside = [set(policy.researchers) - set(condition.users or ()) for policy in (before, after)]
            if condition.id is Modifier.US and outside[0] and not outside[1]:
                words = f"Every researcher is now an approved user of {name}, so the project may ask it; this loosens its protection."
                yield Change(f"approved users of {name}", "not all", "all", Effect.LOOSER, words)


def noise_on_a_count(price: Price) -> float:
    """The 95 % half-width, in persons, of one count of persons that takes all of `price`."""
    return plan_noise(ONE_PERSON, price).half_width()


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, rules.Side, rules.Side]]:
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            yield path, rules.Side(old, path), rules.Side(new, path)


def _change(path: str, old: rules.Side, new: rules.Side, judge: rules.Judge, privacy: tuple[Privacy, Privacy] | None) -> Change:
    before, after = _shown(old.value), _shown(new.value)
    effect = judge(path, old, new)
    noise = "" if privacy is None else _noise_words(path, old, new, privacy)
    words = f"{path}: {before} → {after}{noise}; this {_VERBS[effect]} the protection of participants."
    return Change(path, before, after, effect, words)


def _noise_words(path: str, old: rules.Side, new: rules.Side, privacy: tuple[Privacy, Privacy]) -> str:
    """What a changed budget does to the noise on a count, where the path is a budget on both sides."""
    if not path.endswith(("epsilon", "privacy.delta")) or old.value is None or new.value is None:
        return ""
    before, after = (_price(path, promise, side) for promise, side in zip(privacy, (old, new), strict=True))
    widths = [f"± {noise_on_a_count(price):,.0f}" for price in (before, after)]
    if widths[0] == widths[1]:
        return f": noise on a count of 100 that takes all of it stays {widths[0]}"
    falls = "falls" if after.pico > before.pico else "rises"
    return f": noise on a count of 100 that takes all of it {falls} from {widths[0]} to {widths[1]}"


def _price(path: str, promise: Privacy, side: rules.Side) -> Price:
    return total_of(promise) if path.startswith("privacy.") else share_of(promise, Share(epsilon=side.value))


def _shown(value: object) -> str:
    if value is None:
        return ABSENT
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _dataset(policy: DatasetPolicy) -> Mapping[str, Any]:
    plain = policy.model_dump()
    plain["population"] = policy.budget_owner
    plain["consent"]["modifiers"] = {modifier["id"].value: modifier for modifier in plain["consent"]["modifiers"]}
    plain["disclosure"]["protected_columns"] = dict.fromkeys(plain["disclosure"]["protected_columns"], "protected")
    return dict(_flat("", plain))


def _project(policy: ProjectPolicy) -> Mapping[str, Any]:
    plain = policy.model_dump()
    plain["researchers"] = dict.fromkeys(plain["researchers"], "a researcher")
    plain["agreements"] = {agreement.value: "agreed" for agreement in plain["agreements"]}
    return dict(_flat("", plain))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a policy's parts are of any plain kind
    """Each part by its dotted path; an order within a list says nothing, so lists are sorted where they can be."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, StrEnum):
        yield path, value.value
    elif isinstance(value, list | tuple):
        yield path, list(value)
    elif value is not None:
        yield path, value
