"""Budgets to the last unit: what receipts say adds up to what is spent, no cap is ever passed, and every place says the same is left."""

from datetime import datetime
from decimal import Decimal

import pytest

from haven.cli.house import House
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.mediator.answers import Question
from haven.policy.caps import caps_of, total_of
from tests.support.house import ANNA, BEN, CARL, CORA, KEEPER, OTTO, ask, spent

COUNT = "SELECT COUNT(*) AS n FROM persons"
PICO = Decimal(10) ** 12


def _line(house: House, project: str = "aging", dataset: str = "clinic") -> dict:
    lines = house.enquiries.budget(project, ANNA)["datasets"]
    return next(line for line in lines if line["dataset"] == dataset)


@pytest.mark.parametrize("sql", [COUNT, "SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward"])
def test_asked_until_refused_the_receipts_add_up_and_stay_below_the_cap(normal_house: House, sql: str) -> None:
    receipts: list[dict] = []

    def ask_on() -> None:
        while len(receipts) < 100:
            receipts.append(ask(normal_house, sql, "0.3", replay=False).receipt)

    with pytest.raises(Refused) as refusal:
        ask_on()
    assert refusal.value.code is Code.BUDGET_EXHAUSTED
    line = _line(normal_house)
    assert len(receipts) > 3
    for unit in ("rho", "delta"):
        assert sum(Decimal(receipt["cost"][unit]) for receipt in receipts) == Decimal(line["spent"][unit])
        assert Decimal(line["spent"][unit]) + Decimal(line["left"][unit]) == Decimal(line["total"][unit])
        assert Decimal(line["spent"][unit]) <= Decimal(line["total"][unit])
    dearer_than_left = Decimal(receipts[-1]["cost"]["rho"]) > Decimal(line["left"]["rho"])
    assert dearer_than_left or Decimal(receipts[-1]["cost"]["delta"]) > Decimal(line["left"]["delta"])
    assert audit_verify(normal_house.home.home.books).whole


def test_the_last_unit_can_be_spent_and_not_one_more(normal_house: House) -> None:
    # a scale is confirmed against OpenDP's map, so a count may cost a unit less than was offered: the last units go one by one
    while (left := Decimal(_line(normal_house)["left"]["rho"])) * PICO > 1:
        normal_house.mediator.ask(Question("aging", COUNT, rho=left, replay=False), ANNA)
    total = caps_of(normal_house.policies.dataset("clinic"), normal_house.policies.project("aging")).project
    assert total.pico - 1 <= spent(normal_house).pico <= total.pico
    with pytest.raises(Refused) as refused:
        ask(normal_house, COUNT, "0.1", replay=False)
    assert refused.value.code is Code.BUDGET_EXHAUSTED


def test_every_receipt_says_what_the_budget_says_is_left(normal_house: House) -> None:
    for epsilon in ("0.1", "0.2", "0.3"):
        receipt = ask(normal_house, COUNT, epsilon).receipt
        assert receipt["remaining"] == _line(normal_house)["left"]


def test_a_project_is_told_what_others_left_of_the_same_people(normal_house: House) -> None:
    """Four shares of epsilon 1 exceed neither the population, but what one may still spend is never more than all may."""
    whole = total_of(normal_house.policies.dataset("clinic").privacy)
    books = normal_house.ledger
    # another project takes nearly everything of the population, through the books alone
    planned = normal_house.mediator.plan(Question("both", "SELECT SUM(score) AS s FROM sister.members", epsilon=Decimal("3.9")), ANNA)
    allowed = planned.authorisation
    roomy = type(allowed.caps)(allowed.caps.population, allowed.caps.dataset, allowed.caps.population)
    wide = type(allowed)(**{name: getattr(allowed, name) for name in allowed.__slots__} | {"caps": roomy})
    books.reserve(planned.plan, wide, 1, datetime.now().astimezone())
    left = _line(normal_house)["left"]
    assert Decimal(left["rho"]) * PICO == whole.pico - planned.plan.price.pico
    assert Decimal(left["rho"]) < Decimal(_line(normal_house)["total"]["rho"])
    preview = normal_house.mediator.preview(Question("aging", COUNT, epsilon=Decimal("0.1")), ANNA)
    assert preview.left == left
    with pytest.raises(Refused) as refusal:
        ask(normal_house, COUNT, "0.9")
    assert refusal.value.code is Code.BUDGET_EXHAUSTED
    assert "population" in refusal.value.reason


def test_two_datasets_of_one_population_share_one_budget(normal_house: House) -> None:
    first = ask(normal_house, "SELECT COUNT(*) AS n FROM clinic.persons", "0.3", project="both").receipt
    second = ask(normal_house, "SELECT SUM(score) AS s FROM sister.members", "0.3", project="both").receipt
    population = normal_house.ledger.population_balance("clinic").spent
    assert population.pico == sum(int(Decimal(receipt["cost"]["rho"]) * PICO) for receipt in (first, second))
    assert spent(normal_house, "both", "clinic").pico < population.pico


@pytest.mark.parametrize(
    ("sql", "wished"),
    [(COUNT, 30), ("SELECT SUM(age) AS s FROM persons", 2000), ("SELECT kind, COUNT(*) AS n FROM visits GROUP BY kind", 99)],
)
def test_a_wished_error_is_reached_at_nearly_the_least_price(normal_house: House, sql: str, wished: int) -> None:
    question = Question("aging", sql, error=Decimal(wished))
    told = normal_house.mediator.preview(question, ANNA)
    answer = normal_house.mediator.ask(question, ANNA)
    widths = [width for row in answer.errors for width in row if width is not None]
    assert widths
    assert max(widths) <= wished
    assert told.cost == answer.receipt["cost"]
    cheaper = (Decimal(told.cost["rho"]) * Decimal("0.93")).quantize(Decimal("1e-12"))
    worse = normal_house.mediator.preview(Question("aging", sql, rho=cheaper, replay=False), ANNA)
    assert max(width for width in worse.errors.values() if width is not None) > wished


def test_a_receipt_holds_what_the_interface_promises(normal_house: House) -> None:
    receipt = ask(normal_house, "SELECT site, COUNT(*) AS n FROM persons GROUP BY site", "0.1").receipt
    promised = {"id", "dataset", "project", "sql", "plan_digest", "policy_digest", "snapshot", "mechanisms", "cost", "epsilon"}
    assert promised | {"remaining", "replayed", "citation"} <= set(receipt)
    assert (receipt["dataset"], receipt["project"], receipt["snapshot"], receipt["replayed"]) == ("clinic", "aging", 1, False)
    assert receipt["policy_digest"] == normal_house.policies.dataset("clinic").digest
    assert receipt["citation"] == "The clinic (2026)."
    assert set(receipt["cost"]) == {"rho", "delta"}
    assert set(receipt["remaining"]) == {"rho", "delta", "epsilon"}
    assert all(isinstance(amount, str) and "E" not in amount for amount in (*receipt["cost"].values(), *receipt["remaining"].values()))
    assert 0 < Decimal(receipt["epsilon"]) <= Decimal("0.1")
    assert [one["mechanism"] for one in receipt["mechanisms"]] == ["discrete Gaussian"]


def test_a_receipt_is_read_by_its_project_and_by_those_who_check(normal_house: House) -> None:
    told = ask(normal_house, COUNT, "0.1").receipt
    for reader in (ANNA, BEN, KEEPER, CORA, OTTO):
        read = normal_house.enquiries.receipt(told["id"], reader)
        assert {name: read[name] for name in ("id", "cost", "sql", "remaining", "epsilon", "plan_digest")} == {
            name: told[name] for name in ("id", "cost", "sql", "remaining", "epsilon", "plan_digest")
        }
    for reader, number in ((CARL, told["id"]), (ANNA, "q-nonesuch")):
        with pytest.raises(Refused) as refusal:
            normal_house.enquiries.receipt(number, reader)
        assert refusal.value.code is Code.NOT_FOUND


def test_a_budget_is_not_shown_to_strangers(normal_house: House) -> None:
    for reader in (CARL, CORA):
        with pytest.raises(Refused) as refusal:
            normal_house.enquiries.budget("aging", reader)
        assert refusal.value.code is Code.AUTH_FORBIDDEN
    assert normal_house.enquiries.budget("aging", OTTO)["datasets"]


def test_the_catalogue_and_projects_are_shown_within_what_a_role_may_see(normal_house: House) -> None:
    enquiries = normal_house.enquiries
    assert [one["name"] for one in enquiries.datasets(ANNA)] == ["clinic", "sister"]
    assert enquiries.dataset("clinic", CORA)["tables"]["visits"]["rows_per_unit"] == 4
    assert {one["project"] for one in enquiries.projects(ANNA)} == {"aging", "both", "ended", "origins"}
    assert enquiries.projects(CARL) == []
    assert len(enquiries.projects(OTTO)) == 4
    with pytest.raises(Refused) as refusal:
        enquiries.dataset("nothing", ANNA)
    assert refusal.value.code is Code.NOT_FOUND


def test_the_audit_tells_what_happened_without_any_question_or_number(normal_house: House) -> None:
    own_words = "SELECT COUNT(*) AS a_researchers_own_word FROM persons"
    ask(normal_house, own_words, "0.1")
    entries = normal_house.enquiries.audit(OTTO, limit=1000)
    assert [entry["kind"] for entry in entries[-2:]] == ["spend.reserved", "spend.posted"]
    assert "a_researchers_own_word" not in str(entries)
    assert [entry["seq"] for entry in normal_house.enquiries.audit(OTTO, after=3, limit=2)] == [4, 5]
    with pytest.raises(Refused) as refusal:
        normal_house.enquiries.audit(ANNA)
    assert refusal.value.code is Code.AUTH_FORBIDDEN
