"""What a budget could still answer: counts and means at stated errors, each priced by the planner itself. Nothing is looked at or spent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from haven import query
from haven.catalog.dataset import Column, ColumnType, Dataset
from haven.errors import Refused
from haven.policy.dataset_policy import DatasetPolicy
from haven.privacy.accounting import as_quantities, epsilon_of
from haven.privacy.budget import Price
from haven.privacy.mechanisms import Sensitivity, plan_noise, plan_noise_for_error
from haven.privacy.units import ContributionBound
from haven.query.pricing import Asked, PlanContext
from haven.query.sizes import Sizes

ONE_PERSON = Sensitivity(ContributionBound(1, 1, 1), 1)
"""What one person moves in a count of persons."""

COUNT_ERRORS = (5, 10, 20, 50, 100)
MEAN_SIZES = (100, 1000, 10_000)
MEAN_PART = Decimal("0.01")
"""The error of a mean, as a part of the range of its column's bounds."""

MOST_COLUMNS = 6
NUMERIC = frozenset({ColumnType.INTEGER, ColumnType.NUMBER})


@dataclass(frozen=True, slots=True)
class Possible:
    """A kind of question, its 95 % half-width, its price (with its nominal epsilon), and how many of it a budget pays for."""

    words: str
    error: str
    price: Mapping[str, str]
    times: int


def possible(policy: DatasetPolicy, dataset: Dataset, left: Price) -> tuple[Possible, ...]:
    """What `left` pays for: each line alone, not all of them together."""
    return (*_counts(policy, left), *_means(policy, dataset, left))


def noise_of_a_count(price: Price) -> float | None:
    """The 95 % half-width of one count of persons at this price; None where it pays for none."""
    try:
        return plan_noise(ONE_PERSON, Price(price.definition, price.pico)).half_width()
    except Refused:
        return None


def _counts(policy: DatasetPolicy, left: Price) -> Iterator[Possible]:
    for error in COUNT_ERRORS:
        price = plan_noise_for_error(left.definition, ONE_PERSON, error).price
        yield _line("a count of persons", f"± {error}", price, policy, left)


def _means(policy: DatasetPolicy, dataset: Dataset, left: Price) -> Iterator[Possible]:
    numeric = [
        (table, name, column)
        for table, declared in dataset.tables.items()
        for name, column in declared.columns.items()
        if not declared.public and column.bounds is not None and column.type in NUMERIC
    ]
    for table, name, column in numeric[:MOST_COLUMNS]:
        for size in MEAN_SIZES:
            found = _mean(policy, dataset, f'{dataset.name}."{table}"', name, column, size)
            if found is not None:
                error, price = found
                yield _line(f"the mean of {table}.{name} over {size:,} rows", f"± {error:f}", price, policy, left)


def _mean(policy: DatasetPolicy, dataset: Dataset, table: str, name: str, column: Column, size: int) -> tuple[Decimal, Price] | None:
    """The error that is asked for and its price; None where no budget reaches it."""
    low, high = (Decimal(str(bound)) for bound in column.bounds or (0, 0))
    part = (high - low) * MEAN_PART
    error = round(part, 1 - part.adjusted())  # two significant digits
    context = PlanContext(policy.budget_owner, policy.privacy.definition, policy.privacy.delta)
    try:
        sql = f'SELECT AVG("{name}") FROM {table}'  # noqa: S608 - declared names, and it is planned, never run
        resolved = query.resolve(query.parse(sql), {dataset.name: dataset})
        return error, query.plan(resolved, context, Asked(error=error, sizes=Sizes(size))).price
    except Refused:
        return None


def _line(words: str, error: str, price: Price, policy: DatasetPolicy, left: Price) -> Possible:
    amounts = as_quantities(price) | {"epsilon": str(epsilon_of(price, policy.privacy.delta))}
    return Possible(words, error, amounts, left.pico // price.pico)
