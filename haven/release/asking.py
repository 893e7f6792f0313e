"""Station 11: an author's acts. A request is opened, edited, submitted, withdrawn, appealed."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.policy.roles import Principal
from haven.release import records
from haven.release.acts import DESK, Act, write
from haven.release.facts import ReleaseFacts
from haven.release.items import MOST_ITEMS, Draft, Item, freeze
from haven.release.lanes import LaneChoice, lane_of
from haven.release.objects import ObjectStore
from haven.release.permissions import check_may, check_may_open, check_may_see
from haven.release.request import Request
from haven.release.states import Event, State
from haven.release.words import required

LONGEST_TITLE = 200
EDITABLE = (State.DRAFT, State.RETURNED)


@dataclass(frozen=True, slots=True)
class Asking:
    """The author's side of the desk."""

    ledger: Ledger
    facts: ReleaseFacts
    store: ObjectStore

    def create(self, principal: Principal, project: str, title: str, context: str, drafts: Sequence[Draft], now: datetime) -> str:
        """Open a request (a draft): its id. Each item is rendered, checked and frozen now. Raises Refused `policy.*`, `release.*`."""
        check_may_open(principal, self.facts.project(project, now.date()))
        title, context = required(title, "title", LONGEST_TITLE), required(context, "context")
        items = self._frozen(project, drafts)
        release = "rel-" + secrets.token_hex(8)
        request = _draft(release, project, principal.name, title, context, items, now)
        with self.ledger.transaction() as transaction:
            records.insert_request(transaction.connection, request)
            write(transaction, request, Act(Event.EDIT, principal.name, now, "Opened."), to=State.DRAFT)
        return release

    def edit(self, principal: Principal, release: str, drafts: Sequence[Draft], now: datetime) -> None:
        """Put other items in the place of a draft's or a returned request's. What is unchanged keeps its votes."""
        with self.ledger.read() as connection:
            before = records.load(connection, release)
        project = self.facts.project(before.project, now.date())
        check_may_see(principal, before, project)
        check_may(principal, before, Event.EDIT, project)
        items = self._frozen(before.project, drafts)
        with self.ledger.transaction() as transaction:
            request = records.load(transaction.connection, release)
            check_may(principal, request, Event.EDIT, project)
            records.replace_items(transaction.connection, release, items)
            write(transaction, request, Act(Event.EDIT, principal.name, now, "Items replaced."))

    def submit(self, principal: Principal, release: str, now: datetime) -> LaneChoice:
        """Hand a request to the desk: its lane, chosen now by the risk tier and by what is in it."""
        with self.ledger.transaction() as transaction:
            request = records.load(transaction.connection, release)
            project = self.facts.project(request.project, now.date())
            check_may_see(principal, request, project)
            check_may(principal, request, Event.SUBMIT, project)
            check_may_open(principal, project)
            tier = self.facts.tier(request.project, frozenset(item.dataset for item in request.items if item.dataset))
            only_answers = all(item.receipt for item in request.items)
            choice = lane_of(tier, only_answers=only_answers, has_findings=any(item.findings for item in request.items))
            write(transaction, request, Act(Event.SUBMIT, principal.name, now, choice.reason))
            records.change(
                transaction.connection,
                release,
                now,
                lane=choice.lane.value,
                lane_reason=choice.reason,
                tier=tier.value,
                round=request.round + 1,
                stage_round=request.round + 1,
                consolidating=0,
            )
        return choice

    def withdraw(self, principal: Principal, release: str, now: datetime, reason: str = "") -> None:
        """Take a request back, for good, before it is decided."""
        self._author_act(principal, release, Act(Event.WITHDRAW, principal.name, now, reason))

    def appeal(self, principal: Principal, release: str, reason: str, now: datetime) -> None:
        """Ask, once, that checkers who have not voted decide anew."""
        act = Act(Event.APPEAL, principal.name, now, required(reason, "reason"))
        with self.ledger.transaction() as transaction:
            request = self._seen(transaction.connection, principal, release, act)
            if request.appealed_round is not None:
                raise Refused(Code.RELEASE_STATE, "This release was appealed once already.", "Open a new one.")
            write(transaction, request, act)
            following = request.round + 1
            values = {"round": following, "stage_round": following, "appealed_round": following, "consolidating": 0}
            records.change(transaction.connection, release, now, **values)

    def expire(self, now: datetime, unused_for: timedelta) -> int:
        """Close what its author left a draft, or returned, for longer than `unused_for`; how many."""
        with self.ledger.read() as connection:
            idle = [one for one in records.load_all(connection, state=EDITABLE) if now - one.changed_at > unused_for]
        for one in idle:
            with self.ledger.transaction() as transaction:
                request = records.load(transaction.connection, one.id)
                if request.state in EDITABLE:
                    write(transaction, request, Act(Event.EXPIRE, DESK, now, "Nobody acted on it in time."))
        return len(idle)

    def _author_act(self, principal: Principal, release: str, act: Act) -> None:
        with self.ledger.transaction() as transaction:
            write(transaction, self._seen(transaction.connection, principal, release, act), act)

    def _seen(self, connection: Connection, principal: Principal, release: str, act: Act) -> Request:
        request = records.load(connection, release)
        project = self.facts.project(request.project, act.now.date())
        check_may_see(principal, request, project)
        check_may(principal, request, act.event, project)
        return request

    def _frozen(self, project: str, drafts: Sequence[Draft]) -> tuple[Item, ...]:
        if not 0 < len(drafts) <= MOST_ITEMS:
            raise Refused(Code.RELEASE_ITEM, "A release holds between 1 and 50 items.", "Add an answer, a PNG figure or a Markdown text.")
        return tuple(freeze(number, draft, project, self.facts, self.store) for number, draft in enumerate(drafts, 1))


def _draft(release: str, project: str, author: str, title: str, context: str, items: tuple[Item, ...], now: datetime) -> Request:
    return Request(
        id=release,
        project=project,
        author=author,
        title=title,
        context=context,
        state=State.DRAFT,
        lane=None,
        lane_reason="",
        tier=None,
        round=0,
        stage_round=0,
        consolidating=False,
        appealed_round=None,
        created_at=now,
        changed_at=now,
        decision=None,
        bundle=None,
        items=items,
        approved={},
        votes=(),
        completed={},
    )
