"""A project's share of a dataset: what it could still ask, and what another share would allow. Looks at no data, spends nothing."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from haven.errors import Code, Refused
from haven.mediator.what_if import Possible, noise_of_a_count, possible
from haven.policy.caps import cap_of, share_of, total_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.shares import Share
from haven.privacy.accounting import parse_epsilon
from haven.privacy.budget import Price
from haven.web.amending import Amending, Draft
from haven.web.custodian_facts import ProjectLine
from haven.web.custody import Custody
from haven.web.facts import BudgetLine
from haven.web.overviews import Looking, budget_line

QUESTIONS = 100
"""The noise of a count is told for a share that is divided among so many of them."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one share allows: its budget, after what is spent of it, and the noise on each of a hundred counts that divide it equally."""

    budget: BudgetLine
    noise_words: str


@dataclass(frozen=True, slots=True)
class SharePreview:
    """The share as it would be: `epsilon` as it was asked for, what it would allow, and the draft of the project's policy."""

    epsilon: str
    allowance: Allowance
    draft: Draft


@dataclass(frozen=True, slots=True)
class SharePage:
    """A project's share of a dataset. `narrower` says when others have spent so much of the same people that less is left."""

    dataset: str
    dataset_title: str
    line: ProjectLine
    epsilon: str
    allowance: Allowance
    could_ask: tuple[Possible, ...]
    narrower: str


def share_page(custody: Custody, dataset: str, project: str) -> SharePage:
    """The share as it is. Refused `not_found` where it is not the custodian's to see."""
    policy, of = custody.share(dataset, project)
    ledger = custody.parts.ledger
    with ledger.read() as connection:
        line = Looking(custody, policy, connection).project_line(of)
    grant = of.datasets[dataset]
    cap = share_of(policy.privacy, grant)
    taken = _taken(custody, policy, project)
    own, left = cap.minus(taken), _left(custody, policy, cap.minus(taken))
    return SharePage(
        dataset=dataset,
        dataset_title=policy.title,
        line=line,
        epsilon=f"{grant.epsilon:f}",
        allowance=_allowance(policy, cap, taken),
        could_ask=possible(policy, custody.parts.policies.now().catalogue[dataset], left),
        narrower="" if left.pico == own.pico else "Others have spent of the same people, so less is left than the share itself leaves.",
    )


def preview(custody: Custody, dataset: str, project: str, epsilon: str) -> SharePreview:
    """What another share would allow. Refused for an epsilon that is none, and for one above what may be spent of the dataset."""
    policy, _ = custody.share(dataset, project)
    asked = epsilon_of_text(epsilon)
    draft = Amending(custody).draft_of_share(dataset, project, asked)
    cap = share_of(policy.privacy, Share(epsilon=asked))
    return SharePreview(f"{asked:f}", _allowance(policy, cap, _taken(custody, policy, project)), draft)


def epsilon_of_text(text: str) -> Decimal:
    """The epsilon that a person wrote. Refused (BUDGET_INVALID) for what is none."""
    try:
        return parse_epsilon(Decimal(text.strip().replace(",", ".")[:30]))
    except InvalidOperation:
        raise Refused(Code.BUDGET_INVALID, "This is no epsilon.", "Write a number such as 1 or 0.5.") from None


def _allowance(policy: DatasetPolicy, cap: Price, taken: Price) -> Allowance:
    width = noise_of_a_count(Price(cap.definition, cap.pico // QUESTIONS))
    said = "no count at all" if width is None else f"± {width:,.0f} on each of {QUESTIONS} counts that divide it"
    return Allowance(budget_line(policy, cap, taken), said)


def _taken(custody: Custody, policy: DatasetPolicy, project: str | None) -> Price:
    balance = custody.parts.ledger.balance(policy.dataset, policy.budget_owner, project, definition=policy.privacy.definition)
    return balance.taken


def _left(custody: Custody, policy: DatasetPolicy, own: Price) -> Price:
    """The least that the share, the dataset and the population leave."""
    people = custody.parts.ledger.population_balance(policy.budget_owner, definition=policy.privacy.definition)
    lefts = (own, cap_of(policy).minus(_taken(custody, policy, None)), total_of(policy.privacy).minus(people.taken))
    return Price(own.definition, min(left.pico for left in lefts), min(left.atto_delta for left in lefts))
