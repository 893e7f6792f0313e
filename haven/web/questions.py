"""Questions as a custodian reads them: what was asked in words, by whom, for what price, with what verdict. No answer is shown here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from haven.errors import Code, Refused
from haven.ledger.answers import decode
from haven.ledger.entries import Spend
from haven.ledger.ledger import Ledger
from haven.ledger.schema import answers
from haven.ledger.usage import Numbered, Which, questions
from haven.mediator.receipts import amounts
from haven.policy.caps import cap_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.privacy.accounting import as_quantities
from haven.web import words
from haven.web.custodian_facts import QuestionLine, QuestionPage

PAGE = 25
LONGEST_READ = 200_000  # characters of a recorded answer that a list decodes; a longer one says its words on its own page
STATES = {"posted": "answered", "void": "called back, not charged", "reserved": "being answered"}


@dataclass(frozen=True, slots=True)
class QuestionDetail:
    """One question on a page of its own: what was done, in sentences, with its mechanisms and findings."""

    line: QuestionLine
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    mechanisms: tuple[Mapping[str, Any], ...]
    findings: tuple[str, ...]
    plan_digest: str
    policy_digest: str
    snapshot: int
    made_from: tuple[str, ...]


def page_of(connection: Connection, policy: DatasetPolicy, which: Which, limit: int = PAGE) -> QuestionPage:
    """A page of a dataset's questions."""
    found = questions(connection, which, limit + 1)
    shown = found[:limit]
    documents = _documents(connection, [one.spend.reservation.id for one in shown if one.spend.answered])
    lines = tuple(line_of(one, documents.get(one.spend.reservation.id, {}), policy) for one in shown)
    return QuestionPage(lines, shown[-1].entry if len(found) > limit else None)


def detail_of(ledger: Ledger, policy: DatasetPolicy, receipt: str) -> QuestionDetail:
    """One question of the dataset. Refused `not_found` for any other."""
    spend = ledger.spend(receipt)
    if spend is None or spend.reservation.dataset != policy.dataset:
        raise Refused(Code.NOT_FOUND, "This dataset was asked no such question.", "Go back to its questions.")
    recorded = ledger.recorded(receipt)
    document: Mapping[str, Any] = {} if recorded is None else recorded.document
    taken = spend.reservation
    return QuestionDetail(
        line=line_of(Numbered(0, spend), document, policy),
        steps=_strings(document, "words"),
        warnings=_strings(document, "warnings"),
        mechanisms=tuple(one for one in document.get("mechanisms") or () if isinstance(one, dict)),
        findings=tuple(str(one.get("words", "")) for one in document.get("findings") or () if isinstance(one, dict)),
        plan_digest=taken.plan_digest,
        policy_digest=taken.policy_digest,
        snapshot=taken.snapshot,
        made_from=_strings(document.get("made_from") or {}, "receipts"),
    )


def line_of(one: Numbered, document: Mapping[str, Any], policy: DatasetPolicy) -> QuestionLine:
    """A question as one line."""
    spend, whole = one.spend, cap_of(policy)
    taken = spend.reservation
    same = taken.price.definition is whole.definition
    return QuestionLine(
        receipt=taken.id,
        entry=one.entry,
        at=taken.reserved_at,
        actor=taken.actor,
        project=taken.project,
        words=sentence_of(document),
        question=spend.question,
        state=state_of(spend),
        outcome=spend.outcome,
        price=amounts(taken.price, policy) if same else as_quantities(taken.price),
        cost=_cost(spend, words.share(taken.price, whole) if same else None),
    )


def sentence_of(document: Mapping[str, Any]) -> str:
    """What an answer holds, from its plan's facts: "number of rows and sum of weight - 120, by site; of persons where …"; "" for none."""
    plan = document.get("plan")
    if not isinstance(plan, dict):
        return ""
    targets = [str(one.get("of", "")) for one in plan.get("targets") or () if isinstance(one, dict)]
    keys = [str(one.get("name", "")) for one in plan.get("keys") or () if isinstance(one, dict)]
    said = _listed(dict.fromkeys(targets)) or "nothing that is counted"
    said += f", by {_listed(keys)}" if keys else ""
    return f"{said}; of {plan['source']}" if plan.get("source") else said


def state_of(spend: Spend) -> str:
    """How a question ended, in words."""
    if spend.state.value == "posted" and not spend.answered:
        return "ended in a fault, charged"
    return STATES[spend.state.value]


def _cost(spend: Spend, part: float | None) -> str:
    if spend.state.value == "void" or not spend.reservation.price.pico:
        return "free"
    return "under an earlier definition" if part is None else f"{words.percent(part)} of the budget"


def _documents(connection: Connection, receipts: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    wanted = list(receipts)
    if not wanted:
        return {}
    text = func.substr(answers.c.content, 1, LONGEST_READ + 1)
    found = connection.execute(select(answers.c.id, text).where(answers.c.id.in_(wanted)))
    return {receipt: decode(content).document for receipt, content in found if len(content) <= LONGEST_READ}


def _strings(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(str(one) for one in document.get(name) or ())


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)
