"""Totals and parts of one batch made consistent: the releases' noisy tables moved by least squares, and the answers told again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from haven import query
from haven.ledger.ledger import Ledger
from haven.mediator.answers import Consistent
from haven.mediator.asking import Planned
from haven.mediator.batches import Table
from haven.mediator.serving import as_recorded
from haven.privacy.combining import summed
from haven.privacy.mechanisms import Noise
from haven.privacy.tables import Key, NoisyTable
from haven.query.consistency import Part, reconciled, scale_of
from haven.query.private_plan import PrivatePlan
from haven.query.sharing import continuous

Name = tuple[str, float]
"""A target, by its SQL and grid."""


@dataclass(frozen=True, slots=True)
class Release:
    """A table that was released, under a receipt."""

    table: Table
    planned: Planned
    receipt: str


@dataclass(frozen=True, slots=True)
class _Moved:
    """A release's noisy values after they were moved, by target, each with its noise."""

    keys: tuple[Key, ...]
    values: Mapping[Name, tuple[float, ...]]
    noises: Mapping[Name, Noise]


def consistent(ledger: Ledger, releases: Sequence[Release], planned: Sequence[Planned]) -> tuple[Consistent | None, ...]:
    """For each question its consistent answer; None where nothing that it shows had a total and parts released beside each other."""
    moved = _reconciled(ledger, releases)
    told: list[Consistent | None] = [None] * len(planned)
    for release, values in zip(releases, moved, strict=True):
        for member in release.table.members:
            told[member.place] = None if values is None else _told(planned[member.place].plan, release, values, member.groups)
    return tuple(told)


def _reconciled(ledger: Ledger, releases: Sequence[Release]) -> list[_Moved | None]:
    """Target by target, over the releases of the same rows that count by the same bounds."""
    gathered: defaultdict[tuple[str, str, Name], list[tuple[int, Part, Noise]]] = defaultdict(list)
    keys: dict[int, tuple[Key, ...]] = {}
    for index, release in enumerate(releases):
        recorded = ledger.recorded(release.receipt)
        offer = None if recorded is None else recorded.document.get("offer")
        if recorded is None or offer is None or not release.table.additive:
            continue
        plan, noisy = as_recorded(release.planned.plan, recorded), recorded.noisy
        keys[index] = noisy.keys
        for target, noise, column in zip(plan.targets, plan.noises, noisy.columns, strict=True):
            if isinstance(noise, Noise):
                part = Part(tuple(name for name, _ in offer["keys"]), noisy.keys, tuple(map(float, column)), noise.variance)
                gathered[offer["source"], offer["bounds"], (target.sql, target.grid)].append((index, part, noise))
    values: defaultdict[int, dict[Name, tuple[float, ...]]] = defaultdict(dict)
    noises: defaultdict[int, dict[Name, Noise]] = defaultdict(dict)
    for (_, _, name), found in gathered.items():
        for (index, _, noise), part in zip(found, reconciled([part for _, part, _ in found]) or [], strict=False):
            values[index][name] = part.values
            noises[index][name] = replace(noise, finer=1, scale=scale_of(part.variance))
    return [_Moved(keys[index], values[index], noises[index]) if index in values else None for index in range(len(releases))]


def _told(plan: PrivatePlan, release: Release, moved: _Moved, groups: int) -> Consistent | None:
    names = [(target.sql, target.grid) for target in plan.targets]
    if not all(name in moved.values for name in names):
        return None
    places = [[key.sql for key in release.planned.plan.keys].index(key.sql) for key in plan.keys]
    table = _summed(moved, names, plan.public_keys() or (), places)
    noises = tuple(summed(moved.noises[name], groups) for name in names)
    finished = query.finish(continuous(replace(plan, noises=noises)), table)
    return Consistent(finished.rows, finished.errors)


def _summed(moved: _Moved, names: Sequence[Name], keys: tuple[Key, ...], places: Sequence[int]) -> NoisyTable:
    sums: dict[Key, list[float]] = {key: [0.0] * len(names) for key in keys}
    for index, key in enumerate(moved.keys):
        cell = sums[tuple(key[place] for place in places)]
        for position, name in enumerate(names):
            cell[position] += moved.values[name][index]
    columns: Any = tuple(zip(*sums.values(), strict=True))  # no longer on the grid: numbers, where a noisy table holds integers
    return NoisyTable(keys, columns)
