"""Plans: prices, errors, digests, options, keys."""

from decimal import Decimal

import pytest

from haven import query
from haven.errors import Code, Refused
from haven.privacy.accounting import price_of_epsilon, selection_delta
from haven.privacy.budget import Definition, Price
from tests.support.query_world import DELTA, ONE, PURE, TWO, ZCDP, planned


def refused(sql: str, **options: object) -> Refused:
    with pytest.raises(Refused) as caught:
        planned(sql, **options)
    return caught.value


def price(epsilon: str = "1") -> Price:
    return price_of_epsilon(Definition.ZCDP, Decimal(epsilon), DELTA)


@pytest.mark.parametrize("context", [ZCDP, PURE])
@pytest.mark.parametrize("sql", ["SELECT COUNT(*) FROM persons", "SELECT stage, COUNT(*), AVG(bmi), SUM(age) FROM persons GROUP BY stage"])
def test_a_plan_costs_no_more_than_offered_and_nearly_all_of_it(context: query.PlanContext, sql: str) -> None:
    offered = price_of_epsilon(context.definition, Decimal(1), context.delta)
    plan = planned(sql, context)
    assert offered.covers(plan.price)
    assert plan.price.pico > 0.999 * offered.pico
    assert plan.price.pico == sum(noise.price.pico for noise in plan.noises)


def test_count_and_mean_and_sum_of_one_column_are_two_targets() -> None:
    assert len(planned("SELECT COUNT(*), AVG(age), SUM(age) FROM persons").targets) == 2


def test_a_sum_alone_is_asked_directly_and_beside_its_mean_through_it() -> None:
    assert [target.words for target in planned("SELECT SUM(age) FROM persons").targets] == ["sum of age"]
    assert {t.words for t in planned("SELECT SUM(age), AVG(age) FROM persons").targets} == {"number of rows", "sum of age - 58"}


def test_under_pure_privacy_methods_are_chosen_by_its_own_variance() -> None:
    assert len(planned("SELECT SUM(age), AVG(age) FROM persons", PURE).targets) == 2


def test_private_keys_cost_the_delta_of_one_selection_and_give_the_count_of_persons_for_free() -> None:
    plan = planned("SELECT town, COUNT(DISTINCT id) AS n FROM persons GROUP BY town")
    assert plan.selection is not None
    assert plan.public_keys() is None
    assert 0 < plan.price.atto_delta <= selection_delta(DELTA)
    assert plan.targets == ()
    assert query.expected_errors(plan)["n"] == plan.selection.noise.half_width()


def test_private_keys_are_refused_under_pure_privacy() -> None:
    assert refused("SELECT town, COUNT(*) FROM persons GROUP BY town", context=PURE).code is Code.QUERY_KEY


@pytest.mark.parametrize("context", [ZCDP, PURE])
@pytest.mark.parametrize("error", ["5", "50", "1000"])
def test_an_error_asked_for_is_kept_by_every_count_and_sum(context: query.PlanContext, error: str) -> None:
    plan = planned("SELECT COUNT(*) AS n, SUM(age) AS s, COUNT(*) FILTER (WHERE male) AS m FROM persons", context, error=Decimal(error))
    assert all(width is not None and width <= float(error) for width in query.expected_errors(plan).values())


def test_a_tenth_of_a_tenth_smaller_price_would_not_reach_the_error() -> None:
    plan = planned("SELECT COUNT(*) FROM persons", error=Decimal(20))
    less = query.plan(
        query.resolve(query.parse("SELECT COUNT(*) FROM persons"), ONE),
        ZCDP,
        query.Asked(price=Price(Definition.ZCDP, plan.price.pico * 99 // 100)),
    )
    assert less.noises[0].half_width() >= 20


def test_an_error_for_a_mean_alone_is_refused_and_beside_a_count_it_is_said() -> None:
    assert refused("SELECT AVG(bmi) FROM persons", error=Decimal(5)).code is Code.QUERY_OPTION
    plan = planned("SELECT COUNT(*), AVG(bmi) FROM persons", error=Decimal(5))
    assert any("mean" in warning for warning in plan.warnings)


def test_an_error_with_private_keys_prices_their_choice_too() -> None:
    plan = planned("SELECT town, COUNT(*) AS n FROM persons GROUP BY town", error=Decimal(30))
    assert plan.selection is not None
    assert plan.selection.noise.half_width() <= 30


def test_a_question_without_any_price_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        query.plan(query.resolve(query.parse("SELECT COUNT(*) FROM persons"), ONE), ZCDP, query.Asked())
    assert caught.value.code is Code.BUDGET_INVALID


NESTED = (
    "SELECT x.k, x.m FROM (SELECT t.stage AS k, COUNT(*) AS n, AVG(t.b) AS m FROM (SELECT bmi AS b, * FROM persons WHERE male) AS t"
    " WHERE t.age > 30 GROUP BY 1) AS x WHERE x.n > 5"
)
SAME = [
    "SELECT stage, COUNT(*) AS n, AVG(bmi) AS m FROM persons WHERE age > 30 AND male GROUP BY stage",
    'select AVG(bmi), count( * ),  "stage" from nafld.PERSONS as p where p.male and age>30 group by 3 order by 1 limit 2',
    "SELECT stage AS s, COUNT(*) FROM persons WHERE male AND age > 30 GROUP BY s HAVING AVG(bmi) > 20 ORDER BY 2",
    NESTED,
]


def test_questions_that_differ_in_names_order_and_display_have_one_digest_and_one_table() -> None:
    plans = [planned(sql) for sql in SAME]
    assert len({plan.digest for plan in plans}) == 1
    assert len({plan.sql for plan in plans}) == 1
    assert len({tuple(target.grid for target in plan.targets) for plan in plans}) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"sql": SAME[0].replace("30", "31")},
        {"sql": SAME[0].replace("AVG(bmi)", "AVG(age)")},
        {"sql": SAME[0].replace("stage", "smoker")},
        {"sql": SAME[0], "epsilon": "1.1"},
        {"sql": SAME[0], "weights": {"n": 4.0}},
    ],
)
def test_questions_that_differ_in_what_they_measure_have_other_digests(other: dict[str, object]) -> None:
    assert planned(**other).digest != planned(SAME[0]).digest  # type: ignore[arg-type]


def test_keys_are_answered_in_the_order_they_were_named() -> None:
    one, two = planned("SELECT COUNT(*) FROM persons GROUP BY stage, male"), planned("SELECT COUNT(*) FROM persons GROUP BY male, stage")
    assert one.digest == two.digest
    assert one.key_order != two.key_order


def test_options_only_lower_the_bounds() -> None:
    sql = "SELECT SUM(value) FROM labs"
    assert planned(sql, rows_per_unit=2).targets[0].sensitivity.bound.rows_per_unit == 2
    assert planned("SELECT test, COUNT(*) FROM labs GROUP BY test", groups_per_unit=1).targets[0].sensitivity.bound.groups_per_unit == 1
    for option in ({"rows_per_unit": 7}, {"rows_per_unit": 0}, {"groups_per_unit": 3}):
        assert refused(sql, **option).code is Code.QUERY_OPTION


@pytest.mark.parametrize("weights", [{"nothing": 1.0}, {"n": 0.0}, {"n": float("nan")}, {"n": float("inf")}, {"n": -1.0}])
def test_weights_name_outputs_and_are_positive(weights: dict[str, float]) -> None:
    assert refused("SELECT COUNT(*) AS n FROM persons", weights=weights).code is Code.QUERY_OPTION


def test_a_heavier_output_gets_less_noise() -> None:
    sql = "SELECT COUNT(*) AS n, SUM(age) AS s FROM persons"
    even, heavy = planned(sql), planned(sql, weights={"N": 100.0})
    assert heavy.noises[0].scale < even.noises[0].scale


def test_a_table_needs_its_dataset_where_there_are_several() -> None:
    assert query.resolve(query.parse("SELECT COUNT(*) FROM panel.samples"), TWO).dataset.name == "panel"
    for text in ("SELECT COUNT(*) FROM persons", "SELECT COUNT(*) FROM panels.samples"):
        with pytest.raises(Refused) as caught:
            query.resolve(query.parse(text), TWO)
        assert caught.value.code is Code.QUERY_UNKNOWN_TABLE
        assert "nafld.persons" in caught.value.suggestion or "panel.samples" in caught.value.suggestion
    with pytest.raises(Refused) as caught:
        query.resolve(query.parse("SELECT COUNT(*) FROM persons"), {})
    assert caught.value.code is Code.QUERY_UNKNOWN_TABLE


def test_the_footprint_names_what_is_read_and_nothing_else() -> None:
    sql = "SELECT stage, AVG(bmi) FROM (SELECT * FROM persons WHERE age > 3) AS t GROUP BY stage"
    footprint = query.resolve(query.parse(sql), ONE).footprint
    assert footprint.columns == {"persons.stage", "persons.bmi", "persons.age"}
    assert footprint.tables == {"persons"}


def test_too_many_aggregates_or_too_long_sql_are_refused() -> None:
    many = ", ".join(f"COUNT(*) FILTER (WHERE age = {i})" for i in range(201))
    assert refused(f"SELECT {many} FROM persons").code is Code.QUERY_TOO_LARGE  # noqa: S608 - constants above
    nested = "weight"
    for _ in range(14):
        nested = f"ln({nested})"
    assert refused(f"SELECT COUNT(*) FROM persons WHERE {nested} > 1").code is Code.QUERY_TOO_LARGE  # noqa: S608 - the same
    doubled = (
        "SELECT SUM(clamp(x, 0, 1)) FROM " + "(SELECT x + x AS x FROM " * 20 + "(SELECT weight AS x FROM persons) AS t" + ") AS t" * 20
    )
    assert refused(doubled).code is Code.QUERY_TOO_LARGE


def test_a_plan_explains_itself_in_sentences() -> None:
    plan = planned("SELECT site, COUNT(*) FROM labs GROUP BY site ORDER BY 2 LIMIT 3")
    assert all(sentence.endswith(".") for sentence in (*plan.words, *plan.warnings))
    assert any("not public" in sentence for sentence in plan.words)
    assert len(plan.warnings) == 3


@pytest.mark.parametrize(
    ("argument", "summed"),
    [
        ("clamp(bmi, 20, 30)", 'greatest(327680, least(491520, "bmi_fx"))'),
        ("clamp(bmi, 20.5, 900)", 'greatest(335872, least(1310720, "bmi_fx"))'),
        ("clamp(bmi, 0, 900)", '"bmi_fx" AS'),
        ("clamp(age, 20, 30)", 'greatest(20, least(30, "age"))'),
    ],
)
def test_a_stored_column_clamped_to_points_of_its_grid_is_summed_as_integers(argument: str, summed: str) -> None:
    sql = planned(f"SELECT AVG({argument}) FROM persons").sql  # noqa: S608 - the test's own
    assert summed in sql
    assert "round" not in sql


@pytest.mark.parametrize("argument", ["clamp(bmi, 20.1, 30)", "clamp(bmi, 20, 20.0625)", "clamp(bmi + 1, 20, 30)", "clamp(weight, 0, 9)"])
def test_a_column_clamped_off_its_grid_or_to_few_of_its_points_is_rounded_to_a_grid_of_its_own(argument: str) -> None:
    assert "round" in planned(f"SELECT AVG({argument}) FROM persons").sql  # noqa: S608 - the test's own


def test_a_clamped_column_is_present_where_the_column_is_so_that_the_count_is_shared() -> None:
    assert len(planned("SELECT AVG(clamp(bmi, 20, 30)), AVG(bmi), COUNT(bmi), COUNT(clamp(bmi, 0, 1)) FROM persons").targets) == 3
