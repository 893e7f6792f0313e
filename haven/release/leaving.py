"""Stations 13 and 14: a decided request is signed, handed out, and, where it must be, revoked."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from haven.errors import Code, Fault, Refused
from haven.ledger.ledger import Ledger
from haven.policy.roles import Principal
from haven.release import records
from haven.release.acts import DESK, Act, write
from haven.release.bundle import Contents, build, leaving
from haven.release.facts import AnswerFacts, DatasetFacts, ProjectFacts, ReleaseFacts
from haven.release.objects import ObjectStore, sha256, write_durably
from haven.release.permissions import check_may, check_may_see
from haven.release.request import Request
from haven.release.signing import SigningKey
from haven.release.states import Event, State
from haven.release.words import required

T = TypeVar("T")
LAST = "last.checkpoint"


@dataclass(frozen=True, slots=True)
class LastCheckpoint:
    """The signed checkpoint in the last bundle that was signed, kept in the desk's own directory and not in the books."""

    releases: Path

    def last(self) -> str | None:
        """Its note, None where nothing was signed yet."""
        try:
            return (self.releases / LAST).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            return ""

    def keep(self, note: str) -> None:
        """Put it in the place of the one before, whole or not at all."""
        write_durably(self.releases / LAST, note.encode())


@dataclass(frozen=True, slots=True)
class Leaving:
    """The door."""

    ledger: Ledger
    facts: ReleaseFacts
    store: ObjectStore
    key: SigningKey

    def conclude(self, release: str, now: datetime) -> None:
        """Sign a decided request and hand it out. Called again after a crash, it goes on where it stopped; else it does nothing."""
        self.ledger.check_current(now)
        with self.ledger.read() as connection:
            request = records.load(connection, release)
        if request.state is State.DECIDED:
            self._sign(request, now)
        with self.ledger.transaction() as transaction:
            request = records.load(transaction.connection, release)
            if request.state is State.SIGNED:
                write(transaction, request, Act(Event.EXPORT, DESK, now))

    def conclude_all(self, now: datetime) -> int:
        """Conclude whatever a crash left decided or signed; how many."""
        with self.ledger.read() as connection:
            waiting = records.load_all(connection, state=(State.DECIDED, State.SIGNED))
        for request in waiting:
            self.conclude(request.id, now)
        return len(waiting)

    def revoke(self, principal: Principal, release: str, reason: str, now: datetime) -> None:
        """Take a release back: it stays in the register, marked, and its bundle is no longer handed out."""
        words = required(reason, "reason")
        with self.ledger.transaction() as transaction:
            request = records.load(transaction.connection, release)
            project = self.facts.project(request.project, now.date())
            check_may_see(principal, request, project)
            check_may(principal, request, Event.REVOKE, project)
            self._check_own(principal, request)
            write(transaction, request, Act(Event.REVOKE, principal.name, now, words))

    def _check_own(self, principal: Principal, request: Request) -> None:
        """A release made from datasets is revoked by one of their custodians, not by another dataset's."""
        names = {item.dataset for item in request.items if item.dataset}
        custodians = {found.custodian for name in names if (found := self.facts.dataset(name)) is not None}
        if custodians and principal.name not in custodians:
            raise Refused(Code.RELEASE_ROLE, "Only a custodian of its datasets may revoke this release.", "Ask the dataset's custodian.")

    def _sign(self, request: Request, now: datetime) -> None:
        proof = self._proof(request)
        bundle = build(request, self._contents(request, now), self.key, now, proof)
        digest = self.store.put(bundle.content)
        if proof is not None:
            LastCheckpoint(self.store.root.parent).keep(proof["checkpoint"])
        with self.ledger.transaction() as transaction:
            fresh = records.load(transaction.connection, request.id)
            if fresh.state is not State.DECIDED:
                return  # another process signed it meanwhile
            words = f"Signed: manifest {sha256(bundle.manifest)}, bundle {digest}."
            write(transaction, fresh, Act(Event.SIGN, DESK, now, words))
            transaction.append("release.bundle", DESK, {"release": fresh.id, "bundle": digest, "manifest": sha256(bundle.manifest)}, now)
            records.change(transaction.connection, fresh.id, now, bundle=digest)
        if self.ledger.notary is not None:
            self.ledger.notary.checkpoint(now)

    def _proof(self, request: Request) -> dict[str, Any] | None:
        """That the decision is in the books, for whoever holds the bundle; None where nobody signs the books."""
        if self.ledger.notary is None or request.decision is None:
            return None
        return self.ledger.notary.prove(request.decision.entry)

    def _contents(self, request: Request, now: datetime) -> Contents:
        items = leaving(request)
        answers = {item.id: self._answer(item.receipt) for item in items if item.receipt}
        names = sorted({item.dataset for item in items if item.dataset})
        objects = {digest: self.store.get(digest) for item in items for digest in item.files.values()}
        receipts = {item: answer.receipt for item, answer in answers.items()}
        return Contents(self._project(request, now), tuple(self._dataset(name) for name in names), receipts, objects)

    def _answer(self, receipt: str) -> AnswerFacts:
        return _known(self.facts.answer(receipt))

    def _dataset(self, name: str) -> DatasetFacts:
        return _known(self.facts.dataset(name))

    def _project(self, request: Request, now: datetime) -> ProjectFacts:
        return _known(self.facts.project(request.project, now.date()))


def _known(found: T | None) -> T:
    if found is None:
        raise Fault(Code.FAULT_SERVICE, "A part of the provenance of this release is missing, so it cannot be signed. Tell your operator.")
    return found
