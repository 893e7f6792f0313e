"""One question's journey, stations 1 to 10, on one page.

Each station takes what the one before made, and the types are the permits: the engine asks for a `Reservation`, an answer for a `Receipt`.
Before station 6 nothing has been looked at, and a refusal costs nothing. From station 6 on the price is spent, whatever happens, and a
failure is one constant sentence.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from haven import query
from haven.engines.duckdb_engine import Engine
from haven.engines.time_grid import TimeGrid, slot
from haven.errors import Code, Fault, Refused, question_fault
from haven.ledger.entries import RecordedAnswer, Replay, Reservation
from haven.ledger.ledger import Ledger
from haven.mediator.answers import Answer, Preview, Question
from haven.mediator.asking import Planned, asked_of, plan_context
from haven.mediator.checking import check, record
from haven.mediator.policies import Policies
from haven.mediator.telling import answer, preview
from haven.policy.authorise import authorise, check_person
from haven.policy.roles import Principal
from haven.privacy.noise import add_noise

log = logging.getLogger(__name__)


class Mediator:
    """Answers questions: the only way from a researcher's words to people's records. Threads may share it."""

    def __init__(self, ledger: Ledger, policies: Policies, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self.policies = policies
        self.engine = engine
        self.clock = clock

    def ask(self, question: Question, principal: Principal) -> Answer:
        """The answer, noised and booked. Refused before anything is looked at; Fault (price spent) after."""
        planned = self.plan(question, principal)
        recorded = self._recorded(question, principal, planned)
        if recorded is not None:
            return answer(planned, recorded)
        if not self.engine.has_room(planned.plan.dataset, planned.snapshot):
            raise Refused(
                Code.REQUEST_TOO_MANY, "Too many questions are waiting for this dataset.", "Ask again in a moment; nothing was spent."
            )
        reservation = self.ledger.reserve(
            planned.plan, planned.authorisation, planned.snapshot, self.clock(), question.idempotency_key, question=question.sql
        )
        with slot(TimeGrid(planned.policy.timing.slot_ms)):
            return answer(planned, self._look(planned, reservation))

    def preview(self, question: Question, principal: Principal) -> Preview:
        """What the question would cost and how exact it would be. Nothing is looked at, nothing is spent."""
        planned = self.plan(question, principal)
        free = question.replay and self._recorded(question, principal, planned) is not None
        return preview(planned, self.ledger.left(planned.authorisation), free=free)

    def plan(self, question: Question, principal: Principal) -> Planned:
        """Stations 1 to 4: text → parsed → resolved → authorised → planned."""
        parsed = query.parse(question.sql)
        policies = self.policies.now()
        project = policies.project(question.project)
        standing = policies.standing(project.project, self.policies.person(principal.name))
        check_person(principal, project, standing)
        resolved = query.resolve(parsed, policies.catalogue_of(project))
        policy = policies.dataset(resolved.footprint.dataset)
        standing = replace(standing, dataset_paused=policies.halt(policy.dataset))
        authorisation = authorise(resolved.footprint, principal, project, policy, standing, self.clock().date(), self.policies.diseases)
        plan = query.plan(resolved, plan_context(policy), asked_of(question, policy))
        return Planned(question, plan, authorisation, policy, policies.snapshot(policy.dataset))

    def _look(self, planned: Planned, reservation: Reservation) -> Replay:
        """Stations 6 to 9: executed → noised → checked → recorded. Whatever goes wrong in here is one sentence, and spent."""
        try:
            exact = self.engine.execute(planned.plan, reservation)
            noisy = add_noise(exact, planned.plan.noises, planned.plan.selection)
            verdict = check(planned, noisy)
            recorded = RecordedAnswer(noisy, record(planned, noisy, verdict))
            return Replay(self.ledger.post(reservation, recorded, str(verdict.outcome), self.clock()), recorded)
        except Exception as error:  # noqa: BLE001 - the boundary: after data was touched every failure is the same sentence
            log.error("a question ended in a fault: %s", type(error).__name__)  # noqa: TRY400 - a traceback may hold data
            raise self._spent(reservation) from None

    def _spent(self, reservation: Reservation) -> Fault:
        """Book the fault. Where even that fails the sweeper will: what is in doubt is spent."""
        try:
            self.ledger.post_fault(reservation, self.clock())
        except Fault:
            log.error("a fault could not be booked now; the sweeper will")  # noqa: TRY400 - the same
        return question_fault()

    def _recorded(self, question: Question, principal: Principal, planned: Planned) -> Replay | None:
        """An answer already paid for: the same request sent again under its key, or the same plan on the same snapshot."""
        plan, snapshot = planned.plan, planned.snapshot
        if question.idempotency_key is not None:
            earlier = self.ledger.earlier(principal.name, question.project, question.idempotency_key, plan.digest, snapshot)
            if earlier is not None:
                return earlier
        return self.ledger.replay(question.project, plan.dataset, plan.digest, snapshot) if question.replay else None
