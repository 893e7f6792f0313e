"""Station 10: noisy integers become the table that was asked for, with its error bars and its receipt."""

from haven import query
from haven.ledger.entries import Replay
from haven.mediator.answers import Answer, AnswerColumn, Preview
from haven.mediator.asking import Foreseen, Planned
from haven.mediator.receipts import amounts, mechanisms, plan_facts, receipt_document, receipt_facts
from haven.mediator.serving import as_recorded
from haven.privacy.accounting import as_quantities, epsilon_of
from haven.privacy.budget import Price
from haven.query.expectations import expected_at
from haven.query.private_plan import OutputType, PrivatePlan

OUTLOOK = ("share_left", "forecast")
"""What the record alone knows of an answer: how far its project's budget went on the day it was given."""

FACTS = (
    *("dataset", "project", "sql", "plan_digest", "mechanisms", "cost", "epsilon", "citation", "words", "warnings"),
    *("plan", "made_from", *OUTLOOK),
)
"""What a receipt holds of what was recorded beside its answer."""

MADE = ("mechanisms", "cost", "epsilon", "words", "warnings", "plan", "made_from")
"""What the record alone knows of an answer that was made of others."""


def answer(planned: Planned, recorded: Replay) -> Answer:
    """The answer in the asker's own words (names, order), from what the books recorded."""
    if recorded.receipt.reservation.plan_digest != planned.plan.digest:
        return _as_first_given(planned, recorded)
    plan, document = as_recorded(planned.plan, recorded.answer), recorded.answer.document
    finished = query.finish(plan, recorded.answer.noisy)
    facts = receipt_facts(planned.plan, planned.policy, planned.question.project, planned.question.sql)
    facts |= {name: document[name] for name in (OUTLOOK if "made_from" not in document else (*OUTLOOK, *MADE)) if name in document}
    return Answer(columns_of(planned.plan), finished.rows, finished.errors, receipt_document(recorded.receipt, facts, planned.policy))


def _as_first_given(planned: Planned, recorded: Replay) -> Answer:
    """A request sent again under its key, whose price would be another by now: earlier answers have told how large its figures are."""
    document = recorded.answer.document
    columns = tuple(AnswerColumn(column["name"], OutputType(column["type"])) for column in document["columns"])
    rows, errors = (tuple(map(tuple, document[name])) for name in ("rows", "errors"))
    facts = {name: document[name] for name in FACTS if name in document}
    return Answer(columns, rows, errors, receipt_document(recorded.receipt, facts, planned.policy))


def preview(planned: Planned, foreseen: Foreseen, left: Price) -> Preview:
    """Price, share, error bars and mechanisms, from the plan alone; `left` is what may still be spent before the question."""
    plan = foreseen.plan
    policy, cap, hint = planned.policy, planned.authorisation.caps.project, planned.question.size_hint
    return Preview(
        columns=columns_of(plan),
        cost=as_quantities(plan.price),
        epsilon=str(epsilon_of(plan.price, policy.privacy.delta)),
        share_of_budget=plan.price.pico / cap.pico if cap.pico else 1.0,
        left=amounts(left, policy),
        errors=query.expected_errors(plan),
        mechanisms=tuple(mechanisms(plan)),
        warnings=plan.warnings,
        words=plan.words,
        free=foreseen.free,
        plan=plan_facts(plan),
        expected={} if hint is None else expected_at(plan, hint),
        made_from=foreseen.made_from,
    )


def columns_of(plan: PrivatePlan) -> tuple[AnswerColumn, ...]:
    """Names and types of the columns that a plan answers, in the order asked."""
    return tuple(AnswerColumn(output.name, output.type) for output in plan.outputs)
