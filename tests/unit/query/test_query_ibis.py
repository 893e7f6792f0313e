"""What Ibis itself writes for one table: filter, mutate, group_by, agg, having, order_by, limit."""

from collections.abc import Callable
from typing import Any

import ibis
import pytest

from haven.errors import Code, Refused
from tests.support.query_world import planned

SCHEMA = {"id": "int64", "age": "int64", "male": "boolean", "smoker": "boolean", "bmi": "float64", "stage": "string", "born": "date"}
Verb = Callable[[Any], Any]


def text_of(verb: Verb) -> str:
    return str(ibis.to_sql(verb(ibis.table(SCHEMA, name="persons", database="nafld")), dialect="duckdb"))


def decades(t: Any) -> Any:  # noqa: ANN401 - Ibis is untyped
    ready = t.filter(t.age > 50, t.bmi.notnull()).mutate(old=t.age // 10 * 10, band=ibis.cases((t.age > 70, "a"), else_="b"))
    return ready.group_by("old", "stage").agg(
        n=lambda t: t.count(),
        m=lambda t: t.bmi.mean(),
        s=lambda t: t.bmi.sum(),
        k=lambda t: t.id.nunique(),
        c=lambda t: (t.bmi > 30).sum(),
        f=lambda t: t.count(where=t.bmi > 30),
        w=lambda t: t.bmi.mean(where=t.male),
    )


ANSWERED: dict[str, tuple[Verb, int]] = {
    "count": (lambda t: t.count(), 1),
    "mean": (lambda t: t.bmi.mean(), 2),
    "nunique of the unit": (lambda t: t.id.nunique(), 1),
    "quantile": (lambda t: t.bmi.quantile(0.5), 1),
    "median": (lambda t: t.bmi.median(), 1),
    "extremes": (lambda t: t.aggregate(least=t.age.min(), most=t.born.max()), 2),
    "mode": (lambda t: t.group_by("male").agg(most=t.stage.mode()), 1),
    "value_counts": (lambda t: t.stage.value_counts(), 1),
    "size": (lambda t: t.group_by("stage").size(), 1),
    "topk": (lambda t: t.stage.topk(2), 1),
    "aggregate": (lambda t: t.aggregate(a=t.bmi.mean(), b=t.age.sum()), 3),
    "boolean mean": (lambda t: t.smoker.mean(), 2),
    "year": (lambda t: t.group_by(y=t.born.year()).agg(n=t.count()), 1),
    "truncate": (lambda t: t.group_by(y=t.born.truncate("Y")).agg(n=t.count()), 1),
    "clip": (lambda t: t.bmi.clip(15, 30).sum(), 1),
    "ifelse": (lambda t: ibis.ifelse(t.male, 1, 0).sum(), 1),
    "fill_null": (lambda t: t.bmi.fill_null(20).mean(), 2),
    "floor": (lambda t: t.group_by(b=(t.bmi / 10).floor().cast("int64") * 10).agg(n=t.count()), 1),
    "having": (lambda t: t.group_by("stage").having(lambda t: t.count() > 3).agg(x=t.bmi.log().mean()), 3),
    "many": (decades, 7),
    "after": (lambda t: (e := decades(t)).filter(e.n > 3).order_by(ibis.desc("n")).limit(5).mutate(r=lambda t: t.s / t.n), 7),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_what_ibis_writes_is_answered(name: str) -> None:
    verb, targets = ANSWERED[name]
    assert len(planned(text_of(verb)).targets) == targets


REFUSED: dict[str, tuple[Verb, Code]] = {
    "rows": (lambda t: t, Code.QUERY_ROWS),
    "distinct": (lambda t: t.distinct().count(), Code.QUERY_CLAUSE),
    "head": (lambda t: t.limit(5).count(), Code.QUERY_ROWS),
    "join": (lambda t: t.join(t.view(), "id").count(), Code.QUERY_JOIN),
    "mean of counts": (lambda t: t.group_by("stage").agg(n=t.count()).n.mean(), Code.QUERY_SUBQUERY),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_ibis_writes_and_is_not_answered_is_refused_with_advice(name: str) -> None:
    verb, code = REFUSED[name]
    with pytest.raises(Refused) as caught:
        planned(text_of(verb))
    assert caught.value.code is code
    assert caught.value.suggestion
