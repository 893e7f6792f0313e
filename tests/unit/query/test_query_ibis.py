"""What Ibis writes: joins, groupings, per-person summaries, unions and expressions. Each means what DuckDB says."""

from collections.abc import Mapping
from typing import Any

import ibis
import pytest
from ibis import _

from haven.client.questions import sql_of
from haven.errors import Code, Refused
from tests.support.duck_reference import Reference
from tests.support.query_world import TABLES, planned

TYPES = {"integer": "int64", "number": "float64", "boolean": "boolean", "category": "string", "date": "date"}


def table(name: str) -> Any:  # noqa: ANN401 - Ibis is untyped
    """A table of the world, without data."""
    declared = TABLES[name]
    unit = {} if declared.unit_column is None else {declared.unit_column: "int64"}
    columns = {column: TYPES[str(each.type)] for column, each in declared.columns.items()}
    return ibis.table({**unit, **columns}, name=name, database="nafld")


p, labs, v, c = (table(name) for name in ("persons", "labs", "visits", "icd"))
n = labs.group_by("id").agg(n=_.count())
days = ibis.union(labs.select("id", "day"), v.select("id", "day"))


def decades() -> Any:  # noqa: ANN401 - Ibis is untyped
    ready = p.filter(p.age > 50, p.bmi.notnull()).mutate(old=p.age // 10 * 10, band=ibis.cases((p.age > 70, "a"), else_="b"))
    return ready.group_by("old", "stage").agg(
        n=_.count(), m=_.bmi.mean(), s=_.bmi.sum(), k=_.id.nunique(), c=(_.bmi > 30).sum(), f=_.count(where=_.bmi > 30)
    )


ONE_TABLE: Mapping[str, Any] = {
    "count": p.count(),
    "mean": p.bmi.mean(),
    "sum of a condition": (p.bmi > 30).sum(),
    "mean of a truth value": p.smoker.mean(),
    "count where": p.count(where=p.age > 50),
    "mean where": p.bmi.mean(where=p.male),
    "share": p.group_by("stage").agg(share=(_.bmi > 30).mean()),
    "nunique": p.stage.nunique(),
    "mean of counts": p.group_by("stage").agg(n=_.count()).n.mean(),
    "nunique of persons where": labs.id.nunique(where=labs.value > 100),
    "nunique of persons if": ibis.ifelse(labs.value > 100, labs.id, ibis.null()).nunique(),
    "median": p.bmi.median(),
    "median by": p.group_by("male").agg(m=_.bmi.median()),
    "quantile": p.bmi.quantile(0.25),
    "extremes": p.aggregate(least=p.age.min(), most=p.born.max()),
    "mode": p.group_by("male").agg(most=p.stage.mode()),
    "std": p.bmi.std(),
    "var": p.bmi.var(how="pop"),
    "corr": p.bmi.corr(p.age, how="pop"),
    "cov": p.bmi.cov(p.age),
    "cases": p.group_by(b=ibis.cases((p.age < 40, "young"), (p.age < 65, "middle"), else_="old")).agg(n=_.count()),
    "cases of a value": p.stage.cases(("none", "no"), ("mild", "some"), else_="much").value_counts(),
    "ifelse": p.mutate(h=(p.bmi > 30).ifelse("a", "b")).h.value_counts(),
    "bucket": p.mutate(b=p.age.bucket([0, 40, 60, 100])).group_by("b").agg(n=_.count()),
    "value_counts": p.stage.value_counts(),
    "topk": p.stage.topk(2, by=p.bmi.mean()),
    "size": p.group_by("stage").size(),
    "having": p.group_by("stage").having(_.count() > 3).agg(x=_.bmi.log().mean()),
    "after": decades().filter(_.n > 3).order_by(_.n.desc(), "old", "stage").limit(5).mutate(r=_.s / _.n),
    "drop": p.drop("town").count(),
    "drop after": p.group_by("stage").agg(n=_.count(), m=_.bmi.mean()).drop("n"),
    "rename": p.rename(sex="male").group_by("sex").agg(n=_.count()),
    "drop_null": p.drop_null(["bmi"]).count(),
    "order of rows": p.order_by("age").group_by("male").agg(n=_.count()),
    "distinct persons": labs.select("id").distinct().count(),
    "distinct rows": p.distinct().count(),
    "distinct by": labs.select("id", "test").distinct().group_by("test").agg(n=_.count()),
}
EXPRESSIONS: Mapping[str, Any] = {
    "isin": p.filter(p.stage.isin(["mild", "severe"]), p.town.notin(["a"])).count(),
    "between": p.filter(p.age.between(40, 60)).count(),
    "like": p.filter(p.town.like("O%") | p.town.contains("b") | p.town.startswith("1")).count(),
    "text": p.filter((p.town.upper() == "OSLO") & (p.town.length() > 2)).count(),
    "substr": p.group_by(x=p.town.substr(0, 1)).agg(n=_.count()),
    "left": p.group_by(x=p.town.left(1)).agg(n=_.count()),
    "year": p.group_by(y=p.born.year(), q=p.born.quarter()).agg(n=_.count()),
    "month": labs.day.month().value_counts(),
    "week": labs.day.week_of_year().value_counts(),
    "day of week": p.born.day_of_week.full_name().value_counts(),
    "truncate": labs.group_by(m=labs.day.truncate("M")).agg(n=_.count()),
    "strftime": labs.group_by(m=labs.day.strftime("%Y-%m")).agg(n=_.count()),
    "date": labs.filter(labs.day >= ibis.date("2011-01-01"), labs.day < "2012-01-01").count(),
    "delta": p.join(labs, "id").mutate(d=_.day.delta(_.born, unit="year")).d.mean(),
    "clip": p.bmi.clip(15, 30).sum(),
    "fill_null": p.bmi.fill_null(20).mean(),
    "coalesce": p.aggregate(x=ibis.coalesce(p.bmi, p.age).mean()),
    "least and greatest": p.aggregate(x=ibis.least(p.bmi, 30).mean(), y=ibis.greatest(p.bmi, 30).mean()),
    "nullif": p.aggregate(x=p.age.nullif(50).mean()),
    "round": p.aggregate(x=p.bmi.round(1).mean()),
    "roots and logs": p.aggregate(a=p.bmi.sqrt().mean(), b=p.bmi.ln().mean(), c=p.bmi.log10().mean(), d=p.bmi.log2().mean()),
    "powers": p.aggregate(x=(p.bmi**2).mean(), y=(p.age / 10).exp().mean()),
    "whole numbers": p.mutate(d=p.age // 10, r=p.age % 3).group_by("d", "r").agg(n=_.count()),
    "floor": p.group_by(b=(p.bmi / 10).floor().cast("int64") * 10).agg(n=_.count()),
    "cast": p.aggregate(a=p.male.cast("int64").sum(), b=p.age.cast("float64").mean(), c=p.bmi.cast("int32").sum()),
    "try_cast": p.town.try_cast("int64").count(),
    "truth": p.filter((p.age > 50) ^ p.male, ~p.smoker, p.stage.identical_to("mild")).count(),
}
TABLES_BESIDE: Mapping[str, Any] = {
    "join": p.join(labs, "id").group_by("stage").agg(n=_.count(), m=_.value.mean()),
    "join on more": p.join(labs, [p.id == labs.id, labs.value > p.age]).count(),
    "filtered join": p.filter(p.age > 50).join(labs.filter(labs.test == "hdl"), "id").group_by("male").agg(m=_.value.mean()),
    "three": p.join(labs, "id").join(v, "id").group_by("kind").agg(n=_.count()),
    "with itself": labs.join(labs.view(), "id").count(),
    "left join": p.left_join(labs, "id").group_by("male").agg(n=_.count(), k=_.value.count()),
    "left join of nobody": p.left_join(labs, "id").filter(_.id_right.isnull()).count(),
    "right join": labs.right_join(p, "id").count(),
    "semi join": p.semi_join(labs.filter(labs.value > 100), "id").group_by("stage").agg(n=_.count()),
    "anti join": p.anti_join(labs.filter(labs.test == "chol"), p.id == labs.id).bmi.mean(),
    "isin another table": p.filter(p.id.isin(labs.filter(labs.value > 200).id)).count(),
    "notin another table": p.filter(p.id.notin(labs.filter(labs.value > 200).id)).count(),
    "any in another table": p.filter((p.id == labs.id).any()).count(),
    "public join": v.join(c, "code").group_by("chapter").agg(n=_.count()),
    "public left join": v.left_join(c, "code").group_by("chapter").agg(n=_.count(), w=_.weight.sum()),
    "public semi join": v.semi_join(c.filter(c.chapter == "digestive"), "code").count(),
    "public anti join": v.anti_join(c, "code").count(),
    "isin public": v.filter(v.code.isin(c.filter(c.weight > 3).code)).count(),
    "cross join": p.cross_join(c).count(),
    "union": days.count(),
    "union by": days.group_by(y=_.day.year()).agg(n=_.count(), k=_.id.nunique()),
    "union of constants": ibis.union(
        labs.select("id", kind=ibis.literal("lab")), v.select("id", kind=ibis.literal("visit"))
    ).kind.value_counts(),
    "distinct union": ibis.union(labs.select("id", "day"), v.select("id", "day"), distinct=True).count(),
    "intersect": ibis.intersect(labs.select("id"), v.select("id")).count(),
    "difference": ibis.difference(p.select("id"), labs.select("id")).count(),
}
PER_PERSON: Mapping[str, Any] = {
    "mean": n.n.mean(),
    "median": n.n.median(),
    "several": labs.group_by("id").agg(n=_.count(), top=_.value.max()).aggregate(m=_.n.mean(), t=_.top.mean(), k=_.count()),
    "filter": n.filter(_.n >= 2).count(),
    "having": labs.group_by("id").having(_.count() >= 2).agg(n=_.count()).n.mean(),
    "how many have how many": n.group_by("n").agg(people=_.count()),
    "by test": labs.group_by("id", "test").agg(n=_.count()).group_by("test").agg(m=_.n.mean()),
    "twice": labs.group_by("id", "test").agg(m=_.value.mean()).group_by("id").agg(t=_.m.max()).t.mean(),
    "where": labs.group_by("id").agg(f=_.count(where=_.value > 100)).f.mean(),
    "first": labs.group_by("id").agg(f=_.value.first(order_by=_.day)).f.mean(),
    "last": labs.group_by("id").agg(f=_.value.last(order_by=_.day)).f.mean(),
    "argmax": labs.group_by("id").agg(f=_.value.argmax(_.day)).f.mean(),
    "std": labs.group_by("id").agg(f=_.value.std()).f.mean(),
    "nunique": labs.group_by("id").agg(f=_.test.nunique()).f.mean(),
    "ever": labs.group_by("id").agg(f=(_.value > 100).any()).f.sum(),
    "always": labs.group_by("id").agg(f=(_.value > 100).all()).f.sum(),
    "joined": p.join(labs.filter(_.test == "chol").group_by("id").agg(m=_.value.mean()), "id").group_by("stage").agg(x=_.m.mean()),
    "with those who have none": p.left_join(n, "id").mutate(n=_.n.fill_null(0)).group_by("male").agg(m=_.n.mean()),
    "who has none": p.left_join(n, "id").filter(_.n.isnull()).count(),
    "beside itself": p.join(n, "id").join(n.view(), "id").count(),
}
ANSWERED = {
    f"{topic}: {name}": question
    for topic, questions in (("one", ONE_TABLE), ("expression", EXPRESSIONS), ("beside", TABLES_BESIDE), ("person", PER_PERSON))
    for name, question in questions.items()
}


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.mark.parametrize("name", ANSWERED)
def test_what_ibis_writes_is_answered_as_duckdb_answers_it(reference: Reference, name: str) -> None:
    reference.assert_same(sql_of(ANSWERED[name]))


def test_quantiles_are_columns_of_their_own() -> None:
    outputs = planned(sql_of(p.aggregate(q=p.bmi.quantile([0.25, 0.75])))).outputs
    assert [output.name for output in outputs] == ["q_25", "q_75"]


REFUSED: Mapping[str, tuple[Any, Code]] = {
    "rows": (p, Code.QUERY_ROWS),
    "head": (p.limit(5).count(), Code.QUERY_ROWS),
    "sample": (p.sample(0.1).count(), Code.QUERY_CLAUSE),
    "one person": (p.filter(p.id == 5).count(), Code.QUERY_UNIT_COLUMN),
    "each person": (n, Code.QUERY_UNIT_COLUMN),
    "join off the unit": (p.join(labs, p.town == labs.site).count(), Code.QUERY_OWNERSHIP),
    "outer join": (p.outer_join(labs, "id").count(), Code.QUERY_OWNERSHIP),
    "asof join": (labs.asof_join(v, on="day", predicates="id").count(), Code.QUERY_JOIN),
    "compared with the mean of others": (p.filter(p.age > p.age.mean()).count(), Code.QUERY_SUBQUERY),
    "rank among others": (p.mutate(r=p.age.rank()).r.mean(), Code.QUERY_CLAUSE),
    "mean of a group beside each row": (p.group_by("male").mutate(m=_.age.mean()).m.mean(), Code.QUERY_CLAUSE),
    "union of values": (ibis.union(p.select("town"), p.select("town"), distinct=True).count(), Code.QUERY_CLAUSE),
    "distinct values of groups": (p.select("stage").distinct(), Code.QUERY_ROWS),
    "any": ((p.age > 90).any(), Code.QUERY_AGGREGATE),
    "first": (p.age.first(), Code.QUERY_AGGREGATE),
    "first without an order": (labs.group_by("id").agg(f=_.value.first()).f.mean(), Code.QUERY_AGGREGATE),
    "collect": (p.age.collect(), Code.QUERY_AGGREGATE),
    "group_concat": (p.town.group_concat(), Code.QUERY_AGGREGATE),
    "regular expression": (p.filter(p.town.re_search("O.*")).count(), Code.QUERY_FUNCTION),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_ibis_writes_and_is_not_answered_is_refused_with_advice(name: str) -> None:
    question, code = REFUSED[name]
    with pytest.raises(Refused) as caught:
        planned(sql_of(question))
    assert caught.value.code is code
    assert caught.value.suggestion
