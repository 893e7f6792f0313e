"""What is in force now, as the entries tell it: states, accounts, tokens and proposals, held against their tables row by row."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from haven.ledger.audit_reading import Books
from haven.ledger.audit_spends import Told

_OVER = {f"proposal.{state}": state for state in ("confirmed", "declined", "withdrawn")}
_PROPOSAL = (
    "id, kind, subject, reason, state, detail, proposed_by, proposed_at, proposed_entry, decided_by, decided_at, decision_reason,"
    " decided_entry"
)


@dataclass
class Present:
    """As of the entries read so far."""

    states: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    users: dict[str, tuple[str, str | None, str]] = field(default_factory=dict)
    tokens: dict[str, list[str | None]] = field(default_factory=dict)
    proposals: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, told: Told) -> None:
        """One more entry."""
        detail = told.detail
        if told.kind == "state.changed":
            self.states[detail["kind"], detail["name"]] = (detail["state"], detail["reason"], told.at)
        elif told.kind == "user.added":
            self.users[detail["name"]] = (detail["role"], detail["project"], told.at)
        elif told.kind == "token.issued":
            self.tokens[detail["id"]] = [detail["name"], detail.get("expires_at"), told.at, None]
        elif told.kind == "token.revoked" and detail["id"] in self.tokens:
            self.tokens[detail["id"]][3] = told.at
        elif told.kind == "proposal.opened":
            self.proposals[detail["id"]] = _opened(told)
        elif told.kind in _OVER:
            self.proposals[detail["id"]] |= _over(told)

    def problems(self, books: Books) -> Iterator[str]:
        """Which tables say other than that."""
        states = {(row["kind"], row["name"]): (row["state"], row["reason"], row["since"]) for row in books.each("SELECT * FROM states")}
        if states != self.states:
            yield "The states of datasets, projects or people are not what the entries say."
        users = {row["name"]: (row["role"], row["project"], row["added_at"]) for row in books.each("SELECT * FROM users")}
        if users != self.users:
            yield "The accounts of people are not what the entries say."
        tokens = {
            row["id"]: [row["name"], row["expires_at"], row["issued_at"], row["revoked_at"]] for row in books.each("SELECT * FROM tokens")
        }
        if tokens != self.tokens:
            yield "The tokens are not what the entries say."
        if books.has("proposals") and _proposals(books) != self.proposals:
            yield "The proposals are not what the entries say."


def _opened(told: Told) -> dict[str, Any]:
    detail = told.detail
    said = {name: detail[name] for name in ("kind", "subject", "reason", "detail_sha256")}
    proposed = {"state": "open", "proposed_by": told.actor, "proposed_at": told.at, "proposed_entry": told.seq}
    return said | proposed | dict.fromkeys(("decided_by", "decided_at", "decision_reason", "decided_entry"))


def _over(told: Told) -> dict[str, Any]:
    decided = {"decided_by": told.actor, "decided_at": told.at, "decision_reason": told.detail["reason"], "decided_entry": told.seq}
    return decided | {"state": _OVER[told.kind], "detail_sha256": told.detail["detail_sha256"]}


def _proposals(books: Books) -> dict[str, dict[str, Any]]:
    found = {}
    for row in books.each(f"SELECT {_PROPOSAL} FROM proposals"):  # noqa: S608 - the names stand above
        said = dict(row)
        said["detail_sha256"] = hashlib.sha256(said.pop("detail").encode("utf-8")).hexdigest()
        found[said.pop("id")] = said
    return found
