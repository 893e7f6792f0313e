"""A scalar expression, as it is generated, says what DuckDB says of the researcher's own text; what other tools emit is understood."""

import math
import random
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from sqlglot import parse_one

from haven import query
from haven.catalog.layout import layout_of
from haven.errors import Code, Refused
from haven.query.binding import Binder
from haven.query.expressions import Expression
from haven.query.names import Scope
from haven.query.private_plan import OutputType
from haven.query.relations import Scan
from haven.query.render import render
from haven.query.shapes import date_of
from tests.support import layout_db
from tests.support.query_world import PERSONS, planned

SAME = """
age % 7 | mod(age, 7) | bmi % 7 | -bmi % 7 | mod(bmi, -3.5) | age // 7 | age * age | bmi ** 2
pow(bmi, 0.5) | bmi ^ 3 | @(age - 50)
trunc(bmi, 2) | trunc(bmi, -1) | round(bmi, 1) | trunc(-bmi) | ceiling(bmi) | cbrt(bmi - 40) | log(3, bmi) | log(2, bmi) | log(bmi)
CAST(bmi AS DECIMAL(10, 2)) | CAST(bmi AS NUMERIC) | CAST(age AS DECIMAL(10, 2)) | bmi::REAL | CAST(age AS DOUBLE PRECISION)
CAST(bmi AS INTEGER) | CAST(town AS VARCHAR(3)) | age::HUGEINT | CAST(male AS INTEGER) | TRY_CAST(town AS INTEGER) | 1.0 * age
sin(bmi) | cos(bmi) | tan(bmi) | cot(bmi) | asin(bmi / 100) | acos(bmi / 100) | atan(bmi) | atan2(bmi, age) | degrees(bmi) | radians(bmi)
pi() * bmi | isnan(bmi) | isinf(bmi) | isfinite(bmi) | sign(bmi - 40) | exp(bmi / 20) | ln(bmi) | sqrt(bmi) | greatest(age, 50, NULL)
least(age, visits) | coalesce(visits, age) | ifnull(visits, 0) | nullif(age, 50) | if(male, 1, 0)
town || '-' || stage | town || age | concat(town, stage, age, male) | concat(stage)
concat_ws('-', town, stage, town) | concat_ws(stage, 'a', 'b')
left(town, 2) | right(town, 2) | substr(town, 2, 2) | substring(town FROM 2 FOR 1) | replace(town, 'a', 'oo') | reverse(town)
trim(town) | ltrim(town, 'Oa') | rtrim(town, 'oa') | trim(BOTH 'a' FROM town) | trim(town, 'a') | upper(town) | lower(town) | length(town)
char_length(town) | starts_with(town, 'O') | town ^@ 'O'
prefix(town, 'a') | ends_with(town, 'o') | suffix(town, 'o') | contains(town, 'sl')
position('l' IN town) | strpos(town, 'l') | instr(town, 'l') | lpad(town, 6, 'ab') | rpad(town, 2, 'ab') | split_part(town, 'l', 1)
split_part(town, 'l', 3) | town LIKE '%l%' | town NOT LIKE '_s%' | town ILIKE 'o%' | town NOT ILIKE 'o%' | town ~~ 'O%'
year(born) | quarter(born) | month(born) | week(born)
weekofyear(born) | day(born) | dayofmonth(born) | dayofyear(born) | dayofweek(born)
weekday(born) | isodow(born) | isoyear(born) | yearweek(born) | decade(born) | century(born) | millennium(born) | epoch(born)
extract(decade FROM born) | extract(epoch FROM born)
extract(isodow FROM born) | date_part('yearweek', born) | date_part('century', born)
last_day(born) | make_date(year(born), 2, 28) | make_date(2000, month(born), 1) | monthname(born) | dayname(born)
born + 30 | born - age::INT | born + INTERVAL '30 days'
born + INTERVAL 30 DAY | born - INTERVAL '1' MONTH | born + INTERVAL '1 year 2 months'
born + INTERVAL (age) DAY | born + INTERVAL (age) MONTH | born + INTERVAL 2 WEEK | born + INTERVAL 1 QUARTER | born - INTERVAL 3 YEARS
INTERVAL 30 DAY + born | date_add(born, INTERVAL 3 MONTH) | born + to_days(3) | born + INTERVAL (-3) DAY | born - INTERVAL '-3' DAY
date_trunc('week', born) | date_trunc('quarter', born) | datetrunc('month', born) | date_trunc('year', born)
datediff('day', born, died) | date_diff('month', born, died) | datediff('week', died, born) | datediff('quarter', born, died)
datediff('year', born, died) | datediff('decade', born, died) | died - born | datesub('month', born, died) | datesub('year', born, died)
date_sub('day', born, died) | datesub('week', died, born) | datesub('quarter', died, born) | date_part('year', age(died, born))
extract(year FROM age(died, born)) | datesub('years', born, DATE '2020-02-29') | date_part('year', age(DATE '2020-02-29', born))
strftime(born, '%Y-%m-%d') | strftime(born, '%B %d, %Y')
strftime(died, '%a %b %j %y %%') | died > '2000-01-01' | born < DATE '1960-05-05'
smoker IS TRUE | smoker IS NOT TRUE | smoker IS NOT FALSE | smoker IS UNKNOWN | smoker IS NOT UNKNOWN | smoker ISNULL | smoker NOTNULL
smoker IS DISTINCT FROM male | age IN (18, 50, NULL) | age NOT IN (18, 50) | age NOT IN (18, NULL) | age NOT BETWEEN 30 AND 60
NOT smoker | smoker AND NOT male | smoker OR visits > 3 | CASE WHEN (age > 50) THEN 'old' WHEN age IS NULL THEN NULL ELSE 'young' END
CASE stage WHEN 'mild' THEN 1 WHEN 'severe' THEN 2 END | TRUE | FALSE OR male | age = 50 OR age = 51 | (((age))) + 1 | -(-age)
""".replace("\n", " | ").strip(" |")
ITEMS = [item.strip() for item in SAME.split(" | ") if item.strip()]
NAMES = {"s0": ""}


def people() -> list[dict[str, Any]]:
    draw = random.Random(11)  # noqa: S311 - rows of a test
    days = [date(1988, 2, 29), date(1960, 1, 31), date(2000, 12, 31), date(1999, 3, 30), date(1950, 10, 1)]
    deaths = [None, date(2020, 2, 29), date(2021, 2, 28), date(2019, 12, 31), date(1920, 1, 1), date(2024, 3, 31)]
    return [
        {
            "id": index,
            "age": draw.randint(18, 98),
            "male": draw.random() < 0.5,
            "smoker": draw.choice([True, False, None]),
            "bmi": draw.choice([None, draw.uniform(10, 80), 30.0, 12.25]),
            "income": draw.randint(0, 5_000_000),
            "stage": draw.choice(["none", "mild", "severe", None]),
            "town": draw.choice(["Oslo", "a", " la ", "", "12", "lalala", "Zürich"]),
            "born": draw.choice([*days, date(1920, 1, 1) + timedelta(days=draw.randint(0, 31000))]),
            "died": draw.choice([*deaths, date(1990, 1, 1) + timedelta(days=draw.randint(0, 9000))]),
            "weight": draw.choice([None, -3.0, 70.5]),
            "visits": draw.choice([None, 0, 7]),
        }
        for index in range(150)
    ]


@pytest.fixture(scope="module")
def worlds() -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]:
    """The stored rows, and the same rows as a researcher pictures them."""
    stored, pictured = duckdb.connect(), duckdb.connect()
    kept = layout_db.ranked(PERSONS, people())
    layout_db.store(stored, "persons", PERSONS, kept)
    types = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "category": "VARCHAR", "date": "DATE"}
    columns = ", ".join(f"{name} {types[column.type]}" for name, column in PERSONS.columns.items())
    pictured.execute(f"CREATE TABLE persons ({columns})")
    for row in kept:
        marks = ", ".join("?" for _ in PERSONS.columns)
        pictured.execute(f"INSERT INTO persons VALUES ({marks})", [row[name] for name in PERSONS.columns])  # noqa: S608 - a test's own names
    return stored, pictured


def bound(text: str) -> Expression:
    scope = Scope(Scan("persons", layout_of(PERSONS)).columns, frozenset())
    return Binder(scope.column).bind(parse_one(text, read="duckdb"))


def values(connection: duckdb.DuckDBPyConnection, text: str) -> list[Any]:
    """The generated SQL of `text` on every row."""
    sql = f"SELECT {render(bound(text), NAMES)} FROM persons ORDER BY rowid"  # noqa: S608 - generated
    return [row[0] for row in connection.execute(sql).fetchall()]


def seen(value: Any, kind: OutputType | None) -> Any:  # noqa: ANN401 - a cell
    """A value of the generated SQL as the researcher pictures it: days are dates."""
    return date_of(value) if kind is OutputType.DATE and value is not None else value


def alike(mine: Any, other: Any) -> bool:  # noqa: ANN401 - cells
    if isinstance(other, datetime):
        other = other.date()
    if mine is None or other is None or isinstance(mine, str | date):
        return bool(mine == other)
    return math.isclose(float(mine), float(other), rel_tol=1e-6, abs_tol=1e-9) or (mine is None and math.isinf(other))


@pytest.mark.parametrize("text", ITEMS)
def test_it_is_what_duckdb_says_of_the_text_itself(worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection], text: str) -> None:
    stored, pictured = worlds
    expression = bound(text)
    mine = values(stored, text)
    other = [row[0] for row in pictured.execute(f"SELECT {text} FROM persons ORDER BY rowid").fetchall()]  # noqa: S608 - constants above
    for one, another in zip(mine, other, strict=True):
        assert alike(seen(one, expression.shape.type), another), (one, another)


def bucket(x: float, low: float, high: float, number: int) -> int:
    """PostgreSQL's width_bucket, by trying every bucket."""
    edges = [low + (high - low) * index / number for index in range(number + 1)]
    return sum(x >= edge for edge in edges)


@pytest.mark.parametrize(("low", "high", "number"), [(20, 60, 4), (0, 100, 10), (12.25, 30, 1), (10, 80, 35)])
@pytest.mark.parametrize("name", ["bmi", "age"])
def test_buckets_are_those_of_postgresql(
    worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection], name: str, low: float, high: float, number: int
) -> None:
    stored, _ = worlds
    expected = [None if value is None else bucket(value, low, high, number) for value in values(stored, name)]
    assert values(stored, f"width_bucket({name}, {low}, {high}, {number})") == expected
    held = [None if value is None else max(1, min(number, value)) for value in expected]
    assert values(stored, f"haven_histogram({name}, {low}, {high}, {number})") == held


def test_buckets_are_public_keys() -> None:
    assert planned("SELECT width_bucket(bmi, 20, 60, 4) AS b, COUNT(*) FROM persons GROUP BY b").keys[0].domain == (0, 1, 2, 3, 4, 5, None)
    assert planned("SELECT haven_histogram(age, 20, 60, 4) AS b, COUNT(*) FROM persons GROUP BY b").keys[0].domain == (1, 2, 3, 4)
    assert planned("SELECT strftime(born, '%Y') AS y, COUNT(*) FROM persons GROUP BY y").keys[0].domain is None  # 31 411 days are too many
    assert len(planned("SELECT strftime(day, '%Y-%m') AS m, COUNT(*) FROM labs GROUP BY m").keys[0].domain or ()) == 36
    assert len(planned("SELECT left(stage, 1) AS s, COUNT(*) FROM persons GROUP BY s").keys[0].domain or ()) == 4
    assert (
        len(planned("SELECT date_part('year', age(DATE '2020-01-01', born)) AS a, COUNT(*) FROM persons GROUP BY a").keys[0].domain or ())
        == 87
    )


def test_a_number_without_decimals_whatever_the_row_is_a_group_key(
    worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    stored, pictured = worlds
    for key in (
        "FLOOR(age / 10.0) * 10.0",
        "ROUND(age / 5) * 5.0 - 2.0",
        "CAST(age AS DOUBLE)",
        "-(age // 10 * 10.0)",
        "abs(FLOOR(bmi) * 1.0)",
    ):
        sql = f"SELECT {key} AS k, COUNT(*) AS n FROM persons GROUP BY k"  # noqa: S608 - constants above
        plan = planned(sql)
        found = query.finish(plan, layout_db.exact(stored, plan)).rows
        assert set(pictured.execute(sql).fetchall()) <= set(found)
        assert all(value is None or isinstance(value, float) for value, _ in found)
    for key in ("FLOOR(age / 10.0) * 2.5", "weight", "FLOOR(weight) * 10.0", "age / 10", "sqrt(age)"):
        with pytest.raises(Refused):
            planned(f"SELECT {key} AS k, COUNT(*) AS n FROM persons GROUP BY k")  # noqa: S608 - constants above


REFUSED = [
    ("repeat(town, 1000000)", Code.QUERY_FUNCTION),
    ("length(town || town || town || town || town)", Code.QUERY_TOO_LARGE),
    ("length(replace(town, 'a', 'aaaaaaaaaaaaaaaaaaaaaaaa'))", Code.QUERY_TOO_LARGE),
    ("length(lpad(town, 1000000, 'x'))", Code.QUERY_TYPE),
    ("length(replace(town, '', 'x'))", Code.QUERY_TYPE),
    ("length(lpad(town, 10, ''))", Code.QUERY_TYPE),
    ("length(left(town, -1))", Code.QUERY_TYPE),
    ("length(left(town, age))", Code.QUERY_TYPE),
    ("contains(town, town)", Code.QUERY_TYPE),
    ("regexp_matches(town, 'a')", Code.QUERY_FUNCTION),
    ("town SIMILAR TO 'a'", Code.QUERY_FUNCTION),
    ("width_bucket(bmi, 60, 20, 4)", Code.QUERY_TYPE),
    ("width_bucket(bmi, 20, 60, 20000)", Code.QUERY_TYPE),
    ("width_bucket(bmi, age, 60, 4)", Code.QUERY_TYPE),
    ("haven_histogram(town, 20, 60, 4)", Code.QUERY_TYPE),
    ("age(died, born)", Code.QUERY_FUNCTION),
    ("date_part('year', age(born))", Code.QUERY_FUNCTION),
    ("date_part('month', age(died, born))", Code.QUERY_FUNCTION),
    ("born + INTERVAL 1 HOUR", Code.QUERY_FUNCTION),
    ("born + INTERVAL '1.5' DAY", Code.QUERY_FUNCTION),
    ("born + INTERVAL (visits) MONTH", Code.QUERY_TYPE),
    ("age + INTERVAL 1 DAY", Code.QUERY_TYPE),
    ("INTERVAL 1 DAY", Code.QUERY_FUNCTION),
    ("strftime(born, '%H')", Code.QUERY_FUNCTION),
    ("strftime(born, town)", Code.QUERY_FUNCTION),
    ("datediff('hour', born, died)", Code.QUERY_FUNCTION),
    ("extract(hour FROM born)", Code.QUERY_FUNCTION),
    ("log(age, bmi)", Code.QUERY_FUNCTION),
    ("log(1, bmi)", Code.QUERY_FUNCTION),
    ("xor(age, 1)", Code.QUERY_FUNCTION),
    ("md5(town)", Code.QUERY_FUNCTION),
    ("fmod(bmi, 2)", Code.QUERY_FUNCTION),
    ("trunc(bmi, age)", Code.QUERY_TYPE),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_what_has_no_bound_or_no_sure_meaning_is_refused_with_advice(text: str, code: Code) -> None:
    with pytest.raises(Refused) as caught:
        planned(f"SELECT COUNT({text}) FROM persons")  # noqa: S608 - constants above
    assert caught.value.code is code
    assert caught.value.suggestion


def test_no_text_can_become_longer_than_is_known_before_any_row(
    worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    stored, _ = worlds
    for text in [item for item in ITEMS if bound(item).shape.type is OutputType.TEXT]:
        expression = bound(text)
        found = stored.execute(f"SELECT min(length(v)), max(length(v)) FROM (SELECT {render(expression, NAMES)} AS v FROM persons)")  # noqa: S608
        least, most = found.fetchone() or (None, None)
        assert expression.shape.interval.high <= 4096
        assert least is None or (expression.shape.interval.holds(least) and expression.shape.interval.holds(most)), text


DBPLYR = """
SELECT COUNT(*) AS "n" FROM "nafld"."persons"

SELECT "stage", COUNT(*) AS "n", AVG("bmi") AS "m" FROM "nafld"."persons" WHERE ("age" > 50.0) GROUP BY "stage"

SELECT "decade", COUNT(*) AS "n"
FROM (SELECT "persons".*, FLOOR("age" / 10.0) * 10.0 AS "decade" FROM "nafld"."persons") "q01"
GROUP BY "decade" ORDER BY "decade"

SELECT "q01".* FROM (
  SELECT "stage", SUM(CASE WHEN ("male") THEN 1.0 ELSE 0.0 END) AS "men", COUNT(*) AS "n"
  FROM "nafld"."persons" WHERE (NOT(("stage" IS NULL))) GROUP BY "stage"
) "q01" WHERE ("n" > 10.0)

SELECT "old", AVG("bmi") AS "m", STDDEV("bmi") AS "s"
FROM (SELECT "bmi", CASE WHEN ("age" >= 65) THEN 'old' ELSE 'young' END AS "old" FROM "nafld"."persons") AS "q01" GROUP BY "old"

SELECT COUNT(DISTINCT CASE WHEN ("male") THEN "town" END) AS "towns" FROM "nafld"."persons"

SELECT AVG(CAST("smoker" AS NUMERIC)) AS "s", SUM(CAST("age" AS DOUBLE PRECISION)) AS "a" FROM "nafld"."persons"

SELECT COUNT(*) AS "n" FROM (
  SELECT "persons".* FROM "nafld"."persons" WHERE ("born" > CAST('1950-01-01' AS DATE)) AND ("stage" IN ('mild', 'severe'))
) "q01"
""".strip().split("\n\n")


@pytest.mark.parametrize("sql", DBPLYR)
def test_what_dbplyr_emits_is_answered(sql: str) -> None:
    assert planned(sql).outputs


METADATA = sa.MetaData()
TABLE = sa.Table(
    "persons",
    METADATA,
    sa.Column("id", sa.Integer),
    sa.Column("age", sa.Integer),
    sa.Column("male", sa.Boolean),
    sa.Column("smoker", sa.Boolean),
    sa.Column("bmi", sa.Float),
    sa.Column("stage", sa.String),
    sa.Column("town", sa.String),
    sa.Column("born", sa.Date),
    schema="nafld",
)
C = TABLE.c
CORE = [
    sa.select(sa.func.count()).select_from(TABLE),
    sa.select(sa.func.count().label("n"), sa.func.avg(C.bmi)).where(C.age > 50, C.stage.in_(["mild", "severe"])),
    sa.select(C.stage, sa.func.count(sa.distinct(C.id)).label("n")).group_by(C.stage).order_by(sa.desc("n")).limit(3),
    sa.select(C.stage, sa.func.sum(sa.case((C.male, 1), else_=0))).group_by(C.stage).having(sa.func.count() > 10),
    sa.select(sa.func.count().filter(C.smoker.is_(True)), sa.func.count().filter(C.smoker.is_not(None))),
    sa.select(sa.extract("year", C.born).label("y"), sa.func.count()).group_by(sa.extract("year", C.born)),
    sa.select(sa.cast(C.age / 10, sa.Integer).label("d"), sa.func.avg(sa.cast(C.bmi, sa.Numeric(10, 2)))).group_by("d"),
    sa.select(sa.func.corr(C.bmi, C.age), sa.func.stddev_samp(C.bmi), sa.func.var_pop(C.age)),
    sa.select(sa.func.count()).where(sa.or_(C.town.like("O%"), C.town.ilike("%a"), ~C.male), C.born < sa.literal(date(1960, 1, 1))),
    sa.select(sa.func.avg(sa.func.coalesce(C.bmi, 25.0)), sa.func.sum(C.bmi).filter(C.age.between(30, 40))),
    sa.select(sa.func.count()).select_from(sa.select(C.age, C.bmi).where(C.male).subquery("q")).where(sa.literal_column("q.age") > 30),
]


@pytest.mark.parametrize("statement", CORE, ids=range(len(CORE)))
@pytest.mark.parametrize("dialect", ["default", "postgresql"])
def test_what_sqlalchemy_core_emits_is_answered(statement: sa.Select[Any], dialect: str) -> None:
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - one of two dialects

    chosen = postgresql.dialect() if dialect == "postgresql" else None  # type: ignore[no-untyped-call]
    assert planned(str(statement.compile(dialect=chosen, compile_kwargs={"literal_binds": True}))).outputs
    assert isinstance(planned("SELECT COUNT(*) FROM persons"), query.PrivatePlan)
