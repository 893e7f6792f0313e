"""Station 6's last step: exact integers in, noised integers out. Nothing but this module opens an `ExactTable`.

Guarantee: what comes out was drawn by the measurements whose maps priced `noises` and `selection`; one OpenDP call a target. Multiplying
before noise by what the plan says, and rounding after it, are part of the plan and post-processing.
"""

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from haven.privacy import measurements
from haven.privacy.choices import Choice
from haven.privacy.mechanisms import Mechanism, Noise
from haven.privacy.selection import Selection
from haven.privacy.tables import Counts, ExactColumn, ExactTable, Key, NoisyTable

LARGEST_EXACT = 2**62
WORTH_THREADS = 256
"""Candidates from which on one draw may take longer inside OpenDP (up to 3 µs each) than outside: draws then go side by side."""


def add_noise(exact: ExactTable, noises: tuple[Noise | Choice, ...], selection: Selection | None) -> NoisyTable:
    """Noise every target: column t of `exact` gets `noises[t]`; with `selection`, keys are chosen first and only theirs are noised.

    A column of counts per candidate gets a `Choice`, and becomes one index a group.

    Exact integers are first clamped to ±2⁶² (which moves no two of them further apart), so noise never overflows 64 bits unseen. With
    private keys the result holds the chosen keys in the order of `exact` and their noisy numbers of units; each sum gets fresh noise.
    Raises ValueError when the plan and the table do not fit each other (as many noises as columns; units if and only if a selection).
    """
    keys, columns, units = exact._keys, exact._columns, exact._units  # noqa: SLF001 - the one place that opens the seal
    if len(noises) != len(columns) or (selection is None) != (units is None):
        msg = "the plan and the exact table do not fit each other"
        raise ValueError(msg)
    if selection is None or units is None:
        return NoisyTable(keys, tuple(_noised(column, noise) for column, noise in zip(columns, noises, strict=True)))
    chosen = _select(units, selection)
    kept: tuple[Key, ...] = tuple(keys[index] for index in chosen)
    noised = tuple(_noised([column[index] for index in chosen], noise) for column, noise in zip(columns, noises, strict=True))
    return NoisyTable(kept, noised, tuple(chosen.values()))


def _noised(exact: ExactColumn, noise: Noise | Choice) -> tuple[int, ...]:
    """The numbers of `exact` plus fresh noise; of counts per candidate, the index that fresh noise chooses in each group."""
    numbers = [cell for cell in exact if not isinstance(cell, tuple | np.ndarray)]
    counts = [cell for cell in exact if isinstance(cell, tuple | np.ndarray)]
    if isinstance(noise, Choice) and not numbers:
        return _chosen(counts, noise)
    if isinstance(noise, Choice) or counts:
        msg = "a choice is made of counts per candidate, and of nothing else"
        raise ValueError(msg)
    return _added(numbers, noise)


def _chosen(groups: Sequence[Counts], choice: Choice) -> tuple[int, ...]:
    """One index a group: a draw of its own. OpenDP draws without holding Python up, so long draws run side by side."""
    if any(len(counts) != choice.candidates for counts in groups):
        msg = "the plan and the exact table do not fit each other"
        raise ValueError(msg)
    if len(groups) == 1 or choice.candidates < WORTH_THREADS:
        return tuple(map(choice.choose, groups))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return tuple(threads.map(choice.choose, groups))


def _added(exact: Sequence[int], noise: Noise) -> tuple[int, ...]:
    """`exact`, on the grid of the noise and clamped there, plus fresh noise of the planned law."""
    build = measurements.gaussian if noise.mechanism is Mechanism.DISCRETE_GAUSSIAN else measurements.laplace
    steps = noise.multiple * noise.finer
    drawn = measurements.draw_vector(build(noise.scale * noise.finer), [_clamped(value * steps) for value in exact])
    return drawn if noise.finer == 1 else tuple(_rounded(value, noise.finer) for value in drawn)


def _select(units: Sequence[int], selection: Selection) -> dict[int, int]:
    """Chosen indices, ascending, with their noisy counts. A count equal to the threshold is dropped: OpenDP keeps it but prices it not.

    A key without any unit is no key of the data: it is left out before noise, as if it had not been listed.
    """
    finer = selection.noise.finer
    counts = {str(index): _clamped(count * finer) for index, count in enumerate(units) if count > 0}
    measurement = measurements.gaussian_threshold(selection.noise.scale * finer, selection.threshold * finer)
    drawn = measurements.draw_counts(measurement, counts)
    kept = sorted((int(index), count) for index, count in drawn.items() if count > selection.threshold * finer)
    return {index: _rounded(count, finer) for index, count in kept}


def _rounded(value: int, steps: int) -> int:
    """`value`/`steps` to the nearest integer, halves by a fair coin: no integer is likelier than its neighbours, and none is favoured."""
    whole, rest = divmod(value, steps)
    return whole + (2 * rest > steps or (2 * rest == steps and secrets.randbits(1) == 1))


def _clamped(value: int) -> int:
    return max(-LARGEST_EXACT, min(LARGEST_EXACT, value))
