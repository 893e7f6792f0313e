"""The questions that every tool is asked: as SQL for haven and DuckDB, and as parts from which a peer's runner writes its own form."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.shared_data import CODES, REGIONS, SEXES

EPSILON = 1.0
DELTA = 1e-6
DOMAINS = {"region": REGIONS, "sex": SEXES, "code": CODES}
BOUNDS = {"x": (0.0, 1000.0), "value": (0.0, 500.0), "age": (18, 98)}
TABLES = {
    "people": {"id": "int", "region": "string", "sex": "string", "age": "int", "x": "float"},
    "visits": {"id": "int", "code": "string", "site": "string", "value": "float"},
}


@dataclass(frozen=True)
class Aggregate:
    """`op` is count, units, sum, mean, variance or median, of `column` between `low` and `high`."""

    name: str
    op: str
    column: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class SharedQuery:
    """One question. `where` is (column, operator, constant); `private` keys are not listed anywhere; `join` adds people to visits.

    `rows`, `groups` and `rows_in_group` bound what one person adds under these keys; `options` are haven's words for the same.
    """

    name: str
    title: str
    sql: str
    table: str
    aggregates: tuple[Aggregate, ...]
    keys: tuple[str, ...] = ()
    where: tuple[str, str, float] | None = None
    private: bool = False
    join: bool = False
    rows: int = 1
    groups: int = 1
    rows_in_group: int = 1
    options: Mapping[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """What a peer's runner is told, as JSON."""
        domains = None if self.private else {key: DOMAINS[key] for key in self.keys}
        return {**asdict(self), "domains": domains, "epsilon": EPSILON, "delta": DELTA, "bounds": BOUNDS, "tables": TABLES}


def _of(name: str, op: str, column: str | None = None) -> Aggregate:
    low, high = BOUNDS.get(column or "", (None, None))
    return Aggregate(name, op, column, low, high)


COUNT = _of("n", "count")
MEAN_X, SUM_X = _of("m", "mean", "x"), _of("s", "sum", "x")
VISITS = {"rows": 8, "groups": 6, "rows_in_group": 2}

SHARED = (
    SharedQuery("count", "COUNT of all", "SELECT COUNT(*) AS n FROM people", "people", (COUNT,)),
    SharedQuery("sum", "SUM of all", "SELECT SUM(x) AS s FROM people", "people", (SUM_X,)),
    SharedQuery("mean", "AVG of all", "SELECT AVG(x) AS m FROM people", "people", (MEAN_X,)),
    SharedQuery(
        "region-count", "COUNT by region", "SELECT region, COUNT(*) AS n FROM people GROUP BY region", "people", (COUNT,), ("region",)
    ),
    SharedQuery("region-sum", "SUM by region", "SELECT region, SUM(x) AS s FROM people GROUP BY region", "people", (SUM_X,), ("region",)),
    SharedQuery("region-mean", "AVG by region", "SELECT region, AVG(x) AS m FROM people GROUP BY region", "people", (MEAN_X,), ("region",)),
    SharedQuery(
        "region-job",
        "COUNT, AVG and SUM by region",
        "SELECT region, COUNT(*) AS n, AVG(x) AS m, SUM(x) AS s FROM people GROUP BY region",
        "people",
        (COUNT, MEAN_X, SUM_X),
        ("region",),
    ),
    SharedQuery(
        "two-keys",
        "COUNT by region and sex",
        "SELECT region, sex, COUNT(*) AS n FROM people GROUP BY region, sex",
        "people",
        (COUNT,),
        ("region", "sex"),
    ),
    SharedQuery(
        "filter",
        "COUNT by region of those over 65",
        "SELECT region, COUNT(*) AS n FROM people WHERE age > 65 GROUP BY region",
        "people",
        (COUNT,),
        ("region",),
        where=("age", ">", 65),
    ),
    SharedQuery(
        "clamped-mean",
        "AVG clamped to 200 to 800",
        "SELECT AVG(clamp(x, 200, 800)) AS m FROM people",
        "people",
        (Aggregate("m", "mean", "x", 200.0, 800.0),),
    ),
    SharedQuery("variance", "VARIANCE", "SELECT VAR_POP(x) AS v FROM people", "people", (_of("v", "variance", "x"),)),
    SharedQuery("median", "MEDIAN", "SELECT MEDIAN(x) AS q FROM people", "people", (_of("q", "median", "x"),)),
    SharedQuery(
        "median-by-region",
        "MEDIAN by region",
        "SELECT region, MEDIAN(x) AS q FROM people GROUP BY region",
        "people",
        (_of("q", "median", "x"),),
        ("region",),
    ),
    SharedQuery(
        "persons-by-code",
        "COUNT DISTINCT persons by code",
        "SELECT code, COUNT(DISTINCT id) AS n FROM visits GROUP BY code",
        "visits",
        (_of("n", "units", "id"),),
        ("code",),
        **VISITS,
    ),
    SharedQuery(
        "visits-sum",
        "SUM of up to 8 rows a person",
        "SELECT SUM(value) AS s FROM visits",
        "visits",
        (_of("s", "sum", "value"),),
        rows=8,
        rows_in_group=8,
    ),
    SharedQuery(
        "visits-by-code",
        "SUM by code, up to 8 rows a person",
        "SELECT code, SUM(value) AS s FROM visits GROUP BY code",
        "visits",
        (_of("s", "sum", "value"),),
        ("code",),
        **VISITS,
    ),
    SharedQuery(
        "join-mean",
        "AVG of visits by region, joined to people",
        "SELECT region, AVG(value) AS m FROM visits JOIN people USING (id) GROUP BY region",
        "visits",
        (_of("m", "mean", "value"),),
        ("region",),
        join=True,
        rows=8,
        rows_in_group=8,
    ),
    SharedQuery(
        "private-keys",
        "COUNT DISTINCT persons by site, sites unknown",
        "SELECT site, COUNT(DISTINCT id) AS n FROM visits GROUP BY site",
        "visits",
        (_of("n", "units", "id"),),
        ("site",),
        private=True,
        rows=8,
        groups=2,
        rows_in_group=4,
        options={"groups_per_unit": 2},
    ),
)
