"""From a question's words to what the planner needs: the way to pay, and the dataset's privacy terms."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from haven import query
from haven.errors import Code, Refused
from haven.mediator.answers import Question
from haven.policy.authorisation import Authorisation
from haven.policy.dataset_policy import DatasetPolicy
from haven.privacy.accounting import parse_epsilon, parse_error, price_of_epsilon, price_of_rho
from haven.privacy.budget import PICO, Price
from haven.query import Asked, PlanContext, ResolvedQuery
from haven.query.private_plan import PrivatePlan
from haven.query.sizes import LINEAR, NOTHING_KNOWN, Sizes


class Paying(Protocol):
    """What may be paid for by epsilon or rho."""

    @property
    def epsilon(self) -> Decimal | None:
        """As epsilon at the dataset's delta."""

    @property
    def rho(self) -> Decimal | None:
        """As rho."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A question up to station 4: priced and permitted, nothing looked at, nothing reserved."""

    question: Question
    plan: PrivatePlan
    authorisation: Authorisation
    policy: DatasetPolicy
    snapshot: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What answering a planned question would come to: the plan that would be done, and the earlier receipts it would be made from."""

    plan: PrivatePlan
    made_from: dict[str, Any] | None = None
    free: bool = False

    @property
    def due(self) -> Price:
        """What would be paid now."""
        price = self.plan.price
        return Price(price.definition, 0) if self.free else price


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question up to station 3: resolved and permitted, not yet priced."""

    question: Question
    resolved: ResolvedQuery
    authorisation: Authorisation
    policy: DatasetPolicy
    snapshot: int

    @property
    def terms(self) -> PlanContext:
        """The terms on which the dataset's population is asked."""
        return PlanContext(self.policy.budget_owner, self.policy.privacy.definition, self.policy.privacy.delta)

    def planned(self, asked: Asked) -> Planned:
        """Station 4: at this price, or this error."""
        plan = query.plan(self.resolved, self.terms, asked)
        return Planned(self.question, plan, self.authorisation, self.policy, self.snapshot)


def asked_of(question: Question, policy: DatasetPolicy, sizes: Sizes = NOTHING_KNOWN) -> Asked:
    """What the researcher offers to pay, or how exact they wish to be; exactly one of epsilon, rho, error and relative_error.

    Raises:
        Refused: none or several were given, or a quantity is not one (BUDGET_INVALID).
    """
    if sum(way is not None for way in (question.epsilon, question.rho, question.error, question.relative_error)) != 1:
        raise Refused(
            Code.BUDGET_INVALID,
            "A question is paid for in exactly one way.",
            'Give one of "epsilon", "rho", "error" (the wished 95 % half-width) or "relative_error" (the same as a fraction).',
        )
    return Asked(
        price=price_of(question, policy),
        error=None if question.error is None else parse_error(question.error),
        relative_error=None if question.relative_error is None else _fraction(question.relative_error),
        sizes=Sizes(question.size_hint) if question.size_hint is not None else sizes,
        rows_per_unit=question.rows_per_unit,
        groups_per_unit=question.groups_per_unit,
        weights=question.weights,
    )


def probe_of(question: Question, policy: DatasetPolicy) -> Asked:
    """The same question at any price: for what its plan would measure."""
    return Asked(
        price=Price(policy.privacy.definition, PICO), rows_per_unit=question.rows_per_unit, groups_per_unit=question.groups_per_unit
    )


def needs_sizes(question: Question, resolved: ResolvedQuery) -> bool:
    """Whether the price depends on how large the answer is, and no public size is named: then earlier answers are looked through."""
    if question.size_hint is not None:
        return False
    of_more = any(aggregate.kind not in LINEAR for aggregate in resolved.answer.aggregates)
    return question.relative_error is not None or (question.error is not None and of_more)


def _fraction(value: Decimal) -> Decimal:
    if parse_error(value) >= 1:
        raise Refused(
            Code.BUDGET_INVALID, "A relative error is a fraction of the answer, below 1.", "Write relative_error=0.05 for 5 percent."
        )
    return value


def price_of(question: Paying, policy: DatasetPolicy) -> Price | None:
    """The price that `epsilon` or `rho` names; None where neither does."""
    if question.epsilon is not None:
        return price_of_epsilon(policy.privacy.definition, parse_epsilon(question.epsilon), policy.privacy.delta)
    return None if question.rho is None else price_of_rho(policy.privacy.definition, question.rho)
