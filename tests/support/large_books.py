"""Books as large as years of use make them, written by the ledger's own acts: every entry, tile, account and day is a true one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from haven.ledger import answers, spends
from haven.ledger.entries import Asking, RecordedAnswer, Reservation, Serving
from haven.ledger.ledger import Ledger
from haven.policy.authorisation import Caps
from haven.privacy.budget import Price
from haven.privacy.tables import NoisyTable

BATCH = 5000
"""Spends in one commit."""


@dataclass(frozen=True, slots=True)
class Use:
    """Who asks: `projects` maps each project's name to its researchers. Prices and caps are the population's own."""

    dataset: str
    population: str
    projects: Mapping[str, Sequence[str]]
    caps: Mapping[str, Caps]
    price: Price
    until: datetime
    days: int = 365
    document: dict[str, Any] = field(default_factory=dict)


def fill(ledger: Ledger, use: Use, questions: int) -> None:
    """Put `questions` answered questions into the books, spread evenly over the days before `use.until`: two entries each."""
    pairs = [(project, actor) for project, people in use.projects.items() for actor in people]
    content = answers.encode(RecordedAnswer(NoisyTable((("a",),), ((1,),)), use.document))
    step = timedelta(days=use.days) / questions
    for first in range(0, questions, BATCH):
        with ledger.transaction() as tx:
            for number in range(first, min(questions, first + BATCH)):
                project, actor = pairs[number * 7919 % len(pairs)]
                at = use.until - use.days * timedelta(days=1) + step * number
                reservation = Reservation(
                    id=f"q-{number:016d}",
                    plan_digest=f"{number:064x}",
                    policy_digest="policy-digest",
                    snapshot=1,
                    population=use.population,
                    dataset=use.dataset,
                    project=project,
                    actor=actor,
                    price=use.price,
                    reserved_at=at,
                )
                question = f"SELECT region, COUNT(*) AS n FROM persons WHERE age > {number % 90} GROUP BY region"  # noqa: S608 - never run
                spends.reserve(tx, reservation, use.caps[project], Asking(question))
                spends.post(tx, reservation.id, content, "pass", at, Serving())


def facts(targets: Sequence[str], keys: Sequence[str], source: str) -> dict[str, Any]:
    """What the mediator records of a plan beside an answer, as far as pages read it."""
    mechanisms = [{"of": of, "mechanism": "discrete Gaussian", "scale": 40.8, "half_width_95": 80.0} for of in targets]
    plan = {"targets": mechanisms, "keys": [{"name": key, "values": 3} for key in keys], "source": source}
    steps = ["The privacy unit is one value of id: all rows of persons that it owns.", "One unit counts with at most 1 rows."]
    return {"plan": plan, "mechanisms": mechanisms, "words": steps, "warnings": [], "findings": []}
