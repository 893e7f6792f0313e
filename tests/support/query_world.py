"""The declared world that questions are tried on: persons with one row each, labs and visits with several, and public codes."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from haven import query
from haven.catalog.column import ColumnType
from haven.catalog.dataset import Column, Dataset, Table
from haven.catalog.public import PublicColumn, PublicTable, PublicValue
from haven.privacy.accounting import price_of_epsilon
from haven.privacy.budget import Definition

PERSONS = Table(
    source="persons.csv",
    unit_column="id",
    columns={
        "age": Column(type="integer", bounds=(18, 98)),
        "male": Column(type="boolean"),
        "smoker": Column(type="boolean", nullable=True),
        "bmi": Column(type="number", bounds=(10, 80), nullable=True),
        "income": Column(type="integer", bounds=(0, 5_000_000)),
        "stage": Column(type="category", keys=("none", "mild", "severe"), nullable=True),
        "town": Column(type="category"),
        "born": Column(type="date", bounds=("1920-01-01", "2005-12-31")),
        "died": Column(type="date", nullable=True),
        "weight": Column(type="number", nullable=True),
        "visits": Column(type="integer", nullable=True),
    },
)
LABS = Table(
    source="labs.csv",
    unit_column="id",
    rows_per_unit=6,
    groups_per_unit=2,
    rows_per_group=2,
    columns={
        "test": Column(type="category", keys=("chol", "dbp", "fib4", "hdl")),
        "site": Column(type="category", nullable=True),
        "value": Column(type="number", bounds=(0, 500), nullable=True),
        "day": Column(type="date", bounds=("2010-01-01", "2012-12-31")),
        "grade": Column(type="integer", bounds=(-3, 4), nullable=True),
    },
)
VISITS = Table(
    source="visits.csv",
    unit_column="id",
    rows_per_unit=4,
    groups_per_unit=2,
    rows_per_group=3,
    columns={
        "kind": Column(type="category", keys=("er", "gp", "ward")),
        "clinic": Column(type="category", nullable=True),
        "code": Column(type="category", nullable=True),
        "day": Column(type="date", bounds=("2010-01-01", "2012-12-31")),
        "cost": Column(type="number", bounds=(0, 10_000), nullable=True),
        "nights": Column(type="integer", bounds=(0, 30), nullable=True),
    },
)
ICD = Table(
    source="icd.csv",
    public=True,
    columns={
        "code": Column(type="category"),
        "label": Column(type="category"),
        "chapter": Column(type="category", nullable=True),
        "weight": Column(type="integer"),
    },
)
ICD_ROWS = (
    {"code": "E11", "label": "Diabetes", "chapter": "endocrine", "weight": 3},
    {"code": "E66", "label": "Obesity", "chapter": "endocrine", "weight": 2},
    {"code": "I10", "label": "Hypertension", "chapter": "circulatory", "weight": 2},
    {"code": "I21", "label": "Infarction", "chapter": "circulatory", "weight": 9},
    {"code": "K74", "label": "Fibrosis", "chapter": "digestive", "weight": 5},
    {"code": "K74", "label": "Cirrhosis", "chapter": "digestive", "weight": 7},
    {"code": "K76", "label": "Fatty liver", "chapter": "digestive", "weight": 4},
    {"code": "Z99", "label": "Other", "chapter": None, "weight": 0},
)
"""The public list: one code stands twice, one row has no chapter."""


def facts_of(table: Table, rows: Sequence[Mapping[str, PublicValue | None]]) -> PublicTable:
    """What a snapshot says of a public table that holds `rows`."""
    columns = {}
    for name, column in table.columns.items():
        present = [row[name] for row in rows if row[name] is not None]
        values = tuple(sorted(set(present), key=lambda value: (str(type(value)), value)))
        numeric = column.type in {ColumnType.INTEGER, ColumnType.NUMBER}
        ends = (float(min(map(float, values))), float(max(map(float, values)))) if numeric and values else (None, None)
        most = max((present.count(value) for value in values), default=0)
        stored = PublicColumn(type=column.type, nullable=column.nullable, low=ends[0], high=ends[1], values=values, most_alike=most)
        columns[name] = stored
    return PublicTable(rows=len(rows), columns=columns)


TABLES = {"persons": PERSONS, "labs": LABS, "visits": VISITS, "icd": ICD}
NAFLD = Dataset(name="nafld", title="Fatty liver disease", tables=TABLES, facts={"icd": facts_of(ICD, ICD_ROWS)})
PANEL = Dataset(
    name="panel", title="A panel", tables={"samples": Table(source="s.csv", unit_column="sample", columns={"sex": Column(type="boolean")})}
)
ONE = {"nafld": NAFLD}
TWO = {"nafld": NAFLD, "panel": PANEL}
DELTA = Decimal("1e-6")
ZCDP = query.PlanContext("nafld", Definition.ZCDP, DELTA)
GDP = query.PlanContext("nafld", Definition.GDP, DELTA)
PURE = query.PlanContext("nafld", Definition.PURE, None)


def planned(sql: str, context: query.PlanContext = ZCDP, epsilon: str = "1", **options: object) -> query.PrivatePlan:
    """The plan of `sql` over the one-dataset project, at ε or as `options` ask."""
    if "error" not in options:
        options["price"] = price_of_epsilon(context.definition, Decimal(epsilon), context.delta)
    return query.plan(query.resolve(query.parse(sql), ONE), context, query.Asked(**options))


def rank_filters(plan: query.PrivatePlan) -> list[tuple[str, int]]:
    """The rank columns a plan filters by, with the largest rank kept."""
    return [(name, int(most)) for name, most in re.findall(r'"((?:rk_|gr_|rpc_)\w*)" <= (\d+)', plan.sql)]
