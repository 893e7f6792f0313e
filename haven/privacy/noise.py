"""Station 6's last step: exact integers in, noised integers out. Nothing but this module opens an `ExactTable`.

Guarantee: what comes out was drawn by the measurements whose maps priced `noises` and `selection`; one OpenDP call a target.
"""

from collections.abc import Sequence

from haven.privacy import measurements
from haven.privacy.mechanisms import Mechanism, Noise
from haven.privacy.selection import Selection
from haven.privacy.tables import ExactTable, Key, NoisyTable

LARGEST_EXACT = 2**62


def add_noise(exact: ExactTable, noises: tuple[Noise, ...], selection: Selection | None) -> NoisyTable:
    """Noise every target: column t of `exact` gets `noises[t]`; with `selection`, keys are chosen first and only theirs are noised.

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


def _noised(exact: Sequence[int], noise: Noise) -> tuple[int, ...]:
    """`exact`, clamped, plus fresh noise of the planned law."""
    build = measurements.gaussian if noise.mechanism is Mechanism.DISCRETE_GAUSSIAN else measurements.laplace
    return measurements.draw_vector(build(noise.scale), [_clamped(value) for value in exact])


def _select(units: Sequence[int], selection: Selection) -> dict[int, int]:
    """Chosen indices, ascending, with their noisy counts. A count equal to the threshold is dropped: OpenDP keeps it but prices it not.

    A key without any unit is no key of the data: it is left out before noise, as if it had not been listed.
    """
    counts = {str(index): _clamped(count) for index, count in enumerate(units) if count > 0}
    measurement = measurements.gaussian_threshold(selection.noise.scale, selection.threshold)
    drawn = measurements.draw_counts(measurement, counts)
    return dict(sorted((int(index), count) for index, count in drawn.items() if count > selection.threshold))


def _clamped(value: int) -> int:
    return max(-LARGEST_EXACT, min(LARGEST_EXACT, value))
