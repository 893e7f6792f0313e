"""Station 12: a checker's acts. Items are voted on, returned with comments, and a review is completed; enough completed reviews decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.ledger.writer import Transaction
from haven.policy.roles import Principal
from haven.release import records
from haven.release.acts import DESK, Act, write
from haven.release.criteria import APPROVING, REJECTING
from haven.release.decisions import Decision, Vote, decide, unvoted
from haven.release.facts import ReleaseFacts
from haven.release.permissions import check_may, check_may_see
from haven.release.request import Request
from haven.release.states import Event, State
from haven.release.words import required


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a checker says of an item: may it leave, by which criterion, and why."""

    approves: bool
    rule: str
    reason: str

    def checked(self) -> "Judgement":
        """Itself with its reason trimmed. Raises Refused where the rule is not one for this judgement, or the reason is missing."""
        rules = APPROVING if self.approves else REJECTING
        if self.rule not in rules:
            raise Refused(Code.REQUEST_INVALID, "That is not a criterion for this judgement.", f"Name one of: {', '.join(rules)}.")
        return Judgement(self.approves, self.rule, required(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class Reviewing:
    """The checkers' side of the desk."""

    ledger: Ledger
    facts: ReleaseFacts

    def vote(self, principal: Principal, release: str, item: str, content: str, judgement: Judgement, now: datetime) -> None:
        """Judge one item. `content` is the content hash that was looked at: Refused `request.conflict` where the item has changed since."""
        said = judgement.checked()
        act = Act(Event.VOTE, principal.name, now, said.reason, item)
        with self.ledger.transaction() as transaction:
            request = self._seen(transaction.connection, principal, release, act)
            found = request.item(item)
            if found is None:
                raise records.not_found()
            if found.content != content:
                raise Refused(Code.REQUEST_CONFLICT, "This item has changed since you looked at it.", "Look at it again.")
            write(transaction, request, act)
            self._cast(transaction, request, item, said, act)

    def give_back(self, principal: Principal, release: str, comment: str, now: datetime, comments: Mapping[str, str] | None = None) -> None:
        """Return a request to its author with a comment, and further ones by item id."""
        act = Act(Event.RETURN, principal.name, now, required(comment, "comment"))
        with self.ledger.transaction() as transaction:
            request = self._seen(transaction.connection, principal, release, act)
            for item, words in (comments or {}).items():
                if request.item(item) is None:
                    raise records.not_found()
                write(transaction, request, Act(Event.RETURN, act.actor, now, required(words, "comment"), item))
            write(transaction, request, act)

    def approve(self, principal: Principal, release: str, rule: str, reason: str, now: datetime) -> bool:
        """Complete this checker's review; items without their vote are approved by `rule` and `reason`. True when that decided it."""
        return self._complete(principal, release, Judgement(approves=True, rule=rule, reason=reason), now)

    def reject(self, principal: Principal, release: str, rule: str, reason: str, now: datetime) -> bool:
        """Complete this checker's review with every item rejected by `rule` and `reason`. True when that decided it."""
        return self._complete(principal, release, Judgement(approves=False, rule=rule, reason=reason), now)

    def approve_by_rule(self, release: str, now: datetime) -> None:
        """The automatic lane: the desk approves every item, by the lane's stated rule."""
        with self.ledger.transaction() as transaction:
            request = records.load(transaction.connection, release)
            if request.lane is None or request.lane.checkers or request.state is not State.SUBMITTED:
                raise Refused(Code.RELEASE_ROLE, "Only the automatic lane decides by rule.", "A checker decides this release.")
            decision = Decision({item.id: True for item in request.items})
            self._decided(transaction, request, decision, Act(Event.APPROVE, DESK, now, request.lane_reason))

    def _complete(self, principal: Principal, release: str, judgement: Judgement, now: datetime) -> bool:
        event = Event.APPROVE if judgement.approves else Event.REJECT
        with self.ledger.transaction() as transaction:
            act = Act(event, principal.name, now, judgement.reason)
            request = self._seen(transaction.connection, principal, release, act)
            if principal.name in request.completed.get(request.round, ()):
                raise Refused(Code.RELEASE_STATE, "Your review of this release is complete.", "Another checker's is still open.")
            missing = unvoted(request.items, request.votes, principal.name) if judgement.approves else list(request.items)
            said = judgement.checked() if missing else judgement
            for item in missing:
                self._cast(transaction, request, item.id, said, act)
            records.write_completion(transaction.connection, release, principal.name, request.round, now)
            return self._decide(transaction, records.load(transaction.connection, release), act)

    def _decide(self, transaction: Transaction, request: Request, act: Act) -> bool:
        """Decide if that can be done; else note the completed review, and open the votes where the checkers disagree."""
        completed = request.completed.get(request.round, ())
        needed = request.lane.checkers if request.lane else 1
        decision = decide(request.items, request.votes, completed, needed, last=request.consolidating)
        if decision is not None:
            self._decided(transaction, request, decision, act)
            return True
        waiting = State.APPEALED if request.state is State.APPEALED else State.IN_REVIEW
        write(transaction, request, Act(Event.VOTE, act.actor, act.now, "Review completed."), to=waiting)
        if len(completed) >= needed:
            records.change(transaction.connection, request.id, act.now, round=request.round + 1, consolidating=1)
        return False

    @staticmethod
    def _decided(transaction: Transaction, request: Request, decision: Decision, act: Act) -> None:
        event = Event.APPROVE if decision.anything_leaves else Event.REJECT
        entry = write(transaction, request, Act(event, act.actor, act.now, act.words))
        for item, approved in decision.approved.items():
            records.write_outcome(transaction.connection, request.id, item, approved=approved)
        records.change(transaction.connection, request.id, act.now, decision_entry=entry.seq, decision_digest=entry.digest)

    @staticmethod
    def _cast(transaction: Transaction, request: Request, item: str, said: Judgement, act: Act) -> None:
        found = request.item(item)
        if found is None:
            raise records.not_found()
        vote = Vote(item, act.actor, found.content, said.approves, said.rule, said.reason, request.round, act.now)
        records.write_vote(transaction.connection, request.id, vote)

    def _seen(self, connection: Connection, principal: Principal, release: str, act: Act) -> Request:
        request = records.load(connection, release)
        project = self.facts.project(request.project, act.now.date())
        check_may_see(principal, request, project)
        check_may(principal, request, act.event, project)
        return request
