"""What a notebook shows of caps and forecasts, from services that say them and from earlier ones that do not."""

import pytest

from haven.client.budget import Budget
from haven.client.receipt import Receipt
from haven.errors import Fault

AMOUNTS = {"rho": "0.01", "epsilon": "0.6", "delta": "0"}
CAP = {"of": "anna's own part", "level": "researcher", "total": AMOUNTS, "spent": AMOUNTS, "left": AMOUNTS, "renews": None}
PERIOD = CAP | {"level": "period", "of": "this month's part", "renews": "2026-12-01"}
LINE = {"dataset": "nafld", "definition": "zcdp", "total": AMOUNTS, "spent": AMOUNTS, "left": AMOUNTS}
SAID = "at the rate of the last 30 days, exhausted on 2027-01-04"


def shown(**more: object) -> Budget:
    return Budget({"project": "liver", "datasets": [LINE | more]})


def test_caps_within_the_share_and_the_forecast_are_shown() -> None:
    budget = shown(forecast={"exhausted": "2027-01-04", "words": SAID}, caps=[CAP | {"level": "project"}, CAP, PERIOD], overspent=False)
    for text in (repr(budget), budget._repr_html_()):
        assert "your own part: ε 0.6 of 0.6 left" in text
        assert "until 2026-12-01: ε 0.6 of 0.6 left" in text
        assert SAID in text
    assert [cap.level for cap in budget["nafld"].caps] == ["project", "researcher", "period"]


def test_a_budget_that_was_lowered_below_what_is_spent_says_that_it_answers_nothing() -> None:
    budget = shown(forecast={"exhausted": None, "words": "x"}, overspent=True)
    assert "more was spent than its policy now allows: it answers no question" in repr(budget)


def test_what_an_earlier_service_does_not_say_is_not_shown() -> None:
    assert repr(shown()) == "Budget of liver\n  nafld: ε 0.6 of 0.6 left (100%)"
    receipt = Receipt.of({"id": "q-1"})
    assert (receipt.share_left, receipt.forecast) == (None, "")


def test_a_cap_without_amounts_is_unreadable() -> None:
    with pytest.raises(Fault):
        shown(caps=[{"of": "x", "level": "period"}])


def test_a_receipt_shows_the_share_left_and_the_forecast() -> None:
    receipt = Receipt.of(
        {"id": "q-1", "epsilon": "0.1", "cost": {"rho": "1"}, "remaining": AMOUNTS, "share_left": 0.75, "forecast": {"words": SAID}}
    )
    html = receipt._repr_html_()
    assert "left ε 0.6 (75% of the project&#x27;s share)" in html or "left ε 0.6 (75% of the project's share)" in html
    assert SAID in html
