"""The rows of GROUPING SETS from a noisy table: sums of its cells, or shares made consistent by least squares. Post-processing.

With shares, table s of the sums over all keys but those in s is released with independent noise of one variance v. The cells x of all
keys together that fit them best make Σ_s |M_s x - y_s|²/v least. Every table over full public keys splits into orthogonal effects, one
for each set T of keys (its main effects and interactions), and table s, divided by the N_s cells that each of its rows sums, shows
effect T for every T within s, with variance v/N_s a coordinate: so the best estimate of an effect is the mean of what the tables say of
it, weighted by N_s, and a table's rows are N_s times the sum of the effects within it. It is the least-squares solution (each effect is
a Gauss-Markov problem of its own), and no system is solved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haven.privacy.choices import Choice
from haven.privacy.combining import as_shown, as_shown_ratio
from haven.privacy.mechanisms import Mechanism, Noise
from haven.privacy.tables import Key, KeyValue, NoisyTable
from haven.query.private_plan import GroupingSets, PrivatePlan

Array = NDArray[np.float64]
KeySet = tuple[int, ...]
Cell = int | float


@dataclass(frozen=True, slots=True)
class SetRows:
    """Every row of the sets, the set's mask as the last value of its key; and by mask how many times a cell's variance each target has."""

    table: NoisyTable
    variances: Mapping[int, tuple[float, ...]]


def set_rows(plan: PrivatePlan, sets: GroupingSets, noisy: NoisyTable) -> SetRows:
    """The rows of the answer of `plan`, in the order of its sets and keys."""
    return _summed(plan, sets, noisy) if sets.summed else _fitted(plan, sets, noisy)


def keys_in(mask: int, width: int) -> KeySet:
    """The positions of the keys of a set, from its mask."""
    return tuple(index for index in range(width) if not mask >> (width - 1 - index) & 1)


def variances(sizes: Sequence[int], sets: GroupingSets, *, least_squares: bool) -> dict[int, float]:
    """By mask, the variance of a row in that of one noisy cell."""
    width, every = len(sizes), prod(sizes)
    held = {mask: keys_in(mask, width) for mask in sets.masks}
    summed = {mask: every // prod(sizes[index] for index in keys) for mask, keys in held.items()}
    if sets.summed:
        return {mask: float(count) for mask, count in summed.items()}
    if not least_squares:
        return dict.fromkeys(sets.masks, 1.0)
    weights = {
        effect: sum(summed[mask] for mask, keys in held.items() if set(effect) <= set(keys))
        for effect in {effect for keys in held.values() for effect in _subsets(keys)}
    }
    dimension = {effect: prod(sizes[index] - 1 for index in effect) for effect in weights}
    return {
        mask: summed[mask] ** 2 * sum(dimension[effect] / weights[effect] for effect in _subsets(keys)) / every
        for mask, keys in held.items()
    }


def _summed(plan: PrivatePlan, sets: GroupingSets, noisy: NoisyTable) -> SetRows:
    """Rows of coarser sets as sums of the cells of one table, as they are shown."""
    width = len(plan.keys)
    cells = [as_shown(column, _multiple(noise)) for column, noise in zip(noisy.columns, plan.noises, strict=True)]
    rows: dict[Key, list[Cell]] = {}
    for mask in sets.masks:
        kept = set(keys_in(mask, width))
        for row, key in enumerate(noisy.keys):
            shown: Key = (*(value if index in kept else None for index, value in enumerate(key)), mask)
            total = rows.setdefault(shown, [0] * len(cells))
            for target, column in enumerate(cells):
                total[target] += column[row]
    sizes = [len(key.domain or ()) for key in plan.keys]
    found = variances(sizes, sets, least_squares=False)
    columns: Any = tuple(zip(*rows.values(), strict=True)) if noisy.columns else ()
    return SetRows(
        NoisyTable(tuple(rows), columns), {mask: tuple(ratio * more for more in shown_ratios(plan)) for mask, ratio in found.items()}
    )


def _fitted(plan: PrivatePlan, sets: GroupingSets, noisy: NoisyTable) -> SetRows:
    """Shares, moved to where they agree: those of sums with Gaussian noise."""
    sizes = [len(key.domain or ()) for key in plan.keys[:-1]]
    found = variances(sizes, sets, least_squares=True)
    fits = [
        sums and isinstance(noise, Noise) and noise.mechanism is Mechanism.DISCRETE_GAUSSIAN
        for sums, noise in zip(sets.sums, plan.noises, strict=True)
    ]
    multiples = [_multiple(noise) for noise in plan.noises]
    columns: Any = tuple(
        _fit(column, sizes, sets, multiple) if fit else column for fit, column, multiple in zip(fits, noisy.columns, multiples, strict=True)
    )
    by_mask = {
        mask: tuple(ratio * more if fit else 1.0 for fit, more in zip(fits, shown_ratios(plan), strict=True))
        for mask, ratio in found.items()
    }
    return SetRows(NoisyTable(noisy.keys, columns), by_mask)


def _multiple(noise: Noise | Choice) -> int:
    return noise.multiple if isinstance(noise, Noise) else 1


def shown_ratios(plan: PrivatePlan) -> tuple[float, ...]:
    """How much more variance a cell of each target has as it is shown."""
    return tuple(as_shown_ratio(noise) if isinstance(noise, Noise) else 1.0 for noise in plan.noises)


def _fit(column: Sequence[Cell], sizes: Sequence[int], sets: GroupingSets, multiple: int) -> tuple[int, ...]:
    """One target's tables, in the order of `sets`, at the least-squares solution and then on the target's own grid again."""
    width, start, tables = len(sizes), 0, {}
    for mask in sets.masks:
        keys = keys_in(mask, width)
        shape = [size if index in keys else 1 for index, size in enumerate(sizes)]
        tables[keys] = np.asarray(column[start : start + prod(shape)], dtype=np.float64).reshape(shape) / multiple
        start += prod(shape)
    held = rounded(least_squares(tables, sizes))
    return tuple(multiple * int(cell) for keys in tables for cell in held[keys].ravel())


def least_squares(tables: Mapping[KeySet, Array], sizes: Sequence[int]) -> dict[KeySet, Array]:
    """The tables closest to these that are sums of one another. Axes follow the keys; a key that is summed over has one value."""
    summed = {keys: prod(size for index, size in enumerate(sizes) if index not in keys) for keys in tables}
    effects: dict[KeySet, Array] = {}
    for effect in {effect for keys in tables for effect in _subsets(keys)}:
        telling = [keys for keys in tables if set(effect) <= set(keys)]
        weight = sum(summed[keys] for keys in telling)
        effects[effect] = sum((_effect(tables[keys], effect) for keys in telling), np.zeros(())) / weight
    return {
        keys: summed[keys] * sum((effects[effect] for effect in _subsets(keys)), np.zeros(table.shape)) for keys, table in tables.items()
    }


def _effect(table: Array, effect: KeySet) -> Array:
    """What a table says of one effect: the mean over all other keys, without the means over its own."""

    def along(cells: Array, axis: int) -> Array:
        mean: Array = cells.mean(axis=axis, keepdims=True)
        return cells - mean if axis in effect else mean

    return reduce(along, range(table.ndim), table)


def rounded(tables: Mapping[KeySet, Array]) -> dict[KeySet, Array]:
    """Whole numbers: each the next below or above, so that parts still sum to their totals where the sets are nested, as in ROLLUP.

    From the coarsest down, what rounding took from the parts of a row is given to those that lost most. Sets that are not nested are
    rounded each by itself.
    """
    coarse_first = sorted(tables, key=len)
    if any(not set(one) <= set(other) for one, other in pairwise(coarse_first)):
        return {keys: np.rint(table) for keys, table in tables.items()}
    found: dict[KeySet, Array] = {}
    for keys in coarse_first:
        above = found.get(coarse_first[len(found) - 1]) if found else None
        found[keys] = np.rint(tables[keys]) if above is None else _parts(tables[keys], above)
    return found


def _parts(table: Array, totals: Array) -> Array:
    """A table rounded so that it sums to `totals`, which are whole and less than 1 off its sums."""
    axes = [axis for axis in range(table.ndim) if totals.shape[axis] == 1 and table.shape[axis] > 1]
    moved = np.moveaxis(table, axes, range(table.ndim - len(axes), table.ndim))
    rows = moved.reshape(totals.size, -1)
    low = np.floor(rows)
    missing = np.clip(np.rint(totals.ravel() - low.sum(axis=1)), 0, rows.shape[1])
    ranks = np.argsort(np.argsort(low - rows, axis=1, kind="stable"), axis=1, kind="stable")
    held: Array = (low + (ranks < missing[:, None])).reshape(moved.shape)
    return np.moveaxis(held, range(table.ndim - len(axes), table.ndim), axes)


def _subsets(keys: KeySet) -> Iterator[KeySet]:
    for length in range(len(keys) + 1):
        yield from combinations(keys, length)


def mask_of(key: Key) -> int:
    """The mask of a row's set."""
    value: KeyValue = key[-1]
    return value if isinstance(value, int) else 0
