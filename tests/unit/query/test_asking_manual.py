"""The manual's page on asking: every example is tried, every table is held against the code."""

import csv
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import pytest
from sqlglot import parse_one

from haven import query
from haven.catalog.dataset import Column, Dataset, Table, described
from haven.catalog.layout import layout_of
from haven.client.questions import sql_of
from haven.errors import Refused
from haven.policy.loader import load_dataset_policy
from haven.privacy.accounting import price_of_epsilon
from haven.query.binding import Binder
from haven.query.expressions import Call, Expression
from haven.query.functions import CATALOGUE
from haven.query.manual import WRITTEN, function_table
from haven.query.names import Scope
from haven.query.relations import Scan
from tests.support.query_world import facts_of

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "asking.md").read_text()
POLICY = load_dataset_policy(ROOT / "policies" / "datasets" / "nafld.yaml")
CONTEXT = query.PlanContext(POLICY.budget_owner, POLICY.privacy.definition, POLICY.privacy.delta)
ACCEPTED = [sql.strip() for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) for sql in block.split(";") if sql.strip()]
REFUSED = re.findall(r"^\| `([^`]+)` \| `(query\.\w+)` \| (.+) \|$", PAGE.split("## Ibis")[0], re.MULTILINE)
IBIS = re.findall(r"^\| `([^`|]+)` \| (answered|`query\.\w+`) \|", PAGE.split("## Ibis")[1], re.MULTILINE)
KEYS = {"test": 6, "male": 2, "age > 60": 2, "age": 81, "age // 10 * 10": 9, "floor(bmi / 5) * 5": 15, "days": None, "event": None}


def planned(sql: str, **options: Any) -> query.PrivatePlan:  # noqa: ANN401 - options of a question
    if "error" not in options:
        options["price"] = price_of_epsilon(CONTEXT.definition, Decimal("0.1"), CONTEXT.delta)
    asked = genomes() if "thousand-genomes" in sql else POLICY.catalogue
    return query.plan(query.resolve(query.parse(sql), {asked.name: asked}), CONTEXT, query.Asked(**options))


@cache
def genomes() -> Dataset:
    """The demonstration's genomes, with what a snapshot says of the public table beside them."""
    policy = load_dataset_policy(ROOT / "policies" / "datasets" / "thousand-genomes.yaml")
    with (ROOT / "policies" / "datasets" / "sources" / "1000G_populations.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    listed = Table(source="populations.csv", public=True, columns={name: Column(type="category") for name in rows[0]})
    return described(policy.catalogue, {"populations": facts_of(listed, rows)})


@pytest.mark.parametrize("sql", ACCEPTED)
def test_an_example_is_answered(sql: str) -> None:
    assert planned(sql).outputs


@pytest.mark.parametrize(("sql", "code", "suggestion"), REFUSED)
def test_a_refused_example_has_the_code_and_the_suggestion_that_the_page_says(sql: str, code: str, suggestion: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(sql)
    assert (caught.value.code, caught.value.suggestion) == (code, suggestion)


def unbound(name: str) -> Any:  # noqa: ANN401 - Ibis is untyped
    """A table of the demonstration, without data."""
    types = {"integer": "int64", "number": "float64", "boolean": "boolean", "category": "string"}
    columns = {column: types[each.type] for column, each in POLICY.catalogue.tables[name].columns.items()}
    return ibis.table({"id": "int64", **columns}, name=name, database="nafld")


@pytest.mark.parametrize(("written", "said"), IBIS)
def test_what_ibis_writes_is_answered_or_refused_as_the_page_says(written: str, said: str) -> None:
    known = {"t": unbound("persons"), "labs": unbound("labs"), "events": unbound("events"), "ibis": ibis}
    sql = sql_of(eval(written, known))  # noqa: S307 - the manual's own lines
    try:
        outcome = "answered" if planned(sql).outputs else "empty"
    except Refused as refused:
        outcome = f"`{refused.code}`"
    assert outcome == said


def test_the_page_has_examples_of_each_kind() -> None:
    answered = [written for written, said in IBIS if said == "answered"]
    assert len(ACCEPTED) >= 30
    assert len(REFUSED) >= 30
    assert len(answered) >= 45
    assert len(IBIS) - len(answered) >= 15


def test_the_table_of_functions_is_the_catalogue_s() -> None:
    shown = PAGE.split("<!-- functions: begin -->\n")[1].split("\n<!-- functions: end -->")[0]
    assert shown == function_table()
    assert set(WRITTEN) == set(CATALOGUE)


LETTERS = Table(
    source="letters.csv",
    unit_column="id",
    columns={
        **{name: Column(type="number", bounds=(0.5, 9)) for name in "xy"},
        **{name: Column(type="integer", bounds=(1, 9)) for name in "ijab"},
        **{name: Column(type="category") for name in "tu"},
        **{name: Column(type="date", bounds=("2000-01-01", "2009-12-31")) for name in "de"},
        **{name: Column(type="boolean") for name in "co"},
    },
)


def called(expression: Expression) -> set[str]:
    """The functions of the catalogue in an expression."""
    if not isinstance(expression, Call):
        return set()
    return {expression.function}.union(*map(called, expression.arguments))


@pytest.mark.parametrize(("name", "written"), [(name, form) for name, (forms, _) in WRITTEN.items() for form in forms])
def test_a_form_of_the_table_calls_the_function_of_its_line(name: str, written: str) -> None:
    scope = Scope(Scan("letters", layout_of(LETTERS)).columns, frozenset())
    assert name in called(Binder(scope.column).bind(parse_one(written, dialect="duckdb")))


@pytest.mark.parametrize(("key", "groups"), KEYS.items())
def test_a_key_is_public_or_private_as_the_page_says(key: str, groups: int | None) -> None:
    assert f"`{key}`" in PAGE
    table = {"test": "labs", "days": "labs", "event": "events"}.get(key, "persons")
    domain = planned(f"SELECT {key} AS k, COUNT(*) FROM {table} GROUP BY k").keys[0].domain  # noqa: S608 - the test's own
    present = None if domain is None else len([value for value in domain if value is not None])
    assert present == groups


def test_halving_the_error_costs_four_times_the_rho() -> None:
    wide, narrow = (planned("SELECT COUNT(*) FROM persons", error=Decimal(error)).price.pico for error in (100, 50))
    assert 3.9 < narrow / wide < 4.1


def test_the_options_lower_bounds_and_shift_weight() -> None:
    sql = "SELECT AVG(bmi) AS mean_bmi, AVG(age) AS mean_age FROM persons"
    plain, weighed = planned(sql), planned(sql, weights={"mean_bmi": 4})
    assert plain.digest != weighed.digest
    few = planned("SELECT COUNT(*) FROM labs", rows_per_unit=2)
    assert few.targets[0].sensitivity.l1 < planned("SELECT COUNT(*) FROM labs").targets[0].sensitivity.l1


def test_where_a_key_is_tied_to_a_constant_the_answer_is_more_exact() -> None:
    tied = planned("SELECT COUNT(*) FROM labs WHERE test = 'hdl'")
    assert tied.targets[0].sensitivity.l1 < planned("SELECT COUNT(*) FROM labs").targets[0].sensitivity.l1
