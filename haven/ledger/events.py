"""Every kind of entry there is, each with the sentence that a timeline says of it. An entry of no kind below is a fault of the house.

A sentence is made of the entry's own detail: names, numbers of records, codes and reasons. Nothing in it was ever read from a person's row,
and no researcher's text is in it.
"""

import string
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from haven.ledger.entries import Entry


class Kind(StrEnum):
    """What an entry records."""

    # people
    USER_ADDED = "user.added"
    PASSWORD_SET = "user.password_set"  # noqa: S105 - a kind of entry
    LOGGED_IN = "user.logged_in"
    LOGIN_FAILED = "user.login_failed"
    LOCKED = "user.locked"
    LOGGED_OUT = "user.logged_out"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the same
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the same
    STATE_CHANGED = "state.changed"
    SANDBOX_ENDED = "sandbox.ended"
    # questions
    SPEND_RESERVED = "spend.reserved"
    SPEND_POSTED = "spend.posted"
    SPEND_VOID = "spend.void"
    ANSWER_REPLAYED = "answer.replayed"
    ATTEMPT_REFUSED = "attempt.refused"
    BUDGET_CORRECTED = "budget.corrected"
    # policies and data
    POLICY_ADDED = "policy.added"
    SNAPSHOT_ADDED = "snapshot.added"
    WITHDRAWAL_NOTED = "withdrawal.noted"
    WITHDRAWAL_APPLIED = "withdrawal.applied"
    # acts of two
    PROPOSAL_OPENED = "proposal.opened"
    PROPOSAL_CONFIRMED = "proposal.confirmed"
    PROPOSAL_DECLINED = "proposal.declined"
    PROPOSAL_WITHDRAWN = "proposal.withdrawn"
    # looking
    QUESTIONS_VIEWED = "questions.viewed"
    DATASET_EXPORTED = "dataset.exported"
    ENTRIES_VIEWED = "entries.viewed"
    RELEASE_VIEWED = "release.viewed"
    RELEASE_DOWNLOADED = "release.downloaded"
    # releases
    RELEASE_EDIT = "release.edit"
    RELEASE_SUBMIT = "release.submit"
    RELEASE_WITHDRAW = "release.withdraw"
    RELEASE_VOTE = "release.vote"
    RELEASE_RETURN = "release.return"
    RELEASE_APPROVE = "release.approve"
    RELEASE_REJECT = "release.reject"
    RELEASE_APPEAL = "release.appeal"
    RELEASE_SIGN = "release.sign"
    RELEASE_BUNDLE = "release.bundle"
    RELEASE_EXPORT = "release.export"
    RELEASE_REVOKE = "release.revoke"
    RELEASE_EXPIRE = "release.expire"
    # the books themselves
    BOOKS_EXPORTED = "books.exported"
    BOOKS_BACKED_UP = "books.backed_up"
    BOOKS_ACCEPTED = "books.accepted"
    SECRET_NOTED = "secret.noted"  # noqa: S105 - the same
    WITNESS_BEHIND = "witness.behind"


SENTENCES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.USER_ADDED: "{actor} opened the account {name} ({role}).",
        Kind.PASSWORD_SET: "{actor} set a new password for {name}.",
        Kind.LOGGED_IN: "{actor} logged in.",
        Kind.LOGIN_FAILED: "Someone tried to log in as {name} with a wrong password.",
        Kind.LOCKED: "The account {name} was locked after too many wrong passwords.",
        Kind.LOGGED_OUT: "{actor} logged out.",
        Kind.TOKEN_ISSUED: "{actor} issued the API token {id} to {name}.",
        Kind.TOKEN_REVOKED: "{actor} revoked the API token {id} of {name}.",
        Kind.STATE_CHANGED: "{actor} made the {kind} {name} {state}: {reason}",
        Kind.SANDBOX_ENDED: "The sandbox of {name} was ended: {why}",
        Kind.SPEND_RESERVED: "{actor} asked a question of {dataset} for {project}; its price was reserved as {id}.",
        Kind.SPEND_POSTED: "The price of {id} was spent; the question ended as: {outcome}.",
        Kind.SPEND_VOID: "The price of {id} was given back before anything was looked at: {cause}.",
        Kind.ANSWER_REPLAYED: "{actor} was given the answer {id} of {dataset} for {project} again, for nothing.",
        Kind.ATTEMPT_REFUSED: "{actor} was refused ({code}); further refusals of this kind are counted for this day.",
        Kind.BUDGET_CORRECTED: "A loss that was not booked was added to the budget of {dataset}: {reason}",
        Kind.POLICY_ADDED: "{actor} put version {version} of the policy of the {kind} {name} in force.",
        Kind.SNAPSHOT_ADDED: "{actor} made snapshot {serial} of {dataset} current.",
        Kind.WITHDRAWAL_NOTED: "{actor} noted a list of withdrawn people: the snapshot of {dataset} due on {due} is without them.",
        Kind.WITHDRAWAL_APPLIED: "{actor} applied a list of withdrawn people: snapshot {serial} of {dataset} is without them.",
        Kind.PROPOSAL_OPENED: "{actor} proposed {kind} of {subject} ({id}): {reason}",
        Kind.PROPOSAL_CONFIRMED: "{actor} confirmed {kind} of {subject} ({id}): {reason}",
        Kind.PROPOSAL_DECLINED: "{actor} declined {kind} of {subject} ({id}): {reason}",
        Kind.PROPOSAL_WITHDRAWN: "{actor} withdrew {kind} of {subject} ({id}): {reason}",
        Kind.QUESTIONS_VIEWED: "{actor} read the questions asked of {dataset}.",
        Kind.DATASET_EXPORTED: "{actor} exported {what} of {dataset}.",
        Kind.ENTRIES_VIEWED: "{actor} read the entries of the books.",
        Kind.RELEASE_VIEWED: "{actor} looked at item {item} of the release {release}.",
        Kind.RELEASE_DOWNLOADED: "{actor} downloaded the bundle of the release {release}.",
        Kind.RELEASE_EDIT: "{actor} wrote the release {release} of {project}.",
        Kind.RELEASE_SUBMIT: "{actor} submitted the release {release} of {project}.",
        Kind.RELEASE_WITHDRAW: "{actor} withdrew the release {release} of {project}.",
        Kind.RELEASE_VOTE: "{actor} voted on item {item} of the release {release}.",
        Kind.RELEASE_RETURN: "{actor} returned the release {release} to its author.",
        Kind.RELEASE_APPROVE: "{actor} completed a review of the release {release}: it may leave.",
        Kind.RELEASE_REJECT: "{actor} completed a review of the release {release}: it may not leave.",
        Kind.RELEASE_APPEAL: "{actor} appealed the decision on the release {release}.",
        Kind.RELEASE_SIGN: "The release {release} was signed.",
        Kind.RELEASE_BUNDLE: "The bundle {bundle} was made of the release {release}.",
        Kind.RELEASE_EXPORT: "The release {release} was handed out.",
        Kind.RELEASE_REVOKE: "{actor} revoked the release {release}.",
        Kind.RELEASE_EXPIRE: "The release {release} was closed: nobody acted on it in time.",
        Kind.BOOKS_EXPORTED: "{actor} exported the entries of the books.",
        Kind.BOOKS_BACKED_UP: "{actor} backed the books up.",
        Kind.BOOKS_ACCEPTED: "Two custodians accepted the books as they stand: {reason}",
        Kind.SECRET_NOTED: "A keyed check value was noted, so that another ingest secret is told from this home's own.",
        Kind.WITNESS_BEHIND: "The witness of the books was found behind them.",
    }
)


class _Lenient(dict[str, Any]):
    """A detail in which what is missing reads as a dash: an old entry may hold less than its kind says today."""

    def __missing__(self, key: str) -> str:
        return "—"


def in_words(entry: Entry) -> str:
    """The sentence of an entry, for a timeline."""
    try:
        sentence = SENTENCES[Kind(entry.kind)]
    except ValueError:
        return f"{entry.actor} did something that this haven has no words for ({entry.kind})."
    return string.Formatter().vformat(sentence, (), _Lenient({**entry.detail, "actor": entry.actor}))
