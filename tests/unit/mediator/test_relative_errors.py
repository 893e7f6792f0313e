"""A wished error as a fraction of the answer: from a public size, or from an earlier noisy answer, which the receipt names."""

from decimal import Decimal

import pytest

from haven.cli.house import House
from haven.errors import Code, Refused
from haven.mediator.answers import Answer, Question
from tests.support.house import ANNA, BEN, ask, plain_sql, spent

SITES = "SELECT site, COUNT(*) AS n FROM persons GROUP BY site"
MEAN = "SELECT AVG(age) AS a FROM persons"


def asked(house: House, sql: str, fraction: str | None = None, **options: object) -> Answer:
    wished = None if fraction is None else Decimal(fraction)
    return house.mediator.ask(Question("aging", sql, relative_error=wished, **options), ANNA)  # type: ignore[arg-type]


def test_a_public_size_gives_the_error_of_a_count(normal_house: House) -> None:
    answer = asked(normal_house, SITES, "0.4", size_hint=50)
    assert all(row[1] is not None and row[1] <= 0.4 * 50 for row in answer.errors)
    assert any("50 rows or more" in said for said in answer.receipt["warnings"])


def test_the_price_is_the_smallest_that_keeps_the_promise(normal_house: House) -> None:
    told = normal_house.mediator.preview(Question("aging", SITES, relative_error=Decimal("0.4"), size_hint=50), ANNA)
    cheaper = (Decimal(told.cost["rho"]) * Decimal("0.93")).quantize(Decimal("1e-12"))
    worse = normal_house.mediator.preview(Question("aging", SITES, rho=cheaper), ANNA)
    assert (worse.errors["n"] or 0) > 0.4 * 50


def test_without_a_size_it_is_refused_with_what_to_write_and_costs_nothing(normal_house: House) -> None:
    for sql in (SITES, MEAN, "SELECT SUM(age) AS s FROM persons"):
        with pytest.raises(Refused) as refusal:
            asked(normal_house, sql, "0.1")
        assert refusal.value.code is Code.QUERY_OPTION
        assert "size_hint" in refusal.value.suggestion or "small epsilon" in refusal.value.suggestion
    assert spent(normal_house).pico == 0


def test_an_earlier_count_of_the_project_gives_the_size_and_is_named(bench_house: House) -> None:
    first = ask(bench_house, SITES, "2", who=BEN)
    answer = asked(bench_house, SITES, "0.2")
    assert any(first.receipt["id"] in said for said in answer.receipt["warnings"])
    smallest = min(row[1] - width[1] for row, width in zip(first.rows, first.errors, strict=True) if row[1] > width[1])  # type: ignore[operator]
    assert all(row[1] is not None and row[1] <= 0.2 * smallest for row in answer.errors)


def test_asked_again_it_has_the_same_price_and_is_free(bench_house: House) -> None:
    ask(bench_house, SITES, "2")
    first = asked(bench_house, SITES, "0.2")
    paid = spent(bench_house)
    again = asked(bench_house, SITES, "0.2")
    assert again.rows == first.rows
    assert again.receipt["replayed"]
    assert spent(bench_house) == paid


def test_another_projects_answer_gives_no_size(normal_house: House) -> None:
    ask(normal_house, "SELECT COUNT(*) AS n FROM clinic.persons", "0.3", project="both")
    with pytest.raises(Refused):
        asked(normal_house, "SELECT COUNT(*) AS n FROM clinic.persons", "0.2")


def test_an_earlier_answer_of_other_rows_or_groups_gives_no_size(normal_house: House) -> None:
    ask(normal_house, "SELECT COUNT(*) AS n FROM persons", "0.3")
    for sql in (SITES, "SELECT COUNT(*) AS n FROM persons WHERE age > 40"):
        with pytest.raises(Refused):
            asked(normal_house, sql, "0.2")


def test_a_sum_and_a_mean_take_their_size_from_an_earlier_answer(bench_house: House) -> None:
    both = "SELECT SUM(age) AS s, AVG(age) AS a, COUNT(*) AS n FROM persons"
    ask(bench_house, both, "5")
    answer = asked(bench_house, both, "0.1")
    for value, width in zip(answer.rows[0], answer.errors[0], strict=True):
        assert width is not None
        assert width <= 0.11 * float(value or 0)


def test_the_error_of_a_mean_is_promised_where_its_number_of_rows_is_known(normal_house: House) -> None:
    answer = normal_house.mediator.ask(Question("aging", MEAN, error=Decimal(9), size_hint=200), ANNA)
    assert answer.errors[0][0] is not None
    assert answer.errors[0][0] <= 9.2


def test_a_preview_says_the_error_in_groups_of_the_named_size(normal_house: House) -> None:
    sql = "SELECT site, COUNT(*) AS n, AVG(age) AS a FROM persons GROUP BY site"
    told = normal_house.mediator.preview(Question("aging", sql, epsilon=Decimal("0.3"), size_hint=40), ANNA)
    assert told.expected["n"] == {"half_width": told.errors["n"], "relative": pytest.approx((told.errors["n"] or 0) / 40)}
    assert told.expected["a"]["relative"] is None
    answer = ask(normal_house, sql, "0.3")
    counts = {row[0]: row[1] for row in answer.rows}
    with plain_sql() as plain:
        held = dict(plain.execute(SITES).fetchall())
    assert set(counts) == set(held)
    for row, errors in zip(answer.rows, answer.errors, strict=True):
        if isinstance(row[1], int) and row[1] >= 40 and errors[2] is not None:
            # the mean is near the middle of its bounds, and the groups are larger than the size named
            assert errors[2] <= 1.3 * (told.expected["a"]["half_width"] or 0)


@pytest.mark.parametrize("fraction", ["0", "1", "2", "-0.1", "NaN"])
def test_a_fraction_that_is_none_is_refused(normal_house: House, fraction: str) -> None:
    with pytest.raises(Refused) as refusal:
        asked(normal_house, SITES, fraction, size_hint=100)
    assert refusal.value.code is Code.BUDGET_INVALID


def test_private_keys_take_a_public_size_only(normal_house: House) -> None:
    wards = "SELECT ward, COUNT(DISTINCT id) AS n FROM persons GROUP BY ward"
    with pytest.raises(Refused):
        asked(normal_house, wards, "0.5")
    answer = asked(normal_house, wards, "0.5", size_hint=60)
    assert all(row[1] is not None and row[1] <= 30 for row in answer.errors)


def test_a_thresholded_question_says_from_how_many_persons_groups_appear(normal_house: House) -> None:
    told = normal_house.mediator.preview(
        Question("aging", "SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward", epsilon=Decimal("0.5")), ANNA
    )
    threshold = told.plan["threshold"]
    assert any(f"fewer than about {threshold} persons" in said for said in told.warnings)


def test_bounds_that_may_cut_rows_are_said(normal_house: House) -> None:
    several = normal_house.mediator.preview(Question("aging", "SELECT COUNT(*) AS n FROM visits", epsilon=Decimal("0.1")), ANNA)
    one = normal_house.mediator.preview(Question("aging", "SELECT COUNT(*) AS n FROM persons", epsilon=Decimal("0.1")), ANNA)
    assert any("more than 4 rows" in said for said in several.warnings)
    assert one.warnings == ()
