"""A batch on its way: proposed, or asked release by release, each question then answered from the release that holds it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from haven import query
from haven.errors import Code, Refused, question_fault
from haven.mediator.answers import Answer, BatchAnswer, Proposal
from haven.mediator.asking import Foreseen, Planned
from haven.mediator.batches import MOST_QUESTIONS, Batch, Member, Shared, Table, shared
from haven.mediator.receipts import amounts
from haven.mediator.reconciling import Release, consistent
from haven.mediator.serving import of_receipt
from haven.mediator.telling import answer as told
from haven.mediator.telling import columns_of
from haven.policy.roles import Principal
from haven.privacy.accounting import as_quantities, epsilon_of
from haven.privacy.budget import Price
from haven.privacy.combining import summed
from haven.privacy.mechanisms import Noise
from haven.query.private_plan import PrivatePlan

if TYPE_CHECKING:
    from haven.mediator.mediator import Mediator


def propose(mediator: "Mediator", batch: Batch, principal: Principal) -> Proposal:
    """The releases of a batch, what is due for each now, and how exact each answer would be."""
    plan = _shared(mediator, batch, principal)
    return _proposal(mediator, plan, [mediator.foresee(planned, principal) for planned in plan.planned])


def ask(mediator: "Mediator", batch: Batch, principal: Principal) -> BatchAnswer:
    """Every answer. Refused (BUDGET_EXHAUSTED) before the first release where what is due for all of them is not left."""
    plan = _shared(mediator, batch, principal)
    foreseen = [mediator.foresee(planned, principal) for planned in plan.planned]
    proposal = _proposal(mediator, plan, foreseen)
    _check_left(mediator, plan, foreseen)
    answers: dict[int, tuple[Planned, Answer]] = {}
    releases: list[Release] = []
    for place, (table, planned) in enumerate(zip(plan.tables, plan.planned, strict=True)):
        answer = _release(mediator, plan, table, planned, principal, place)
        releases.append(Release(table, planned, answer.receipt["id"]))
        for member in table.members:
            answers[member.place] = (planned, answer) if table.single else _member(mediator, plan, table, member, answer, principal)
    given = [answers[place] for place in range(len(plan.prepared))]
    moved = consistent(mediator.ledger, releases, [planned for planned, _ in given])
    return BatchAnswer(tuple(answer for _, answer in given), moved, proposal)


def _shared(mediator: "Mediator", batch: Batch, principal: Principal) -> Shared:
    if not 1 <= len(batch.items) <= MOST_QUESTIONS:
        raise Refused(Code.REQUEST_INVALID, f"A batch holds 1 to {MOST_QUESTIONS} questions.", "Ask several batches.")
    return shared(batch, [mediator.prepare(batch.question(item.sql), principal) for item in batch.items])


def _release(mediator: "Mediator", plan: Shared, table: Table, planned: Planned, principal: Principal, place: int) -> Answer:
    """One release, asked as a question of its own."""
    key = None if plan.batch.idempotency_key is None else f"{plan.batch.idempotency_key}/{place}"
    sql = planned.question.sql if table.single else ";\n".join(plan.prepared[member.place].question.sql for member in table.members)
    question = replace(planned.question, sql=sql, idempotency_key=key, part_of=plan.batch.digest)
    with mediator.in_flight.journey(principal.name, key) as journey:
        return mediator.answer(replace(planned, question=question), principal, journey)


def _member(
    mediator: "Mediator", plan: Shared, table: Table, member: Member, release: Answer, principal: Principal
) -> tuple[Planned, Answer]:
    """A question as an answer of its release: free, with a receipt of its own."""
    planned = table.answering(plan.prepared[member.place])
    recorded = mediator.recorded(planned.question, principal, planned)
    if recorded is None:
        served = of_receipt(mediator.ledger, planned, release.receipt["id"])
        recorded = None if served is None else mediator.give(planned, served)
    if recorded is None:
        raise question_fault()
    return planned, told(planned, recorded)


def _check_left(mediator: "Mediator", plan: Shared, foreseen: Sequence[Foreseen]) -> None:
    left = mediator.ledger.left(plan.prepared[0].authorisation)
    if not left.covers(_due(foreseen)):
        raise Refused(
            Code.BUDGET_EXHAUSTED,
            "What is due for this batch is more than is left; nothing was asked and nothing spent.",
            "Ask it at a smaller price, or fewer questions; h.budget says what is left.",
        )


def _due(foreseen: Sequence[Foreseen]) -> Price:
    first, *others = (each.due for each in foreseen)
    return sum(others, first)


def _proposal(mediator: "Mediator", plan: Shared, foreseen: Sequence[Foreseen]) -> Proposal:
    policy, authorisation = plan.prepared[0].policy, plan.prepared[0].authorisation
    due, cap = _due(foreseen), authorisation.caps.project
    places = {member.place: (index, member) for index, table in enumerate(plan.tables) for member in table.members}
    return Proposal(
        cost=as_quantities(due),
        epsilon=str(epsilon_of(due, policy.privacy.delta)),
        share_of_budget=due.pico / cap.pico if cap.pico else 1.0,
        left=amounts(mediator.ledger.left(authorisation), policy),
        releases=tuple(
            {
                "questions": sorted(member.place for member in table.members),
                "keys": [key.name for key in planned.plan.keys],
                "cost": as_quantities(each.due),
                "epsilon": str(epsilon_of(each.due, policy.privacy.delta)),
                "free": each.free,
            }
            for table, planned, each in zip(plan.tables, plan.planned, foreseen, strict=True)
        ),
        questions=tuple(_question(plan, foreseen, *places[place]) for place in range(len(plan.prepared))),
    )


def _question(plan: Shared, foreseen: Sequence[Foreseen], index: int, member: Member) -> dict[str, Any]:
    table = plan.tables[index]
    own = foreseen[index].plan if table.single else _expected(table, plan, foreseen[index].plan, member)
    return {
        "release": index,
        "groups": member.groups,
        "columns": [{"name": column.name, "type": column.type.value} for column in columns_of(own)],
        "errors": query.expected_errors(own),
        "warnings": list(own.warnings),
    }


def _expected(table: Table, plan: Shared, release: PrivatePlan, member: Member) -> PrivatePlan:
    """A member's plan with the noise that the release leaves it."""
    own = table.answering(plan.prepared[member.place]).plan
    held = {(target.sql, target.grid): noise for target, noise in zip(release.targets, release.noises, strict=True)}
    noises = [held.get((target.sql, target.grid), noise) for target, noise in zip(own.targets, own.noises, strict=True)]
    return replace(own, noises=tuple(summed(noise, member.groups) if isinstance(noise, Noise) else noise for noise in noises))
