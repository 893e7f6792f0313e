"""The facts behind the pages, read from the books and the policies in force; and the custodian's one act, pause and resume."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from haven.catalog.dataset import Dataset
from haven.catalog.public import MOST_VALUES, PublicColumn
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.entries import Spend
from haven.ledger.registry import PolicyKind, State
from haven.mediator.receipts import amounts
from haven.policy.caps import share_of, total_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.project_policy import ProjectPolicy
from haven.policy.roles import Principal
from haven.policy.tiers import tier_of
from haven.privacy.budget import Price
from haven.web import words
from haven.web.facts import (
    Books,
    BudgetLine,
    DatasetOverview,
    DayShare,
    ProjectLine,
    PublicColumnLine,
    PublicTableLine,
    QuestionLine,
    Register,
    RegisteredProject,
)
from haven.web.parts import WebParts

RECENT_QUESTIONS = 50
RECENT_ENTRIES = 100
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class House:
    """What pages may ask. A custodian is shown the datasets whose policy names them, and no others."""

    parts: WebParts

    def datasets(self, custodian: Principal) -> list[DatasetOverview]:
        """The custodian's datasets, by name."""
        return [self._overview(policy) for policy in self.parts.policies.datasets() if policy.custodian == custodian.name]

    def dataset(self, name: str, custodian: Principal) -> DatasetOverview:
        """One of the custodian's datasets. Refused `not_found` for any other."""
        return self._overview(self._own(name, custodian))

    def pause(self, name: str, custodian: Principal, reason: str, now: datetime) -> None:
        """Stop answering questions about a dataset, at once."""
        self._set_state(name, custodian, State.PAUSED, reason, now)

    def resume(self, name: str, custodian: Principal, reason: str, now: datetime) -> None:
        """Answer questions about a dataset again."""
        self._set_state(name, custodian, State.ACTIVE, reason, now)

    def register(self) -> Register:
        """The public register."""
        projects = tuple(_registered(policy) for policy in self.parts.policies.projects())
        return Register(projects, tuple(self.parts.desk.register()))

    def books(self, *, check: bool) -> Books:
        """The newest entries; with `check` the whole chain is recomputed from its first entry."""
        entries = self.parts.ledger.entries(limit=RECENT_ENTRIES)
        if not check:
            return Books(entries, None, 0, ())
        report = audit_verify(self.parts.books)
        return Books(entries, report.whole, report.entries, report.problems)

    def _own(self, name: str, custodian: Principal) -> DatasetPolicy:
        for policy in self.parts.policies.datasets():
            if policy.dataset == name and policy.custodian == custodian.name:
                return policy
        raise Refused(Code.NOT_FOUND, "You are the custodian of no such dataset.", "Go back to your datasets.")

    def _set_state(self, name: str, custodian: Principal, state: State, reason: str, now: datetime) -> None:
        policy = self._own(name, custodian)
        why = reason.strip()
        if not why or len(why) > LONGEST_REASON or not why.isprintable():
            raise Refused(Code.REQUEST_INVALID, "A reason is needed.", "Write in a sentence (up to 500 characters) why you do this.")
        self.parts.ledger.registry.set_state(PolicyKind.DATASET, policy.dataset, state, why, custodian.name, now)

    def _overview(self, policy: DatasetPolicy) -> DatasetOverview:
        total = total_of(policy.privacy)
        balance = self.parts.ledger.balance(policy.dataset, policy.budget_owner, definition=total.definition)
        budget = _budget_line(policy, total, balance.taken)
        tier = tier_of(policy)
        paused = self.parts.policies.halt(policy.dataset)
        privacy = policy.privacy
        recent = self.parts.ledger.recent(dataset=policy.dataset, limit=RECENT_QUESTIONS)
        return DatasetOverview(
            name=policy.dataset,
            title=policy.title,
            tier=tier.tier.value,
            tier_reasons=tier.reasons,
            promise=words.promise(privacy.definition, f"{privacy.epsilon:f}", None if privacy.delta is None else f"{privacy.delta:e}"),
            paused=paused,
            budget=budget,
            projects=tuple(self._project_line(policy, project) for project in self._projects_of(policy)),
            questions=tuple(_question_line(spend, total) for spend in recent),
            series=self._series(policy, total),
            sentence=_sentence(budget, paused),
            public_tables=public_tables(self.parts.policies.now().catalogue[policy.dataset]),
        )

    def _projects_of(self, policy: DatasetPolicy) -> list[ProjectPolicy]:
        return [project for project in self.parts.policies.projects() if policy.dataset in project.datasets]

    def _project_line(self, policy: DatasetPolicy, project: ProjectPolicy) -> ProjectLine:
        cap = share_of(policy.privacy, project.datasets[policy.dataset])
        balance = self.parts.ledger.balance(policy.dataset, policy.budget_owner, project.project, definition=cap.definition)
        return ProjectLine(project.project, project.title, _budget_line(policy, cap, balance.taken))

    def _series(self, policy: DatasetPolicy, total: Price) -> tuple[DayShare, ...]:
        left = total
        series: list[DayShare] = []
        for one in self.parts.ledger.spend_series(policy.dataset):
            if not series:
                series.append(DayShare(one.day - timedelta(days=1), 1.0))
            left = left.minus(one.spent)
            series.append(DayShare(one.day, words.share(left, total)))
        return tuple(series)


def _budget_line(policy: DatasetPolicy, total: Price, taken: Price) -> BudgetLine:
    left = total.minus(taken)
    return BudgetLine(
        total=amounts(total, policy),
        spent=amounts(taken, policy),
        left=amounts(left, policy),
        left_share=words.share(left, total),
        left_words=words.counts_left(left),
    )


def public_tables(dataset: Dataset) -> tuple[PublicTableLine, ...]:
    """The dataset's public tables as the snapshot in force holds them."""
    lines = []
    for name, table in dataset.tables.items():
        if table.public:
            facts = dataset.facts.get(name)
            known = {} if facts is None else facts.columns
            columns = tuple(
                PublicColumnLine(column, str(of.type), _values_words(known.get(column))) for column, of in table.columns.items()
            )
            lines.append(PublicTableLine(name, None if facts is None else facts.rows, columns))
    return tuple(lines)


def _values_words(column: PublicColumn | None) -> str:
    if column is None:
        return "not known before the next ingest"
    return f"more than {MOST_VALUES:,}" if column.values is None else f"{len(column.values):,}"


def _question_line(spend: Spend, total: Price) -> QuestionLine:
    taken = spend.reservation
    cost = f"{words.percent(words.share(taken.price, total))} of the budget" if taken.price.pico else "free"
    return QuestionLine(taken.reserved_at, taken.actor, taken.project, spend.question, spend.state.value, spend.outcome, cost)


def _registered(policy: ProjectPolicy) -> RegisteredProject:
    return RegisteredProject(policy.project, policy.title, policy.lay_summary, tuple(sorted(policy.datasets)), policy.ends)


def _sentence(budget: BudgetLine, paused: str | None) -> str:
    if paused is not None:
        return f"It is paused and answers no question: {paused}"
    if budget.left_share == 0:
        return "Its budget is spent: it answers no further question."
    return f"It answers questions; {words.percent(budget.left_share)} of its budget is left."
