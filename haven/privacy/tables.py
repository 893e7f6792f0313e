"""The two tables of the journey: the exact one, which only noise may open, and the noisy one, which anyone may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Never

import numpy as np

KeyValue = str | int | bool | None
Key = tuple[KeyValue, ...]
Counts = tuple[int, ...] | np.typing.NDArray[np.int64]
"""The number of rows at each candidate of a choice, in one group."""
ExactColumn = Sequence[int | Counts]
"""One value a group: a number, or for a choice the counts of its candidates."""


class ExactTable:
    """Exact integer aggregates under seal: cannot be printed, compared, iterated, pickled, copied or serialised.

    Holds `n` group keys in a data-free order (public keys: the full declared product, in its declared order; private keys: sorted), one
    column of n integers a target (for a choice n vectors of counts), and for private keys the number of units behind each key. Only
    `haven.privacy` opens it.
    """

    __slots__ = ("_columns", "_keys", "_units")

    def __init__(self, keys: Sequence[Key], columns: Sequence[ExactColumn], units: Sequence[int] | None = None) -> None:
        """Seal `columns` (one a target, each as long as `keys`) and, for private keys, `units`, the exact number of units a key has."""
        if any(len(column) != len(keys) for column in columns) or (units is not None and len(units) != len(keys)):
            msg = "every column of an exact table is as long as its keys"
            raise ValueError(msg)
        self._keys = tuple(keys)
        self._columns = tuple(columns)
        self._units = units

    def __repr__(self) -> str:
        """Nothing of what is inside, not even its size."""
        return "ExactTable(sealed)"

    def _sealed(self, *_: object) -> Never:
        msg = "an exact table is sealed"
        raise TypeError(msg)

    __reduce__ = __reduce_ex__ = __copy__ = __deepcopy__ = __iter__ = __len__ = __eq__ = __getitem__ = _sealed
    __getstate__ = __contains__ = __bool__ = _sealed
    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class NoisyTable:
    """Noised integers, on the plan's grid: `keys[i]` is the i-th group's key and `columns[t][i]` its value of target t.

    Of a choice the value is the index of the chosen candidate.
    `units` holds the noisy number of units a key has, where partition selection drew one. Plain Python integers, so nothing of an
    engine's buffers can travel with them.
    """

    keys: tuple[Key, ...]
    columns: tuple[tuple[int, ...], ...]
    units: tuple[int, ...] | None = None
