"""A dataset as its custodian looks at it: what is left, how it went, what needs somebody, who asked."""

from datetime import date, timedelta
from functools import cached_property

from sqlalchemy import Connection

from haven.catalog.dataset import Dataset
from haven.catalog.public import MOST_VALUES, PublicColumn
from haven.ledger.accounts import Spender
from haven.ledger.registry import PolicyKind
from haven.ledger.usage import Used, Which, taken, used_by_day, used_by_person
from haven.mediator.outlook import rate_of
from haven.mediator.receipts import amounts
from haven.policy.caps import cap_of, share_of, total_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.forecast import Forecast, soonest
from haven.policy.project_policy import ProjectPolicy
from haven.policy.tiers import tier_of
from haven.privacy.budget import Price
from haven.web import words
from haven.web.custodian_facts import BurnDown, DatasetOverview, DatasetPage, DayShare, ProjectLine, Use
from haven.web.custody import Custody
from haven.web.facts import BudgetLine, PublicColumnLine, PublicTableLine
from haven.web.questions import page_of
from haven.web.use import Sums, first_day, purpose_words, use_of
from haven.web.watching import Watching

MOST_DAYS = 365
"""How far back the burn-down goes."""

RECENT = 10


def overviews(custody: Custody) -> list[DatasetOverview]:
    """Every dataset of the custodian, by name."""
    with custody.parts.ledger.read() as connection:
        return [Looking(custody, policy, connection).overview() for policy in custody.datasets()]


def burn_down_of(custody: Custody, policy: DatasetPolicy) -> BurnDown:
    """How a dataset's budget went."""
    with custody.parts.ledger.read() as connection:
        return Looking(custody, policy, connection).burn_down()


def use_in(custody: Custody, policy: DatasetPolicy, window: int) -> Use:
    """What was asked of a dataset in the last `window` days."""
    with custody.parts.ledger.read() as connection:
        return Looking(custody, policy, connection).use(window)


def dataset_page(custody: Custody, policy: DatasetPolicy, window: int) -> DatasetPage:
    """Everything about one dataset, its use in the last `window` days."""
    with custody.parts.ledger.read() as connection:
        return Looking(custody, policy, connection).page(window)


class Looking:
    """One dataset, looked at on one connection, so that everything is of one moment; what is needed twice is read once."""

    def __init__(self, custody: Custody, policy: DatasetPolicy, connection: Connection) -> None:
        self._custody, self._policy, self._connection = custody, policy, connection
        self._parts = custody.parts
        self._today = custody.parts.clock().date()
        self._cap = cap_of(policy)
        self._taken = taken(connection, Spender(policy.budget_owner, policy.dataset), self._cap.definition)

    @cached_property
    def _by_day(self) -> dict[date, Used]:
        return used_by_day(self._connection, self._policy.dataset, first_day(self._today, MOST_DAYS), self._cap.definition)

    def overview(self) -> DatasetOverview:
        """What stands at the top."""
        budget, paused = budget_line(self._policy, self._cap, self._taken), self._parts.policies.halt(self._policy.dataset)
        watching = Watching(self._custody, self._policy, self._connection, self._by_day)
        return DatasetOverview(
            name=self._policy.dataset,
            title=self._policy.title,
            sentence=_sentence(budget, paused),
            paused=paused,
            budget=budget,
            burn_down=self.burn_down(),
            alerts=watching.alerts(),
        )

    def page(self, window: int) -> DatasetPage:
        """All of it."""
        policy, tier = self._policy, tier_of(self._policy)
        privacy = policy.privacy
        return DatasetPage(
            overview=self.overview(),
            tier=tier.tier.value,
            tier_reasons=tier.reasons,
            promise=words.promise(privacy.definition, f"{privacy.epsilon:f}", None if privacy.delta is None else f"{privacy.delta:e}"),
            projects=tuple(self.project_line(project) for project in self._custody.projects_of(policy)),
            use=self.use(window),
            recent=page_of(self._connection, policy, Which(policy.dataset), RECENT),
            public_tables=public_tables(self._parts.policies.now().catalogue[policy.dataset]),
        )

    def project_line(self, project: ProjectPolicy) -> ProjectLine:
        """A project's share of it."""
        cap = share_of(self._policy.privacy, project.datasets[self._policy.dataset])
        stopped = self._parts.policies.now().halts.get((PolicyKind.PROJECT, project.project))
        where = Spender(self._policy.budget_owner, self._policy.dataset, project.project)
        budget = budget_line(self._policy, cap, taken(self._connection, where, cap.definition))
        return ProjectLine(project.project, project.title, purpose_words(project), project.researchers, budget, stopped)

    def use(self, window: int) -> Use:
        """What was asked in the last `window` days."""
        first = first_day(self._today, window)
        people = used_by_person(self._connection, self._policy.dataset, first, self._cap.definition)
        sums = Sums({day: used for day, used in self._by_day.items() if day >= first}, people)
        return use_of(sums, window, {project.project: project for project in self._parts.policies.projects()}, self._cap)

    def burn_down(self) -> BurnDown:
        """What was left at the end of each day on which anything was spent, from what is spent now backwards."""
        spent_on = {day: used.spent.pico for day, used in self._by_day.items() if used.spent.pico}
        left = self._cap.pico - self._taken.pico + sum(spent_on.values())
        series: list[DayShare] = []
        for day, pico in spent_on.items():
            if not series:
                series.append(DayShare(day - timedelta(days=1), self._share(left)))
            left -= pico
            series.append(DayShare(day, self._share(left)))
        expected = self._forecast()
        return BurnDown(tuple(series), expected.exhausted, f"{expected.words[:1].upper()}{expected.words[1:]}.")

    def _forecast(self) -> Forecast:
        """Of the dataset's own budget and its people's, the one that ends first."""
        policy, ledger = self._policy, self._parts.ledger
        own = rate_of(ledger, self._cap.minus(self._taken), self._today, (policy.dataset,))
        others = tuple(each.dataset for each in self._parts.policies.datasets() if each.budget_owner == policy.budget_owner)
        if others == (policy.dataset,):
            return own
        people = total_of(policy.privacy)
        left = people.minus(ledger.population_balance(policy.budget_owner, definition=people.definition).taken)
        return soonest([own, rate_of(ledger, left, self._today, others)])

    def _share(self, pico: int) -> float:
        return words.share(Price(self._cap.definition, max(0, pico)), self._cap)


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
