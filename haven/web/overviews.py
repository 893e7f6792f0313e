"""A dataset as its custodian looks at it: what is left, how it went, what needs somebody, who asked."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from sqlalchemy import Connection

from haven.catalog.dataset import Dataset
from haven.catalog.public import MOST_VALUES, PublicColumn
from haven.ledger.registry import PolicyKind
from haven.ledger.renewals import same_people
from haven.ledger.usage import DayUse, Which, asked_since, days_of
from haven.mediator import alerts
from haven.mediator.alerts import Alert, Cap
from haven.mediator.outlook import rate_of
from haven.mediator.receipts import amounts
from haven.policy.caps import cap_of, share_of, total_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.forecast import Forecast, forecast, since, soonest
from haven.policy.project_policy import ProjectPolicy
from haven.policy.tiers import tier_of
from haven.privacy.budget import Price
from haven.web import words
from haven.web.custodian_facts import BurnDown, DatasetOverview, DatasetPage, DayShare, ProjectLine
from haven.web.custody import Custody
from haven.web.facts import BudgetLine, PublicColumnLine, PublicTableLine
from haven.web.proposing import title_of
from haven.web.questions import page_of
from haven.web.use import first_day, purpose_words, use_of

MOST_DAYS = 365
"""How far back the burn-down goes."""

PROBED_FOR = timedelta(days=1)
MOST_LOOKED_AT = 2000
"""The newest questions of a day that are looked through for probing."""

RECENT = 10


def overviews(custody: Custody) -> list[DatasetOverview]:
    """Every dataset of the custodian, by name."""
    with custody.parts.ledger.read() as connection:
        return [Looking(custody, policy, connection).overview() for policy in custody.datasets()]


def overview(custody: Custody, policy: DatasetPolicy) -> DatasetOverview:
    """One dataset at a glance."""
    with custody.parts.ledger.read() as connection:
        return Looking(custody, policy, connection).overview()


def dataset_page(custody: Custody, policy: DatasetPolicy, window: int) -> DatasetPage:
    """Everything about one dataset, its use in the last `window` days."""
    with custody.parts.ledger.read() as connection:
        return Looking(custody, policy, connection).page(window)


class Looking:
    """One dataset, looked at once on one connection: its days are read once."""

    def __init__(self, custody: Custody, policy: DatasetPolicy, connection: Connection) -> None:
        self._custody, self._policy, self._connection = custody, policy, connection
        self._parts = custody.parts
        self._now = custody.parts.clock()
        self._today = self._now.date()
        self._cap = cap_of(policy)
        self._projects = custody.projects_of(policy)
        self._days = days_of(connection, policy.dataset, first_day(self._today, MOST_DAYS))
        self._taken = self._balance(None)

    def overview(self) -> DatasetOverview:
        """What stands at the top."""
        budget, paused = budget_line(self._policy, self._cap, self._taken), self._parts.policies.halt(self._policy.dataset)
        return DatasetOverview(
            name=self._policy.dataset,
            title=self._policy.title,
            sentence=_sentence(budget, paused),
            paused=paused,
            budget=budget,
            burn_down=self.burn_down(),
            alerts=alerts.in_order(self._alerts(paused)),
        )

    def page(self, window: int) -> DatasetPage:
        """All of it."""
        policy, tier = self._policy, tier_of(self._policy)
        privacy, first = policy.privacy, first_day(self._today, window)
        named = {project.project: project for project in self._parts.policies.projects()}
        return DatasetPage(
            overview=self.overview(),
            tier=tier.tier.value,
            tier_reasons=tier.reasons,
            promise=words.promise(privacy.definition, f"{privacy.epsilon:f}", None if privacy.delta is None else f"{privacy.delta:e}"),
            projects=tuple(self.project_line(project) for project in self._projects),
            use=use_of((one for one in self._days if one.day >= first), window, named, self._cap),
            recent=page_of(self._connection, policy, Which(policy.dataset), RECENT),
            public_tables=public_tables(self._parts.policies.now().catalogue[policy.dataset]),
        )

    def project_line(self, project: ProjectPolicy) -> ProjectLine:
        """A project's share of it."""
        cap = share_of(self._policy.privacy, project.datasets[self._policy.dataset])
        stopped = self._parts.policies.now().halts.get((PolicyKind.PROJECT, project.project))
        budget = budget_line(self._policy, cap, self._balance(project.project))
        return ProjectLine(project.project, project.title, purpose_words(project), project.researchers, budget, stopped)

    def burn_down(self) -> BurnDown:
        """What was left at the end of each day on which anything was spent, from what is spent now backwards."""
        spent_on = daily(self._days, self._cap)
        left = self._cap.pico - self._taken.pico + sum(spent_on.values())
        series: list[DayShare] = []
        for day, pico in sorted(spent_on.items()):
            if not series:
                series.append(DayShare(day - timedelta(days=1), self._share(left)))
            left -= pico
            series.append(DayShare(day, self._share(left)))
        expected = self._forecast()
        return BurnDown(tuple(series), expected.exhausted, f"{expected.words[:1].upper()}{expected.words[1:]}.")

    def _forecast(self) -> Forecast:
        """Of the dataset's own budget and its people's, the one that ends first."""
        policy, first = self._policy, since(self._today)
        spent = Price(self._cap.definition, 0)
        for one in self._days:
            if one.day >= first and one.spent.definition is spent.definition:
                spent += one.spent
        own = forecast(spent, self._cap.minus(self._taken), self._today)
        others = [each.dataset for each in self._parts.policies.datasets() if each.budget_owner == policy.budget_owner]
        if others == [policy.dataset]:
            return own
        people = total_of(policy.privacy)
        left = people.minus(self._parts.ledger.population_balance(policy.budget_owner, definition=people.definition).taken)
        return soonest([own, rate_of(self._parts.ledger, left, self._today, tuple(others))])

    def _share(self, pico: int) -> float:
        return words.share(Price(self._cap.definition, max(0, pico)), self._cap)

    def _alerts(self, paused: str | None) -> Iterator[Alert]:
        name = self._policy.dataset
        notary = self._parts.ledger.notary
        doubt = None if notary is None else notary.doubt
        yield from alerts.doubted(None if doubt is None else doubt.sentence())
        yield from alerts.stopped(name, paused)
        yield from alerts.spent(name, self._caps())
        yield from alerts.probing(name, asked_since(self._connection, name, self._now - PROBED_FOR, MOST_LOOKED_AT))
        yield from alerts.refusals(name, self._days, self._today)
        yield from alerts.draining(name, self._days, self._cap, self._today)
        yield from alerts.same_people(name, self._elsewhere())
        yield from alerts.waiting(name, self._custody.who.name, self._waiting())

    def _elsewhere(self) -> Iterator[str]:
        """Datasets of the very same people whose budget is another."""
        owners = {policy.dataset: policy.budget_owner for policy in self._parts.policies.datasets()}
        for group in same_people(self._connection):
            if self._policy.dataset in group:
                yield from (other for other in group if owners.get(other, self._policy.budget_owner) != self._policy.budget_owner)

    def _waiting(self) -> Iterator[tuple[str, str]]:
        """The open proposals about this dataset, its projects, or their members; and those about the whole house."""
        named = {f"dataset:{self._policy.dataset}", *(f"project:{project.project}" for project in self._projects)}
        named |= {f"user:{person}" for project in self._projects for person in project.researchers}
        for one in self._custody.open_proposals():
            if one.subject in named or one.subject.partition(":")[0] not in {"dataset", "project", "user"}:
                yield title_of(one), one.proposed_by

    def _caps(self) -> Iterator[Cap]:
        yield Cap(f"the budget of {self._policy.dataset}", self._cap, self._taken)
        for project in self._projects:
            share = share_of(self._policy.privacy, project.datasets[self._policy.dataset])
            yield Cap(f"the share of {project.project}", share, self._balance(project.project), project.project)

    def _balance(self, project: str | None) -> Price:
        policy = self._policy
        return self._parts.ledger.balance(policy.dataset, policy.budget_owner, project, definition=policy.privacy.definition).taken


def daily(days: Iterable[DayUse], whole: Price) -> dict[date, int]:
    """What was spent on each day, in units of `whole`; days that spent nothing are left out."""
    spent: dict[date, int] = {}
    for one in days:
        if one.spent.pico and one.spent.definition is whole.definition:
            spent[one.day] = spent.get(one.day, 0) + one.spent.pico
    return spent


def budget_line(policy: DatasetPolicy, total: Price, taken: Price) -> BudgetLine:
    """A budget as a page shows it."""
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


def _sentence(budget: BudgetLine, paused: str | None) -> str:
    if paused is not None:
        return f"It is paused and answers no question: {paused}"
    if budget.left_share == 0:
        return "Its budget is spent: it answers no further question."
    return f"It answers questions; {words.percent(budget.left_share)} of its budget is left."
