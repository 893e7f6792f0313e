"""Caps within a project's share, budgets that are lowered, what applied to an answer, how long a budget lasts: through the whole house."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from haven.cli.house import House
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.registry import PolicyKind
from haven.mediator.answers import Question
from haven.mediator.budgets import overspent
from haven.policy.caps import share_of
from haven.policy.loader import parse_dataset_policy, parse_project_policy
from haven.policy.shares import Share
from tests.support.house import ANNA, BEN, KEEPER, ask, clinic_policy, projects, spent

COUNT = "SELECT COUNT(*) AS n FROM persons"
PICO = Decimal(10) ** 12


def regrant(house: House, **grant: Any) -> None:  # noqa: ANN401 - any part of a grant
    """Another version of the project's grant on the clinic, as if two custodians had agreed."""
    document = next(one for one in projects() if one["project"] == "aging")
    text = json.dumps(document | {"datasets": {"clinic": grant}})
    digest = parse_project_policy(text, "aging.yaml").digest
    house.ledger.registry.add_policy(PolicyKind.PROJECT, "aging", text, digest, KEEPER.name, datetime.now(UTC))


def amend(house: House, **changes: Any) -> str:  # noqa: ANN401 - any part of a policy
    """Another version of the clinic's policy, in the same way: its digest."""
    text = json.dumps(clinic_policy() | changes)
    digest = parse_dataset_policy(text, "clinic.yaml").digest
    house.ledger.registry.add_policy(PolicyKind.DATASET, "clinic", text, digest, KEEPER.name, datetime.now(UTC))
    return digest


def line(house: House, who: Any = ANNA) -> dict[str, Any]:  # noqa: ANN401 - a principal
    (found,) = house.enquiries.budget("aging", who)["datasets"]
    return dict(found)


def asked_until_refused(house: House, who: Any = ANNA) -> Refused:  # noqa: ANN401 - a principal
    for _ in range(50):
        try:
            ask(house, COUNT, "0.1", replay=False, who=who)
        except Refused as refusal:
            return refusal
    raise AssertionError("never refused")


def test_a_researcher_is_refused_at_their_own_part_and_another_is_not(normal_house: House) -> None:
    regrant(normal_house, epsilon=1, per_researcher={"epsilon": 0.3})
    refusal = asked_until_refused(normal_house)
    assert (refusal.code, "anna's own part of the project aging's share of clinic" in refusal.reason) == (Code.BUDGET_EXHAUSTED, True)
    part = share_of(normal_house.policies.dataset("clinic").privacy, Share(epsilon=Decimal("0.3")))
    assert part.pico * Decimal("0.8") < spent(normal_house).pico <= part.pico
    assert ask(normal_house, COUNT, "0.1", replay=False, who=BEN).rows


def test_a_budget_shows_each_cap_within_the_share_and_the_askers_own(normal_house: House) -> None:
    regrant(normal_house, epsilon=1, per_researcher={"epsilon": 0.5}, per_period={"months": 1, "epsilon": 0.25})
    ask(normal_house, COUNT, "0.1", who=ANNA)
    of_anna, of_ben, of_keeper = (line(normal_house, who)["caps"] for who in (ANNA, BEN, KEEPER))
    assert [cap["level"] for cap in of_anna] == ["project", "researcher", "period"]
    assert [cap["level"] for cap in of_keeper] == ["project", "period"]
    assert of_anna[0]["spent"] == of_anna[1]["spent"] == of_anna[2]["spent"] != of_ben[1]["spent"]
    assert of_ben[1]["spent"]["rho"] == "0"
    month = datetime.now(UTC).date().replace(day=1)
    assert of_anna[2]["renews"] == (month + timedelta(days=32)).replace(day=1).isoformat()
    assert line(normal_house)["left"] == of_anna[2]["left"]


def test_the_period_decides_and_its_refusal_says_when_the_next_begins(normal_house: House) -> None:
    regrant(normal_house, epsilon=1, per_period={"weeks": 1, "epsilon": 0.2})
    refusal = asked_until_refused(normal_house)
    monday = datetime.now(UTC).date() + timedelta(days=7 - datetime.now(UTC).date().weekday())
    assert f"he next period begins on {monday} (UTC)" in refusal.suggestion
    tomorrow = datetime.combine(monday, datetime.min.time(), UTC)
    normal_house.mediator.clock = lambda: tomorrow
    assert ask(normal_house, COUNT, "0.1", replay=False).rows


def test_a_grant_that_is_lowered_below_what_is_spent_stops_the_project_and_rewrites_nothing(normal_house: House) -> None:
    answer = ask(normal_house, COUNT, "0.5")
    before = [dict(entry) for entry in normal_house.ledger.audit_export()]
    regrant(normal_house, epsilon=0.2)
    with pytest.raises(Refused, match="than its policy now allows") as refusal:
        ask(normal_house, "SELECT SUM(age) AS s FROM persons", "0.01")
    assert refusal.value.code is Code.BUDGET_EXHAUSTED
    assert line(normal_house)["overspent"] is True
    assert [dict(entry) for entry in normal_house.ledger.audit_export()][: len(before)] == before
    assert ask(normal_house, COUNT, "0.5").rows == answer.rows, "what was answered can be repeated"
    regrant(normal_house, epsilon=1)
    assert line(normal_house)["overspent"] is False
    assert audit_verify(normal_house.home.home.books).whole


def test_a_dataset_whose_share_is_lowered_below_what_is_spent_is_seen_by_its_custodian(normal_house: House) -> None:
    ask(normal_house, COUNT, "0.5")
    policy, today = normal_house.policies.dataset("clinic"), datetime.now(UTC).date()
    assert overspent(normal_house.ledger, policy, today) is None
    lowered = parse_dataset_policy(json.dumps(clinic_policy() | {"share": {"epsilon": 0.2}}), "clinic.yaml")
    assert overspent(normal_house.ledger, lowered, today) == "More was spent of the dataset clinic than its policy now allows."


def test_what_applied_to_an_answer_is_shown_for_ever(normal_house: House) -> None:
    """The receipt names the policy's digest, the books hold its text, and an entry of the chain says from when on it applied."""
    receipt = ask(normal_house, COUNT, "0.1").receipt
    registry = normal_house.ledger.registry
    policy = normal_house.policies.dataset("clinic")
    digest = amend(normal_house, title="Another title")
    after = ask(normal_house, COUNT, "0.2").receipt
    assert (receipt["policy_digest"], after["policy_digest"]) == (policy.digest, digest)
    first = registry.policy_by_digest(receipt["policy_digest"])
    assert first is not None
    assert parse_dataset_policy(first.text, "clinic.yaml") == policy
    entries = normal_house.ledger.audit_export()
    applied = [entry["seq"] for entry in entries if entry["kind"] == "policy.added" and entry["detail"]["name"] == "clinic"]
    assert applied[0] < receipt["entry"] < applied[1] < after["entry"]
    reserved = [entry["detail"] for entry in normal_house.ledger.audit_export() if entry["kind"] == "spend.reserved"]
    assert [detail["policy_digest"] for detail in reserved] == [policy.digest, digest]
    allowed = {name: int(pico) for name, pico, _ in reserved[0]["caps"]}
    assert allowed["project:aging/clinic"] == share_of(policy.privacy, Share(epsilon=Decimal(1))).pico


def test_a_receipt_says_the_share_left_and_how_long_it_lasts(normal_house: House) -> None:
    receipt = ask(normal_house, COUNT, "0.1").receipt
    total, left = Decimal(line(normal_house)["total"]["rho"]), Decimal(receipt["remaining"]["rho"])
    assert receipt["share_left"] == pytest.approx(float(left / total))
    days = -(-left * 30 // (total - left))
    today = datetime.now(UTC).date()
    expected = None if days > 365 else (today + timedelta(days=int(days))).isoformat()
    assert receipt["forecast"]["exhausted"] == expected
    assert line(normal_house)["forecast"] == receipt["forecast"]
    assert normal_house.enquiries.receipt(receipt["id"], ANNA)["forecast"] == receipt["forecast"]


def test_a_budget_that_is_spent_fast_says_the_day_of_its_end(normal_house: House) -> None:
    receipt = ask(normal_house, COUNT, "0.5").receipt
    exhausted = date.fromisoformat(receipt["forecast"]["exhausted"])
    assert receipt["forecast"]["words"] == f"at the rate of the last 30 days, exhausted on {exhausted}"
    spent_, left = Decimal(receipt["cost"]["rho"]), Decimal(receipt["remaining"]["rho"])
    days = (exhausted - datetime.now(UTC).date()).days
    assert (days - 1) * spent_ < left * 30 <= days * spent_


def test_an_answer_given_again_keeps_the_outlook_of_its_day(normal_house: House) -> None:
    first = ask(normal_house, COUNT, "0.1").receipt
    ask(normal_house, COUNT, "0.4")
    again = ask(normal_house, COUNT, "0.1").receipt
    assert (again["forecast"], again["share_left"]) == (first["forecast"], first["share_left"])


def test_others_who_ask_of_the_same_dataset_shorten_the_outlook(normal_house: House) -> None:
    amend(normal_house, share={"epsilon": 1})
    ask(normal_house, COUNT, "0.3")
    alone = date.fromisoformat(line(normal_house)["forecast"]["exhausted"])
    normal_house.mediator.ask(Question("both", "SELECT COUNT(*) AS n FROM clinic.persons", epsilon=Decimal("0.6")), ANNA)
    assert date.fromisoformat(line(normal_house)["forecast"]["exhausted"]) < alone
