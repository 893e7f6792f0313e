"""What is left of a privacy budget: of a dataset, or of a project's share of one."""

from typing import Any

from haven.ledger.ledger import Ledger
from haven.mediator.receipts import amounts
from haven.policy.caps import caps_of, total_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.project_policy import ProjectPolicy
from haven.privacy.budget import Price


def budget_line(ledger: Ledger, policy: DatasetPolicy, project: ProjectPolicy | None) -> dict[str, Any]:
    """A dataset's line, or a project's share of it, JSON-ready: total, spent (with what is in flight) and left.

    `left` is what the next question may still cost: the least that the population, the dataset and the share leave, part by part, as a
    receipt's `remaining` is. Where others have spent of the same people it is less than total minus spent.
    """
    definition, owner = policy.privacy.definition, policy.budget_owner
    whole = total_of(policy.privacy)
    population = ledger.population_balance(owner, definition=definition)
    dataset = ledger.balance(policy.dataset, owner, definition=definition)
    total, balance = whole, dataset
    if project is not None:
        total = caps_of(policy, project).project
        balance = ledger.balance(policy.dataset, owner, project.project, definition=definition)
    lefts = [whole.minus(population.taken), whole.minus(dataset.taken), total.minus(balance.taken)]
    left = Price(definition, min(one.pico for one in lefts), min(one.atto_delta for one in lefts))
    return {
        "dataset": policy.dataset,
        "definition": str(definition),
        "total": amounts(total, policy),
        "spent": amounts(balance.taken, policy),
        "left": amounts(left, policy),
    }
