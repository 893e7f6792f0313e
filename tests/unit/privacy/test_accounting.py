"""Conversions between (ε, δ) and what adds up, against OpenDP, closed forms and the published table."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from haven.errors import Code, Refused
from haven.privacy import accounting, measurements
from haven.privacy.budget import ATTO, PICO, Definition, Price
from haven.privacy.mechanisms import Sensitivity, plan_noise
from haven.privacy.units import ContributionBound

Z, P = Definition.ZCDP, Definition.PURE


@pytest.mark.parametrize(("questions", "deviation"), [(1, 4.53), (10, 14.3), (100, 45.3), (1000, 143)])
def test_the_noise_of_k_counts_at_epsilon_one_is_the_tables(questions: int, deviation: float) -> None:
    budget = accounting.budget_of(Z, Decimal(1), Decimal("2e-6"))  # half of it, 1e-6, is for the conversion
    assert budget.pico / PICO == pytest.approx(0.024356, abs=1e-6)
    noise = plan_noise(Sensitivity(ContributionBound(1, 1, 1), 1), Price(Z, budget.pico // questions))
    assert math.sqrt(noise.variance) == pytest.approx(deviation, rel=5e-3)


@pytest.mark.parametrize("delta", ["1e-12", "1e-6", "0.01"])
@pytest.mark.parametrize("epsilon", ["0.001", "0.03", "1", "4", "50", "900"])
def test_a_budget_is_the_largest_rho_that_opendp_converts_to_epsilon(epsilon: str, delta: str) -> None:
    budget, conversion = accounting.budget_of(Z, Decimal(epsilon), Decimal(delta)), float(delta) / 2
    assert measurements.epsilon_at(Fraction(budget.pico, PICO), conversion) <= float(epsilon) * (1 + 1e-12)
    more = Fraction(budget.pico, PICO) * (1 + Fraction(1, 10**7)) + Fraction(1, PICO)
    assert measurements.epsilon_at(more, conversion) > float(epsilon)


@pytest.mark.parametrize("epsilon", ["1e4", "1e6", "1e9"])
def test_budgets_of_audits_lie_between_the_closed_form_and_epsilon(epsilon: str) -> None:
    rho = accounting.budget_of(Z, Decimal(epsilon), Decimal("1e-6")).pico / PICO
    log = math.log(2e6)
    assert (math.sqrt(log + float(epsilon)) - math.sqrt(log)) ** 2 <= rho < float(epsilon)  # Bun and Steinke 2016, proposition 1.3


def test_delta_is_halved_and_a_thousandth_of_a_half_is_one_selections() -> None:
    assert accounting.budget_of(Z, Decimal(1), Decimal("1e-7")).atto_delta == 5 * 10**10
    assert accounting.selection_delta(Decimal("1e-7")) == 5 * 10**7
    assert accounting.selection_delta(Decimal("1.999e-15")) == 0


def test_a_pure_budget_is_epsilon_itself() -> None:
    assert accounting.budget_of(P, Decimal("0.100000000001"), None) == Price(P, 100_000_000_001)
    assert accounting.budget_of(P, Decimal("1e9"), None) == Price(P, 10**21)
    assert accounting.price_of_epsilon(P, Decimal("1e-12"), None) == Price(P, 1)


def test_a_question_is_converted_as_its_populations_budget_is() -> None:
    budget = accounting.budget_of(Z, Decimal("0.5"), Decimal("1e-7"))
    assert accounting.price_of_epsilon(Z, Decimal("0.5"), Decimal("1e-7")) == Price(Z, budget.pico)


@pytest.mark.parametrize(("definition", "delta"), [(Z, None), (P, Decimal("1e-6"))])
def test_delta_belongs_to_zcdp_alone(definition: Definition, delta: Decimal | None) -> None:
    with pytest.raises(Refused) as refusal:
        accounting.budget_of(definition, Decimal(1), delta)
    assert refusal.value.code is Code.BUDGET_INVALID


def test_an_epsilon_worth_less_than_one_unit_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        accounting.budget_of(Z, Decimal("1e-6"), Decimal("1e-12"))
    assert refusal.value.code is Code.BUDGET_TOO_SMALL


def test_where_opendp_disagrees_with_the_formula_the_budget_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    epsilon, delta = Decimal("0.7654321"), Decimal("1e-6")
    formula = accounting.price_of_epsilon(Z, epsilon, delta).pico
    stricter = Fraction(formula - 10, PICO)
    monkeypatch.setattr(measurements, "epsilon_at", lambda rho, _delta: 0.0 if rho <= stricter else 1.0)
    accounting._largest_rho_pico.cache_clear()
    assert formula - 30 < accounting.price_of_epsilon(Z, epsilon, delta).pico <= formula - 10
    monkeypatch.setattr(measurements, "epsilon_at", lambda _rho, _delta: 1.0)
    accounting._largest_rho_pico.cache_clear()
    with pytest.raises(Refused):
        accounting.price_of_epsilon(Z, epsilon, delta)
    accounting._largest_rho_pico.cache_clear()


def test_rho_is_paid_under_zcdp_alone() -> None:
    assert accounting.price_of_rho(Z, Decimal("0.005")) == Price(Z, 5 * 10**9)
    with pytest.raises(Refused) as refusal:
        accounting.price_of_rho(P, Decimal("0.005"))
    assert refusal.value.code is Code.BUDGET_INVALID


@pytest.mark.parametrize("parse", [accounting.parse_epsilon, accounting.parse_rho, accounting.parse_delta, accounting.parse_error])
@pytest.mark.parametrize("text", ["0", "-1", "-0", "NaN", "sNaN", "Infinity", "-Infinity", "-1e-400"])
def test_what_is_not_a_positive_number_is_refused(parse: object, text: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse(Decimal(text))  # type: ignore[operator]
    assert refusal.value.code is Code.BUDGET_INVALID


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (accounting.parse_epsilon, "0.1234567890123"),
        (accounting.parse_epsilon, "1e-13"),
        (accounting.parse_epsilon, "1000000000.000000000001"),
        (accounting.parse_epsilon, "1e999999"),
        (accounting.parse_rho, "1." + "0" * 11 + "01"),
        (accounting.parse_delta, "1e-19"),
        (accounting.parse_delta, "1"),
        (accounting.parse_delta, "1e-999999"),
    ],
)
def test_more_digits_than_the_unit_and_numbers_beyond_any_budget_are_refused(parse: object, text: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse(Decimal(text))  # type: ignore[operator]
    assert refusal.value.code is Code.BUDGET_INVALID


@pytest.mark.parametrize("text", ["0.1", "1e9", "1E-12", "0.100000000000000000000000", "1000000000.000"])
def test_zeros_at_the_end_are_not_digits(text: str) -> None:
    assert accounting.parse_epsilon(Decimal(text)) == Decimal(text)


def test_an_error_may_be_written_with_any_digits() -> None:
    assert accounting.parse_error(Decimal("1e12")) == Decimal("1e12")
    assert accounting.parse_error(Decimal("0.1234567890123456789")) == Decimal("0.1234567890123456789")


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        (Price(Z, 24_356 * 10**6, 5 * 10**8), {"rho": "0.024356", "delta": "0.0000000005"}),
        (Price(Z, 0), {"rho": "0", "delta": "0"}),
        (Price(P, 10**21 + 1), {"epsilon": "1000000000.000000000001", "delta": "0"}),
        (Price(Z, 1, 1), {"rho": "0.000000000001", "delta": "0.000000000000000001"}),
        (Price(P, 50 * PICO), {"epsilon": "50", "delta": "0"}),
    ],
)
def test_quantities_are_plain_exact_decimals(price: Price, shown: dict[str, str]) -> None:
    assert accounting.as_quantities(price) == shown


@pytest.mark.parametrize(("pico", "shown"), [(10**11, "0.1"), (123_456_789_012, "0.1235"), (50 * PICO, "50"), (0, "0"), (1, "1E-12")])
def test_the_nominal_epsilon_under_pure_is_itself_rounded_up(pico: int, shown: str) -> None:
    assert accounting.epsilon_of(Price(P, pico), None) == Decimal(shown)


def test_a_nominal_epsilon_is_written_without_an_exponent() -> None:
    assert str(accounting.epsilon_of(Price(P, 50 * PICO), None)) == "50"


def test_a_loss_below_delta_itself_has_epsilon_zero() -> None:
    assert accounting.epsilon_of(Price(Z, 1), Decimal("0.01")) == 0


@pytest.mark.parametrize("epsilon", ["0.001", "0.25", "1", "4", "50", "1e6", "1e9"])
def test_epsilon_to_rho_and_back_is_the_same_epsilon(epsilon: str) -> None:
    price = accounting.price_of_epsilon(Z, Decimal(epsilon), Decimal("1e-7"))
    assert accounting.epsilon_of(price, Decimal("1e-7")) == Decimal(epsilon)


def test_four_epsilons_of_one_are_less_than_a_third_of_epsilon_four() -> None:
    one, four = (accounting.budget_of(Z, Decimal(e), Decimal("1e-6")).pico for e in (1, 4))
    assert 4 * one / four == pytest.approx(0.31, abs=0.02)


def test_delta_of_a_budget_is_within_half_of_the_promise() -> None:
    for text in ("3e-18", "1e-17", "0.999999999999999999", "1.5e-7"):
        assert Fraction(accounting.budget_of(Z, Decimal(50), Decimal(text)).atto_delta, ATTO) <= Fraction(Decimal(text)) / 2
