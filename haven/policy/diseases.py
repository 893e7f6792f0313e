"""Which disease is a kind of which: the transitive closure of a supplied table. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Diseases:
    """A supplied ancestry: each disease's direct parents, by MONDO identifier. What is not in it is unknown, and unknown is refused."""

    parents: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, str]]) -> "Diseases":
        """From (child, parent) pairs."""
        parents: dict[str, set[str]] = {}
        for child, parent in pairs:
            parents.setdefault(child, set()).add(parent)
            parents.setdefault(parent, set())
        return cls({child: frozenset(found) for child, found in parents.items()})

    def knows(self, disease: str) -> bool:
        """True where the table says anything about this disease."""
        return disease in self.parents

    def is_kind_of(self, disease: str, family: str) -> bool:
        """True where `disease` is `family`, or descends from it in the table."""
        reached, front = {disease}, [disease]
        while front:
            for parent in self.parents.get(front.pop(), frozenset()) - reached:
                reached.add(parent)
                front.append(parent)
        return family in reached


NO_DISEASES = Diseases()
