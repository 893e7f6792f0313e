"""Station 10: noisy integers become the table that was asked for, with its error bars and its receipt."""

from haven import query
from haven.ledger.entries import Replay
from haven.mediator.answers import Answer, AnswerColumn, Preview
from haven.mediator.asking import Planned
from haven.mediator.receipts import amounts, mechanisms, receipt_document, receipt_facts
from haven.privacy.accounting import as_quantities, epsilon_of
from haven.privacy.budget import Price
from haven.query.private_plan import PrivatePlan


def answer(planned: Planned, recorded: Replay) -> Answer:
    """The answer in the asker's own words (names, order), from what the books recorded."""
    finished = query.finish(planned.plan, recorded.answer.noisy)
    facts = receipt_facts(planned.plan, planned.policy, planned.question.project, planned.question.sql)
    return Answer(_columns(planned.plan), finished.rows, finished.errors, receipt_document(recorded.receipt, facts, planned.policy))


def preview(planned: Planned, left: Price, *, free: bool) -> Preview:
    """Price, share, error bars and mechanisms, from the plan alone; `left` is what may still be spent before the question."""
    plan, policy = planned.plan, planned.policy
    cap = planned.authorisation.caps.project
    return Preview(
        columns=_columns(plan),
        cost=as_quantities(plan.price),
        epsilon=str(epsilon_of(plan.price, policy.privacy.delta)),
        share_of_budget=plan.price.pico / cap.pico if cap.pico else 1.0,
        left=amounts(left, policy),
        errors=query.expected_errors(plan),
        mechanisms=tuple(mechanisms(plan)),
        warnings=plan.warnings,
        words=plan.words,
        free=free,
    )


def _columns(plan: PrivatePlan) -> tuple[AnswerColumn, ...]:
    return tuple(AnswerColumn(output.name, output.type) for output in plan.outputs)
