"""What SQLAlchemy Core writes, with its values written in: for its default dialect and for PostgreSQL's. Each means what DuckDB says."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.default import StrCompileDialect

from haven.errors import Code, Refused
from tests.support.duck_reference import Reference
from tests.support.query_world import TABLES, planned

Question = sa.Select[*tuple[Any, ...]]
TYPES: Mapping[str, type[sa.types.TypeEngine[Any]]] = {
    "integer": sa.Integer,
    "number": sa.Double,
    "boolean": sa.Boolean,
    "category": sa.String,
    "date": sa.Date,
}
DIALECTS: Mapping[str, sa.Dialect] = {
    "default": StrCompileDialect(paramstyle="named"),
    "postgresql": postgresql.dialect(paramstyle="named"),  # type: ignore[no-untyped-call]
}


def table(name: str) -> sa.Table:
    """A table of the world, as its metadata."""
    declared = TABLES[name]
    unit = [] if declared.unit_column is None else [sa.Column(declared.unit_column, sa.BigInteger)]
    columns = [sa.Column(column, TYPES[str(each.type)]) for column, each in declared.columns.items()]
    return sa.Table(name, sa.MetaData(), *unit, *columns, schema="nafld")


persons, labs, visits, icd = (table(name) for name in ("persons", "labs", "visits", "icd"))
p, lab, v, c = persons.c, labs.c, visits.c, icd.c
count, avg, total = sa.func.count, sa.func.avg, sa.func.sum
per_person = sa.select(lab.id, count().label("n"), sa.func.max(lab.value).label("top")).group_by(lab.id).subquery()
old = sa.select(persons).where(p.age > 60).cte("old")
chosen = sa.select(lab.id).where(lab.test == "chol", lab.value > 100)
band = sa.case((p.age < 40, "young"), (p.age < 65, "middle"), else_="old").label("band")
a, b = labs.alias("a"), labs.alias("b")
years = sa.extract("year", lab.day).label("year")
both = sa.union_all(
    sa.select(lab.id, lab.day, sa.literal("lab").label("kind")), sa.select(v.id, v.day, sa.literal("visit").label("kind"))
).subquery()

ONE_TABLE: Mapping[str, Question] = {
    "count": sa.select(count()).select_from(persons),
    "where": sa.select(count().label("n")).where(p.age >= 50, p.male.is_(True), p.bmi.is_not(None)),
    "or": sa.select(count().label("n")).where(sa.or_(p.age < 30, ~p.male, p.stage.in_(["mild", "severe"]), p.town.not_in(["a"]))),
    "between": sa.select(count().label("n")).where(p.age.between(40, 60), p.born < date(1970, 1, 1)),
    "like": sa.select(count().label("n")).where(p.town.like("O%") | p.town.startswith("a") | p.town.ilike("%SL%")),
    "group": sa.select(p.stage, avg(p.bmi), count()).group_by(p.stage).order_by(p.stage),
    "group by a label": sa.select(band, count().label("n")).group_by(band),
    "group by a name": sa.select(band, count().label("n")).group_by("band"),
    "having": sa.select(p.stage, count().label("n")).group_by(p.stage).having(count() > 3).order_by(sa.desc("n"), p.stage).limit(2),
    "case": sa.select(p.male, total(sa.case((p.bmi > 30, 1), else_=0)).label("heavy")).group_by(p.male),
    "filter": sa.select(count().filter(p.bmi > 30).label("heavy"), avg(p.bmi).filter(p.male).label("men")),
    "persons": sa.select(count(p.id.distinct()).label("people"), count(sa.distinct(p.stage)).label("stages")),
    "persons by case": sa.select(count(sa.distinct(sa.case((lab.value > 100, lab.id)))).label("people")),
    "ratio": sa.select((total(p.income) / count()).label("mean")),
    "decades": sa.select((sa.func.floor(p.age / 10) * 10).label("decade"), count().label("n")).group_by("decade"),
    "cast": sa.select(total(sa.cast(p.male, sa.Integer)).label("men"), avg(sa.cast(p.age, sa.Float)).label("age")),
    "coalesce": sa.select(avg(sa.func.coalesce(p.bmi, 25.0)).label("bmi"), total(sa.func.nullif(p.age, 50)).label("age")),
    "arithmetic": sa.select(avg(sa.func.round(p.bmi * 2 + 1)).label("x"), avg(p.age % 7).label("y")),
    "extract": sa.select(years, count().label("n")).group_by(years),
    "truncate": sa.select(sa.func.date_trunc("month", lab.day).label("month"), count().label("n")).group_by("month"),
    "moments": sa.select(sa.func.stddev_pop(p.bmi).label("sd"), sa.func.var_pop(p.age).label("v"), sa.func.corr(p.bmi, p.age).label("r")),
    "within group": sa.select(sa.func.percentile_cont(0.5).within_group(p.bmi).label("median")),
    "alias": sa.select(a.c.test, count(a.c.value).label("n")).group_by(a.c.test),
    "column labels": sa.select(persons.c.stage.label("Stage"), count().label("n")).group_by(persons.c.stage),
}
SEVERAL: Mapping[str, Question] = {
    "join": sa.select(p.stage, count(lab.value).label("n")).select_from(persons.join(labs, p.id == lab.id)).group_by(p.stage),
    "join on more": sa.select(count().label("n")).select_from(persons.join(labs, sa.and_(p.id == lab.id, lab.value > p.age))),
    "outer join": sa.select(count().label("n"), count(lab.id).label("k")).select_from(persons.outerjoin(labs, p.id == lab.id)),
    "anti by outer join": (sa.select(count().label("n")).select_from(persons.outerjoin(labs, p.id == lab.id)).where(lab.id.is_(None))),
    "three": (
        sa.select(v.kind, count().label("n"))
        .select_from(persons.join(labs, p.id == lab.id).join(visits, v.id == p.id))
        .where(lab.test.in_(["chol", "hdl"]))
        .group_by(v.kind)
    ),
    "nested join": sa.select(count().label("n")).select_from(persons.outerjoin(labs.join(visits, lab.id == v.id), p.id == lab.id)),
    "from two": sa.select(count().label("n")).select_from(persons, labs).where(p.id == lab.id),
    "self join": sa.select(count().label("n")).select_from(a.join(b, sa.and_(a.c.id == b.c.id, a.c.day < b.c.day))),
    "public join": sa.select(c.chapter, count().label("n")).select_from(visits.join(icd, v.code == c.code)).group_by(c.chapter),
    "public outer join": sa.select(count().label("n"), total(c.weight).label("w")).select_from(
        visits.outerjoin(icd, sa.and_(v.code == c.code, c.weight > 3))
    ),
    "in": sa.select(count().label("n")).where(p.id.in_(chosen)),
    "not in": sa.select(p.stage, count().label("n")).where(p.id.not_in(chosen)).group_by(p.stage),
    "exists": sa.select(count().label("n")).select_from(persons).where(sa.exists().where(lab.id == p.id, lab.value > 100)),
    "not exists": sa.select(count().label("n")).select_from(persons).where(~sa.select(lab.id).where(lab.id == p.id).exists()),
    "in public": sa.select(count().label("n")).where(v.code.in_(sa.select(c.code).where(c.chapter == "digestive"))),
    "exists in public": sa.select(count().label("n")).select_from(visits).where(sa.exists().where(c.code == v.code, c.weight > 3)),
    "cte": sa.select(old.c.male, avg(old.c.bmi).label("bmi")).group_by(old.c.male),
    "ctes": sa.select(count().label("n")).select_from(old.join(chosen.cte("high"), sa.literal_column("high.id") == old.c.id)),
    "per person": sa.select(avg(per_person.c.n).label("mean"), count().label("people")),
    "per person filtered": sa.select(count().label("n")).where(per_person.c.n >= 2, per_person.c.top > 100),
    "how many have how many": sa.select(per_person.c.n, count().label("people")).group_by(per_person.c.n),
    "per person beside persons": sa.select(p.male, avg(sa.func.coalesce(per_person.c.n, 0)).label("n"))
    .select_from(persons.outerjoin(per_person, per_person.c.id == p.id))
    .group_by(p.male),
    "union all": sa.select(both.c.kind, count().label("n"), count(both.c.id.distinct()).label("people")).group_by(both.c.kind),
    "union": sa.select(count().label("n")).select_from(sa.union(sa.select(lab.id), sa.select(v.id)).subquery()),
    "intersect": sa.select(count().label("n")).select_from(sa.intersect(sa.select(lab.id), sa.select(v.id)).subquery()),
    "distinct": sa.select(count().label("n")).select_from(sa.select(lab.id, lab.test).distinct().subquery()),
    "after": sa.select((sa.column("s") / sa.column("n")).label("mean")).select_from(
        sa.select(p.stage, total(p.bmi).label("s"), count().label("n")).group_by(p.stage).subquery()
    ),
}
ANSWERED = {**ONE_TABLE, **SEVERAL}
BY_DIALECT: Mapping[str, Mapping[str, Question]] = {
    "postgresql": {
        "distinct from": sa.select(count().label("n")).where(p.stage.is_distinct_from("mild")),
        "cast to numeric": sa.select(avg(sa.cast(p.age, sa.Numeric(10, 2))).label("age")),
    }
}
WRITTEN = [(dialect, name) for dialect in DIALECTS for name in (*ANSWERED, *BY_DIALECT.get(dialect, {}))]


def text_of(statement: Question, dialect: str) -> str:
    return str(statement.compile(dialect=DIALECTS[dialect], compile_kwargs={"literal_binds": True}))


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.mark.parametrize(("dialect", "name"), WRITTEN)
def test_what_sqlalchemy_writes_is_answered_as_duckdb_answers_it(reference: Reference, dialect: str, name: str) -> None:
    statement = ANSWERED[name] if name in ANSWERED else BY_DIALECT[dialect][name]
    reference.assert_same(text_of(statement, dialect), kinds=False)


REFUSED: Mapping[str, tuple[Question, Code]] = {
    "rows": (sa.select(persons), Code.QUERY_ROWS),
    "limit below": (sa.select(count()).select_from(sa.select(persons).limit(5).subquery()), Code.QUERY_ROWS),
    "join off the unit": (sa.select(count()).select_from(persons.join(labs, p.town == lab.site)), Code.QUERY_OWNERSHIP),
    "tables side by side": (sa.select(count()).select_from(persons, labs), Code.QUERY_OWNERSHIP),
    "full join": (sa.select(count()).select_from(persons.join(labs, p.id == lab.id, full=True)), Code.QUERY_OWNERSHIP),
    "scalar subquery": (sa.select(count()).where(p.age > sa.select(avg(labs.c.value)).scalar_subquery()), Code.QUERY_SUBQUERY),
    "window": (sa.select(count().over(partition_by=p.male)), Code.QUERY_CLAUSE),
    "one person": (sa.select(count()).where(p.id == 5), Code.QUERY_UNIT_COLUMN),
    "each person": (sa.select(lab.id, count()).group_by(lab.id), Code.QUERY_UNIT_COLUMN),
    "exists of another town": (sa.select(count()).select_from(persons).where(sa.exists().where(lab.site == p.town)), Code.QUERY_OWNERSHIP),
    "values in another table": (sa.select(count()).where(p.town.in_(sa.select(lab.site))), Code.QUERY_OWNERSHIP),
    "lists": (sa.select(sa.func.array_agg(p.town)), Code.QUERY_AGGREGATE),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_sqlalchemy_writes_and_is_not_answered_is_refused_with_advice(dialect: str, name: str) -> None:
    statement, code = REFUSED[name]
    with pytest.raises(Refused) as caught:
        planned(text_of(statement, dialect))
    assert caught.value.code is code
    assert caught.value.suggestion
