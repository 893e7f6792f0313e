"""From a question's words to what the planner needs: the way to pay, and the dataset's privacy terms."""

from dataclasses import dataclass

from haven.errors import Code, Refused
from haven.mediator.answers import Question
from haven.policy.authorisation import Authorisation
from haven.policy.dataset_policy import DatasetPolicy
from haven.privacy.accounting import parse_epsilon, parse_error, price_of_epsilon, price_of_rho
from haven.privacy.budget import Price
from haven.query import Asked, PlanContext
from haven.query.private_plan import PrivatePlan


@dataclass(frozen=True, slots=True)
class Planned:
    """A question up to station 4: priced and permitted, nothing looked at, nothing reserved."""

    question: Question
    plan: PrivatePlan
    authorisation: Authorisation
    policy: DatasetPolicy
    snapshot: int


def asked_of(question: Question, policy: DatasetPolicy) -> Asked:
    """What the researcher offers to pay, or how exact they wish to be; exactly one of epsilon, rho and error.

    Raises:
        Refused: none or several were given, or a quantity is not one (BUDGET_INVALID).
    """
    if sum(way is not None for way in (question.epsilon, question.rho, question.error)) != 1:
        raise Refused(
            Code.BUDGET_INVALID,
            "A question is paid for in exactly one way.",
            'Give one of "epsilon", "rho", or "error" (the wished 95 % half-width).',
        )
    return Asked(
        price=_price(question, policy),
        error=None if question.error is None else parse_error(question.error),
        rows_per_unit=question.rows_per_unit,
        groups_per_unit=question.groups_per_unit,
        weights=question.weights,
    )


def plan_context(policy: DatasetPolicy) -> PlanContext:
    """The terms on which the dataset's population is asked."""
    return PlanContext(population=policy.budget_owner, definition=policy.privacy.definition, delta=policy.privacy.delta)


def _price(question: Question, policy: DatasetPolicy) -> Price | None:
    if question.epsilon is not None:
        return price_of_epsilon(policy.privacy.definition, parse_epsilon(question.epsilon), policy.privacy.delta)
    return None if question.rho is None else price_of_rho(policy.privacy.definition, question.rho)
