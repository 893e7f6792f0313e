"""A forecast is what spending on at the same rate, day after day, comes to."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from haven.policy.forecast import LATER, NEVER, SPENT, Forecast, forecast, since, soonest
from tests.support.books import rho

TODAY = date(2026, 11, 22)


def walked(spent: int, left: int) -> date | None:
    """The first day by whose end thirtieths of `spent`, one a day from tomorrow on, reach `left`."""
    day, taken = TODAY, 0
    for _ in range(365):
        day, taken = day + timedelta(days=1), taken + spent
        if taken >= 30 * left:
            return day
    return None


@given(spent=st.integers(1, 10**4), left=st.integers(1, 10**5))
def test_the_day_is_the_one_that_spending_day_after_day_reaches(spent: int, left: int) -> None:
    found = forecast(rho(spent), rho(left, 10**9), TODAY)
    assert found.exhausted == walked(spent, left)
    assert found.words == (LATER if found.exhausted is None else f"at the rate of the last 30 days, exhausted on {found.exhausted}")


def test_nothing_spent_is_no_rate_and_nothing_left_is_the_end() -> None:
    assert forecast(rho(0), rho(5), TODAY) == Forecast(None, NEVER)
    assert forecast(rho(3), rho(0), TODAY) == Forecast(TODAY, SPENT)


def test_amounts_beyond_64_bits_are_exact() -> None:
    assert forecast(rho(10**40), rho(10**40), TODAY).exhausted == TODAY + timedelta(days=30)
    assert forecast(rho(10**40), rho(10**40 + 1), TODAY).exhausted == TODAY + timedelta(days=31)


def test_the_delta_for_private_keys_may_end_first() -> None:
    found = forecast(rho(1, 10), rho(100, 20), TODAY)
    assert found.exhausted == TODAY + timedelta(days=60)
    assert "the delta for private keys is exhausted" in found.words


def test_of_several_caps_the_first_to_be_spent_is_told() -> None:
    near, far, never = Forecast(TODAY, "near"), Forecast(TODAY + timedelta(days=9), "far"), Forecast(None, NEVER)
    assert soonest([far, near, never]) == near
    assert soonest([never, Forecast(None, LATER)]).words == LATER
    assert soonest([never]) == never


def test_the_window_is_thirty_days_with_today() -> None:
    assert (TODAY - since(TODAY)).days == 29
