"""Datasets that hold the very same persons under different populations: told to their custodians, and to nobody else.

Each population's promise is kept by itself, so whoever asks both learns of the same people twice over. Only equal sets are found, by a
sealed digest: sets that overlap are the custodian's to know.
"""

from dataclasses import dataclass

from haven.ledger.ledger import Ledger
from haven.mediator.policies import InForce


@dataclass(frozen=True, slots=True)
class SamePeople:
    """Datasets of the same persons, by name, and the populations that they draw on; `words` say what to do."""

    datasets: tuple[str, ...]
    populations: tuple[str, ...]

    @property
    def words(self) -> str:
        """The warning, with the population that is offered: the one with the fewest names to change, else the first by name."""
        named, offered = ", ".join(self.datasets), self.populations[0]
        return (
            f"The datasets {named} hold the very same persons, but draw on different populations ({', '.join(self.populations)}): what is "
            f"learnt of these people adds up, and no budget holds the sum. Write population: {offered} in each of their policies, with the "
            f"same privacy; then add what was spent of the others to {offered} with `haven budget correct`."
        )


def same_people(ledger: Ledger, policies: InForce) -> tuple[SamePeople, ...]:
    """Every group of datasets of the same persons whose populations differ."""
    found = []
    for group in ledger.registry.same_people():
        datasets = tuple(name for name in group if name in policies.datasets)
        owners = [policies.datasets[name].budget_owner for name in datasets]
        populations = sorted(set(owners), key=lambda owner: (-owners.count(owner), owner))
        if len(populations) > 1:
            found.append(SamePeople(datasets, tuple(populations)))
    return tuple(found)
