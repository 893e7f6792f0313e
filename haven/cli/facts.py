"""What the release desk may ask of the rest of the house: answered from the books and the policies in force."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from haven.disclosure import Finding, Outcome
from haven.errors import Refused
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind, State
from haven.mediator.checking import thresholds
from haven.mediator.policies import Policies
from haven.mediator.receipts import receipt_document
from haven.policy.authorise import check_dates
from haven.policy.project_policy import ProjectPolicy
from haven.policy.roles import Tier
from haven.policy.tiers import tier_of
from haven.release.facts import AnswerFacts, DatasetFacts, ProjectFacts

Known = TypeVar("Known")
SEVERITY = (Tier.DE_MINIMIS, Tier.STANDARD, Tier.HIGH)
TABLE_PARTS = ("rows", "errors", "columns", "findings", "key_columns")


@dataclass(frozen=True, slots=True)
class BookFacts:
    """Satisfies `haven.release.facts.ReleaseFacts`."""

    ledger: Ledger
    policies: Policies

    def answer(self, receipt: str) -> AnswerFacts | None:
        """The recorded answer behind a receipt, as its reader was first shown it; None where there is none."""
        found, recorded = self.ledger.receipt(receipt), self.ledger.recorded(receipt)
        if found is None or recorded is None:
            return None
        document = recorded.document
        told = {name: value for name, value in document.items() if name not in TABLE_PARTS}
        return AnswerFacts(
            project=found.reservation.project,
            dataset=found.reservation.dataset,
            columns=tuple((column["name"], column["type"]) for column in document["columns"]),
            rows=tuple(tuple(row) for row in document["rows"]),
            errors=tuple(tuple(row) for row in document["errors"]),
            receipt=receipt_document(found, told, self.policies.dataset(found.reservation.dataset)),
            findings=tuple(
                Finding(each["rule"], Outcome(each["outcome"]), each["words"], tuple(each["rows"])) for each in document["findings"]
            ),
            key_columns=tuple(document["key_columns"]),
        )

    def project(self, name: str, day: date) -> ProjectFacts | None:
        """The project as it stands on `day`; None where it is unknown."""
        policy = _known(partial(self.policies.project, name))
        if policy is None:
            return None
        return ProjectFacts(policy.project, policy.title, policy.lay_summary, frozenset(policy.researchers), self._closed(policy, day))

    def dataset(self, name: str) -> DatasetFacts | None:
        """The dataset; None where it is unknown."""
        policy = _known(partial(self.policies.dataset, name))
        if policy is None:
            return None
        credit = policy.attribution.model_dump(mode="json")
        return DatasetFacts(policy.dataset, policy.title, policy.custodian, policy.digest, thresholds(policy), credit)

    def tier(self, project: str, datasets: frozenset[str]) -> Tier:
        """The severest tier of `datasets`, or of all that the project was granted; an unknown dataset is as severe as can be."""
        names = datasets or frozenset(self.policies.project(project).datasets)
        policies = [_known(partial(self.policies.dataset, name)) for name in sorted(names)]
        tiers = [Tier.HIGH if policy is None else tier_of(policy).tier for policy in policies]
        return max(tiers, key=SEVERITY.index, default=Tier.HIGH)

    def _closed(self, policy: ProjectPolicy, day: date) -> str | None:
        standing = self.ledger.registry.state(PolicyKind.PROJECT, policy.project)
        if standing.state is not State.ACTIVE:
            return f"The project is {standing.state}: {standing.reason}"
        try:
            check_dates(policy, day)
        except Refused as refused:
            return refused.reason
        return None


def _known(read: Callable[[], Known]) -> Known | None:
    """What is known; None where the registry refuses to know it."""
    try:
        return read()
    except Refused:
        return None
