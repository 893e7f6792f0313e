"""One question's journey, stations 1 to 10, on one page.

Each station takes what the one before made, and the types are the permits: the engine asks for a `Reservation`, an answer for a `Receipt`.
Before station 6 nothing has been looked at, and a refusal costs nothing. From station 6 on the price is spent, whatever happens, and a
failure is one constant sentence.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime

from haven import query
from haven.disclosure import Outcome
from haven.engines.duckdb_engine import Engine
from haven.engines.time_grid import TimeGrid, slot
from haven.errors import Code, Fault, Refused, question_fault
from haven.ledger.days import Whose
from haven.ledger.entries import RecordedAnswer, Replay, Reservation, Serving
from haven.ledger.ledger import Free, Ledger
from haven.mediator import batching, serving
from haven.mediator.answers import Answer, BatchAnswer, Preview, Proposal, Question
from haven.mediator.asking import Foreseen, Planned, Prepared, asked_of, needs_sizes
from haven.mediator.batches import Batch
from haven.mediator.checking import check, judge, record
from haven.mediator.in_flight import Calling, InFlight, Journey, Station, called_back
from haven.mediator.outlook import outlook
from haven.mediator.policies import Policies
from haven.mediator.refusing import noticing_refusals
from haven.mediator.serving import Difference, Served
from haven.mediator.sizing import known_sizes
from haven.mediator.telling import answer, preview
from haven.policy.authorise import authorise, check_person
from haven.policy.permissions import Act, check_may
from haven.policy.renewal import check_renewed
from haven.policy.roles import Principal
from haven.privacy.noise import add_noise
from haven.query.sizes import NOTHING_KNOWN

log = logging.getLogger(__name__)


class Mediator:
    """Answers questions: the only way from a researcher's words to people's records. Threads may share it."""

    def __init__(self, ledger: Ledger, policies: Policies, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self.policies = policies
        self.engine = engine
        self.clock = clock
        self.in_flight = InFlight()

    def ask(self, question: Question, principal: Principal) -> Answer:
        """The answer, noised and booked. Refused before anything is looked at; Fault (price spent) after."""
        with (
            self._noticing(question.project, question.sql, principal),
            self.in_flight.journey(principal.name, question.idempotency_key) as journey,
        ):
            planned = self.plan(question, principal)
            return self.answer(planned, principal, journey)

    def _noticing(self, project: str, sql: str, principal: Principal) -> AbstractContextManager[None]:
        return noticing_refusals(self.ledger.noticed, self.policies, self.clock, project, sql, principal)

    def answer(self, planned: Planned, principal: Principal, journey: Journey) -> Answer:
        """Stations 5 to 10 of a planned question: from the record, from earlier answers, or from the data."""
        question = planned.question
        recorded = self.recorded(question, principal, planned)
        if recorded is not None:
            self._count_replay(planned, recorded)
            return answer(planned, recorded)
        served = serving.free(self.ledger, planned) if question.replay else None
        if served is not None and (given := self.give(planned, served)) is not None:
            return answer(planned, given)
        difference = serving.difference(self.ledger, planned) if question.replay else None
        if not self.engine.has_room(planned.plan.dataset, planned.snapshot):
            raise Refused(
                Code.REQUEST_TOO_MANY, "Too many questions are waiting for this dataset.", "Ask again in a moment; nothing was spent."
            )
        journey.check()
        drawn = planned.plan if difference is None else difference.plan
        reservation = self.ledger.reserve(
            drawn,
            planned.authorisation,
            planned.snapshot,
            self.clock(),
            question.idempotency_key,
            question=question.sql,
            request=question.digest,
        )
        grid = TimeGrid(planned.policy.timing.slot_ms)
        if not journey.begin(grid, lambda: self.engine.cancel(reservation)):
            self.ledger.void(reservation, "cancelled by its asker", self.clock())
            raise called_back()
        with slot(grid):
            return answer(planned, self._look(planned, reservation, difference, journey))

    def _count_replay(self, planned: Planned, recorded: Replay) -> None:
        """An answer that is given again is counted, once for each time it is; one sent again under its own key is the first still."""
        if recorded.receipt.replayed:
            asker = planned.authorisation
            whose = Whose(asker.dataset, asker.project, asker.actor)
            self.ledger.noticed.replayed(whose, recorded.receipt.id, planned.plan.price.definition, self.clock())

    def station(self, key: str, principal: Principal) -> Station:
        """Where a question of the principal's stands that is on its way under `key`. Refused where there is none."""
        check_may(principal, Act.ASK, (principal.name,))
        return self.in_flight.station(principal.name, key)

    def call_back(self, key: str, principal: Principal) -> Calling:
        """Call a question of the principal's back: free before station 6, spent after it."""
        check_may(principal, Act.ASK, (principal.name,))
        return self.in_flight.call_back(principal.name, key)

    def preview(self, question: Question, principal: Principal) -> Preview:
        """What the question would cost and how exact it would be. Nothing is looked at, nothing is spent."""
        with self._noticing(question.project, question.sql, principal):
            planned = self.plan(question, principal)
        return preview(planned, self.foresee(planned, principal), self.ledger.left(planned.authorisation))

    def propose(self, batch: Batch, principal: Principal) -> Proposal:
        """What a batch would cost, as which releases, and how exact each answer would be. Nothing is looked at, nothing is spent."""
        with self._noticing(batch.project, batch.items[0].sql if batch.items else "", principal):
            return batching.propose(self, batch, principal)

    def ask_batch(self, batch: Batch, principal: Principal) -> BatchAnswer:
        """Every answer of a batch, from as few releases as serve best. Refused before anything is looked at; Fault after."""
        with self._noticing(batch.project, batch.items[0].sql if batch.items else "", principal):
            return batching.ask(self, batch, principal)

    def foresee(self, planned: Planned, principal: Principal) -> Foreseen:
        """What answering would come to: the record, earlier answers, the difference to one, or a draw of its own."""
        if not planned.question.replay:
            return Foreseen(planned.plan)
        if self.recorded(planned.question, principal, planned) is not None:
            return Foreseen(planned.plan, free=True)
        served = serving.free(self.ledger, planned)
        if served is not None:
            return Foreseen(served.as_plan(planned.plan), served.made_from, free=True)
        difference = serving.difference(self.ledger, planned)
        return Foreseen(planned.plan) if difference is None else Foreseen(difference.as_plan(), difference.made_from)

    def plan(self, question: Question, principal: Principal) -> Planned:
        """Stations 1 to 4: text → parsed → resolved → authorised → planned."""
        prepared = self.prepare(question, principal)
        sizes = NOTHING_KNOWN
        if needs_sizes(question, prepared.resolved):
            sizes = known_sizes(self.ledger, prepared)
        return prepared.planned(asked_of(question, prepared.policy, sizes))

    def prepare(self, question: Question, principal: Principal) -> Prepared:
        """Stations 1 to 3: text → parsed → resolved → authorised."""
        self.ledger.check_current(self.clock())
        parsed = query.parse(question.sql)
        policies = self.policies.now()
        project = policies.project(question.project)
        standing = policies.standing(project.project, self.policies.person(principal.name))
        check_person(principal, project, standing)
        resolved = query.resolve(parsed, policies.catalogue_of(project))
        policy = policies.dataset(resolved.footprint.dataset)
        standing = replace(standing, dataset_paused=policies.halt(policy.dataset))
        check_renewed(policy, policies.renewed.get(policy.dataset), self.clock().astimezone(UTC).date())
        authorisation = authorise(resolved.footprint, principal, project, policy, standing, self.clock().date(), self.policies.diseases)
        return Prepared(question, resolved, authorisation, policy, policies.snapshot(policy.dataset))

    def give(self, planned: Planned, served: Served) -> Replay | None:
        """Book an answer that earlier ones answer: free. None where a rule withholds it as it stands."""
        plan, question = served.as_plan(planned.plan), planned.question
        verdict = judge(plan, planned.policy, served.noisy)
        if verdict.outcome is Outcome.WITHHOLD:
            return None
        offer = serving.offer_of(plan, question, served.bounds)
        made = serving.made(plan, offer, served.made_from) | outlook(self.ledger, planned.authorisation, plan.price)
        document = record(replace(planned, plan=plan), served.noisy, verdict, made)
        free = Free(
            plan.digest,
            plan.price.definition,
            planned.authorisation,
            planned.snapshot,
            question.sql,
            question.idempotency_key,
            question.digest,
        )
        answer_ = RecordedAnswer(served.noisy, document)
        return Replay(self.ledger.post_free(free, answer_, str(verdict.outcome), self.clock(), Serving(offer, (served.receipt,))), answer_)

    def _look(self, planned: Planned, reservation: Reservation, difference: Difference | None, journey: Journey) -> Replay:
        """Stations 6 to 9: executed → noised → checked → recorded. Whatever goes wrong in here is one sentence, and spent."""
        try:
            drawn = planned.plan if difference is None else difference.plan
            exact = self.engine.execute(drawn, reservation)
            journey.reach(Station.NOISING)
            noisy = add_noise(exact, drawn.noises, drawn.selection)
            plan, noisy = (drawn, noisy) if difference is None else (difference.as_plan(), difference.combine(noisy))
            planned = replace(planned, plan=plan)
            verdict = check(planned, noisy)
            offer = serving.offer_of(plan, planned.question)
            made_from = None if difference is None else difference.made_from
            made = serving.made(plan, offer, made_from) | outlook(self.ledger, planned.authorisation, drawn.price)
            recorded = RecordedAnswer(noisy, record(planned, noisy, verdict, made))
            of = () if difference is None else (difference.earlier.receipt,)
            return Replay(self.ledger.post(reservation, recorded, str(verdict.outcome), self.clock(), Serving(offer, of)), recorded)
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

    def recorded(self, question: Question, principal: Principal, planned: Planned) -> Replay | None:
        """An answer already paid for: the same request sent again under its key, or the same plan on the same snapshot."""
        plan, snapshot = planned.plan, planned.snapshot
        if question.idempotency_key is not None:
            earlier = self.ledger.earlier(
                principal.name, question.project, question.idempotency_key, plan.digest, snapshot, request=question.digest
            )
            if earlier is not None:
                return earlier
        return self.ledger.replay(question.project, plan.dataset, plan.digest, snapshot) if question.replay else None
