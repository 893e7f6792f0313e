"""What the custodian takes along as CSV: the questions of a dataset, or its days. No answer is in it; every export is an audit event."""

import csv
import io
from collections.abc import Iterator, Sequence
from enum import StrEnum

from haven.ledger.events import Kind
from haven.ledger.ledger import Ledger
from haven.ledger.usage import Which, days_of, questions
from haven.policy.dataset_policy import DatasetPolicy
from haven.web.custodian_facts import QuestionLine
from haven.web.custody import Custody
from haven.web.overviews import MOST_DAYS
from haven.web.questions import line_of
from haven.web.use import first_day

BATCH = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
QUESTIONS_HEAD = ("receipt", "asked_at", "researcher", "project", "question", "state", "verdict", "unit", "price", "delta", "epsilon")
DAYS_HEAD = ("day", "project", "researcher", "questions", "refused", "replayed", "unit", "spent_pico", "spent_atto_delta")


class Export(StrEnum):
    """What can be exported."""

    QUESTIONS = "questions"
    DAYS = "days"


def export(custody: Custody, policy: DatasetPolicy, what: Export) -> Iterator[bytes]:
    """The file in pieces; the event is durable before the first. A text that a spreadsheet would run as a formula has a quote before it."""
    parts = custody.parts
    parts.ledger.record(Kind.DATASET_EXPORTED.value, custody.who.name, {"dataset": policy.dataset, "what": what.value}, parts.clock())
    if what is Export.DAYS:
        return _lines(DAYS_HEAD, _days(custody, policy))
    return _lines(QUESTIONS_HEAD, _questions(parts.ledger, policy))


def _questions(ledger: Ledger, policy: DatasetPolicy) -> Iterator[Sequence[object]]:
    before: int | None = None
    while True:
        with ledger.read() as connection:
            found = questions(connection, Which(policy.dataset, before=before), BATCH)
        for one in found:
            yield _question(line_of(one, {}, policy))
        if len(found) < BATCH:
            return
        before = found[-1].entry


def _question(line: QuestionLine) -> Sequence[object]:
    unit = next((name for name in line.price if name not in {"delta", "epsilon"}), "epsilon")
    price = line.price
    return (
        *(line.receipt, line.at.isoformat(), line.actor, line.project, line.question, line.state, line.outcome),
        *(unit, price.get(unit, ""), price.get("delta", ""), price.get("epsilon", "")),
    )


def _days(custody: Custody, policy: DatasetPolicy) -> Iterator[Sequence[object]]:
    since = first_day(custody.parts.clock().date(), MOST_DAYS)
    with custody.parts.ledger.read() as connection:
        found = days_of(connection, policy.dataset, since)
    for one in found:
        spent = (one.spent.definition.unit, one.spent.pico, one.spent.atto_delta)
        yield one.day.isoformat(), one.project, one.actor, one.questions, one.refused, one.replayed, *spent


def _lines(head: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[bytes]:
    yield written([head])
    batch: list[Sequence[object]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield written(batch)
            batch = []
    if batch:
        yield written(batch)


def written(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV. A text that a spreadsheet would run as a formula has a quote before it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[_guarded(value) for value in row] for row in rows])
    return out.getvalue().encode("utf-8", "replace")


def _guarded(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA) else value
