"""What the rules need beside the noised table: the policy's thresholds, and the data-free facts of the plan."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A dataset's disclosure thresholds, as its policy declares them.

    `low_count` is the least number of units a group may show without a person looking at it; `protected_columns` are names of columns
    (`column` or `table.column`) whose breakdowns may stigmatise a group.
    """

    low_count: int = 10
    protected_columns: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Thresholds that exist are valid."""
        if self.low_count < 1:
            msg = "a low-count threshold is at least 1"
            raise ValueError(msg)

    def protects(self, column: str) -> bool:
        """True when `column` (`column` or `table.column`, in any case) is declared protected."""
        names = {name.casefold() for name in self.protected_columns}
        folded = column.casefold()
        return folded in names or folded.rpartition(".")[2] in names


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What a plan says of its noised table, without data.

    `key_columns` names every column that a group key is made from, in the keys' order; `count_targets` are the indexes of targets that
    count rows or units; `grids` is the worth of one unit of each target.
    """

    key_columns: tuple[str, ...]
    count_targets: tuple[int, ...]
    grids: tuple[float, ...]
