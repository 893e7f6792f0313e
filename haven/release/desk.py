"""The release desk, stations 11 to 14: what the pages and the HTTP interface call. Every act takes who acts and `now`.

The desk holds no rule of its own: states, lanes, permissions and decisions are asked, and what follows from an act by rule (the automatic
lane, signing, handing out) is done at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from haven.errors import Code, Refused
from haven.ledger.events import Kind
from haven.ledger.ledger import Ledger
from haven.policy.roles import Principal, Role
from haven.release import records
from haven.release.asking import Asking
from haven.release.facts import AnswerFacts, ReleaseFacts
from haven.release.items import Draft, Item
from haven.release.lanes import Lane
from haven.release.leaving import Leaving
from haven.release.objects import ObjectStore
from haven.release.permissions import check_may_see, may_see
from haven.release.request import Request
from haven.release.reviewing import Judgement, Reviewing
from haven.release.signing import open_key
from haven.release.states import OPEN, State
from haven.release.views import ReleaseView, view

UNUSED_FOR = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class PublicRelease:
    """What the public register says of a release: no account names, no contents. `since` is when it came into its state."""

    id: str
    project: str
    title: str
    state: State
    since: datetime
    bundle: str


@dataclass(frozen=True, slots=True)
class ReleaseDesk:
    """The desk of one haven. Acts raise Refused `release.*`, `policy.*`, `request.*` or `not_found`, and then changed nothing."""

    ledger: Ledger
    facts: ReleaseFacts
    store: ObjectStore
    asking: Asking
    reviewing: Reviewing
    leaving: Leaving

    @classmethod
    def open(cls, ledger: Ledger, releases: Path, keys: Path, facts: ReleaseFacts) -> Self:
        """The desk whose objects lie under `releases/objects` and whose key in `keys`.

        Call `conclude_all(now)` once after: what a crash left decided is signed and handed out.
        """
        store = ObjectStore(releases / "objects")
        store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        leaving = Leaving(ledger, facts, store, open_key(keys))
        return cls(ledger, facts, store, Asking(ledger, facts, store), Reviewing(ledger, facts), leaving)

    @property
    def public_key(self) -> str:
        """The public half of the desk's key, in 64 hexadecimal digits."""
        return self.leaving.key.public

    def create(self, principal: Principal, project: str, title: str, context: str, drafts: Sequence[Draft], now: datetime) -> str:
        """Open a request as a draft: its id. Every item is rendered by haven and frozen now."""
        return self.asking.create(principal, project, title, context, drafts, now)

    def request(self, principal: Principal, project: str, title: str, context: str, drafts: Sequence[Draft], now: datetime) -> str:
        """Open a request and submit it: its id."""
        release = self.create(principal, project, title, context, drafts, now)
        self.submit(principal, release, now)
        return release

    def edit(self, principal: Principal, release: str, drafts: Sequence[Draft], now: datetime) -> None:
        """Replace the items of a draft or a returned request. An item with the same bytes keeps its votes."""
        self.asking.edit(principal, release, drafts, now)

    def submit(self, principal: Principal, release: str, now: datetime) -> None:
        """Hand a request to the desk. In the automatic lane it is approved, signed and handed out at once."""
        self.ledger.check_current(now)
        choice = self.asking.submit(principal, release, now)
        if choice.lane.checkers == 0:
            self.reviewing.approve_by_rule(release, now)
            self.leaving.conclude(release, now)

    def withdraw(self, principal: Principal, release: str, now: datetime, reason: str = "") -> None:
        """Take a request back before it is decided."""
        self.asking.withdraw(principal, release, now, reason)

    def vote(self, principal: Principal, release: str, item: str, content: str, judgement: Judgement, now: datetime) -> None:
        """A checker's judgement of one item, bound to the content hash that was looked at."""
        self.reviewing.vote(principal, release, item, content, judgement, now)

    def give_back(self, principal: Principal, release: str, comment: str, now: datetime, comments: Mapping[str, str] | None = None) -> None:
        """Return a request to its author, with a comment and further ones by item id."""
        self.reviewing.give_back(principal, release, comment, now, comments)

    def approve(self, principal: Principal, release: str, rule: str, reason: str, now: datetime) -> bool:
        """Complete this checker's review, approving what they have not voted on. True when that decided the request."""
        self.ledger.check_current(now)
        return self._concluded(release, decided=self.reviewing.approve(principal, release, rule, reason, now), now=now)

    def reject(self, principal: Principal, release: str, rule: str, reason: str, now: datetime) -> bool:
        """Complete this checker's review, rejecting every item. True when that decided the request."""
        self.ledger.check_current(now)
        return self._concluded(release, decided=self.reviewing.reject(principal, release, rule, reason, now), now=now)

    def appeal(self, principal: Principal, release: str, reason: str, now: datetime) -> None:
        """Ask once, after a rejection, that checkers who have not voted decide anew."""
        self.asking.appeal(principal, release, reason, now)

    def revoke(self, principal: Principal, release: str, reason: str, now: datetime) -> None:
        """A custodian takes a release back; its bundle is no longer handed out."""
        self.leaving.revoke(principal, release, reason, now)

    def conclude_all(self, now: datetime) -> int:
        """Go on with whatever a crash left half done by rule: approve the automatic lane, sign, hand out. How many."""
        with self.ledger.read() as connection:
            waiting = records.load_all(connection, state=(State.SUBMITTED,))
        for request in waiting:
            if request.lane is Lane.AUTOMATIC:
                self.reviewing.approve_by_rule(request.id, now)
        return self.leaving.conclude_all(now)

    def expire(self, now: datetime, unused_for: timedelta = UNUSED_FOR) -> int:
        """Close drafts and returned requests that nobody touched for `unused_for`; how many."""
        return self.asking.expire(now, unused_for)

    def view(self, principal: Principal, release: str, now: datetime) -> ReleaseView:
        """The request as `principal` may see it. Refused `not_found` where they may not."""
        with self.ledger.read() as connection:
            request = self._visible(connection, principal, release, now)
            history = records.happenings(connection, release)
        return view(request, history, principal, self.facts.project(request.project, now.date()))

    def releases_of(self, principal: Principal, now: datetime) -> list[ReleaseView]:
        """Every request `principal` may see, the newest first, without its history."""
        with self.ledger.read() as connection:
            requests = records.load_all(connection)
        return self._views(principal, requests, now)

    def queue(self, principal: Principal, now: datetime) -> list[ReleaseView]:
        """What waits for checkers, the oldest first: what `principal` may act on before the rest."""
        with self.ledger.read() as connection:
            requests = records.load_all(connection, state=OPEN)
        views = self._views(principal, sorted(requests, key=lambda request: request.changed_at), now)
        return sorted(views, key=lambda one: not one.may)

    def file(self, principal: Principal, release: str, item: str, name: str, now: datetime) -> bytes:
        """One file of an item, as it would leave. Refused `not_found` where there is none or `principal` may not see it."""
        with self.ledger.read() as connection:
            found = self._visible(connection, principal, release, now).item(item)
        if found is None or name not in found.files:
            raise records.not_found()
        self._notice_view(principal, release, found, now)
        return self.store.get(found.files[name])

    def answer(self, principal: Principal, release: str, item: str, now: datetime) -> AnswerFacts | None:
        """The recorded answer behind an item, None where it has none."""
        with self.ledger.read() as connection:
            found = self._visible(connection, principal, release, now).item(item)
        if found is not None:
            self._notice_view(principal, release, found, now)
        return self._answer(found)

    def bundle(self, principal: Principal, release: str, now: datetime) -> bytes:
        """The signed bundle of a released request."""
        self.ledger.check_current(now)
        with self.ledger.read() as connection:
            request = self._visible(connection, principal, release, now)
        if request.state is not State.RELEASED or request.bundle is None:
            raise Refused(Code.RELEASE_STATE, f"A release that is {request.state.value} has no bundle to download.", "Look at its status.")
        self.ledger.noticed.once(Kind.RELEASE_DOWNLOADED, principal.name, {"release": release, "bundle": request.bundle}, now)
        return self.store.get(request.bundle)

    def register(self) -> list[PublicRelease]:
        """What left this haven, revoked releases included, the newest first: for the public."""
        with self.ledger.read() as connection:
            requests = records.load_all(connection, state=(State.RELEASED, State.REVOKED))
        return [PublicRelease(one.id, one.project, one.title, one.state, one.changed_at, one.bundle or "") for one in requests]

    def _notice_view(self, principal: Principal, release: str, item: Item, now: datetime) -> None:
        """Who of those that oversee releases looked at which bytes: once a day each. A project's own people look at their own work."""
        if principal.role is not Role.RESEARCHER:
            detail = {"release": release, "item": item.id, "content": item.content}
            self.ledger.noticed.once(Kind.RELEASE_VIEWED, principal.name, detail, now)

    def _answer(self, item: Item | None) -> AnswerFacts | None:
        return self.facts.answer(item.receipt) if item is not None and item.receipt is not None else None

    def _concluded(self, release: str, *, decided: bool, now: datetime) -> bool:
        if decided:
            self.leaving.conclude(release, now)
        return decided

    def _visible(self, connection: Connection, principal: Principal, release: str, now: datetime) -> Request:
        request = records.load(connection, release)
        check_may_see(principal, request, self.facts.project(request.project, now.date()))
        return request

    def _views(self, principal: Principal, requests: Sequence[Request], now: datetime) -> list[ReleaseView]:
        projects = {name: self.facts.project(name, now.date()) for name in {request.project for request in requests}}
        seen = [request for request in requests if may_see(principal, request, projects[request.project])]
        return [view(request, [], principal, projects[request.project]) for request in seen]
