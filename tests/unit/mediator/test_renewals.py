"""Data are renewed on published dates; a withdrawal between them waits or stops; a new snapshot draws on the same budget."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from haven.cli import registration
from haven.cli.house import House, open_books
from haven.cli.registration import Waiting, ingest_again, register, withdraw_units
from haven.engines.snapshot import noted_of
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.registry import PolicyKind, State
from haven.mediator.answers import Question
from haven.mediator.policies import Policies
from haven.mediator.populations import same_people
from tests.support.house import ANNA, BENCH, KEEPER, PERSONS, ask, clinic_policy, silent, sister_policy, spent

COUNT = "SELECT COUNT(*) AS n FROM persons"
CALENDAR = {"every": "3 months", "from": "2030-01-01"}
NOVEMBER, JANUARY = datetime(2030, 11, 22, 12, tzinfo=UTC), datetime(2031, 1, 1, 0, 30, tzinfo=UTC)
Clock = Callable[[datetime], None]


@pytest.fixture(name="clock")
def _clock(bench_house: House, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set the time of the terminal and of the mediator."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(registration, "now", lambda: moment)
        monkeypatch.setattr(bench_house.mediator, "clock", lambda: moment)
        monkeypatch.setattr(bench_house.enquiries, "_clock", lambda: moment)

    return set_to


@pytest.fixture(name="leaving")
def _leaving(tmp_path: Path) -> Path:
    units = tmp_path / "units.csv"
    units.write_text("person-003\nperson-007\nnobody-we-know\n", encoding="utf-8")
    return units


def put_in_force(house: House, between: str, **changes: Any) -> None:  # noqa: ANN401 - any part of a policy
    """A version of the clinic's policy with a calendar, its data stored anew under it."""
    policy = clinic_policy(BENCH) | {"calendar": CALENDAR} | changes
    policy["consent"] = policy["consent"] | {"between": between}
    file = house.home.home.root / "sources" / "clinic.yaml"
    file.write_text(json.dumps(policy), encoding="utf-8")
    with open_books(house.home.home.root) as (home, ledger):
        changed = registration.policy_changes(home, ledger)
        change = changed.of_dataset(file.read_text(encoding="utf-8"), file.name)
        if change.loosens:
            proposal = changed.propose(change, "a calendar for the clinic", actor=KEEPER.name, now=NOVEMBER)
            ledger.proposals.confirm(proposal.id, "agreed", actor="second", now=NOVEMBER)
        register(file, home, ledger, silent)


@pytest.fixture(name="house")
def _house(bench_house: House, clock: Clock) -> House:
    bench_house.ledger.people.add_user("second", KEEPER.role, actor="setup", now=NOVEMBER)
    clock(NOVEMBER)
    return bench_house


def withdraw(house: House, units: Path) -> object:
    with open_books(house.home.home.root) as (home, ledger):
        return withdraw_units("clinic", units, home, ledger)


def ingest(house: House) -> None:
    with open_books(house.home.home.root) as (home, ledger):
        ingest_again("clinic", home, ledger, silent)


def test_between_two_dates_nothing_is_renewed(house: House) -> None:
    put_in_force(house, "wait")
    serial = house.ledger.registry.current_snapshot("clinic")
    with pytest.raises(Refused, match="the next of which is 2031-01-01") as refusal:
        ingest(house)
    assert refusal.value.code is Code.REQUEST_CONFLICT
    with pytest.raises(Refused, match="published dates alone"):
        put_in_force(house, "wait")
    assert house.ledger.registry.current_snapshot("clinic") == serial


def test_where_withdrawals_wait_the_dataset_answers_as_before_until_the_date_and_without_them_after(
    house: House, clock: Clock, leaving: Path
) -> None:
    put_in_force(house, "wait")
    done = withdraw(house, leaving)
    assert isinstance(done, Waiting)
    assert (str(done.due), done.stops) == ("2031-01-01", False)
    answer = ask(house, COUNT)
    assert answer.rows == ((PERSONS,),)
    clock(JANUARY)
    with pytest.raises(Refused, match="were due to be renewed on 2031-01-01") as refusal:
        ask(house, COUNT)
    assert refusal.value.code is Code.POLICY_PAUSED
    ingest(house)
    assert ask(house, COUNT).rows == ((PERSONS - 2,),)
    assert audit_verify(house.home.home.books).whole


def test_where_withdrawals_stop_nothing_is_answered_or_repeated_until_the_date(house: House, clock: Clock, leaving: Path) -> None:
    put_in_force(house, "stop")
    ask(house, COUNT)
    assert getattr(withdraw(house, leaving), "stops", None) is True
    for sql in (COUNT, "SELECT SUM(age) AS s FROM persons"):
        with pytest.raises(Refused, match="once its data are renewed, on 2031-01-01") as refusal:
            ask(house, sql)
        assert refusal.value.code is Code.POLICY_PAUSED
    house.ledger.registry.set_state(PolicyKind.DATASET, "clinic", State.ACTIVE, "resumed by hand", KEEPER.name, NOVEMBER)
    with pytest.raises(Refused):
        ask(house, COUNT)
    clock(JANUARY)
    ingest(house)
    assert ask(house, COUNT).rows == ((PERSONS - 2,),)
    assert audit_verify(house.home.home.books).whole


def test_a_question_planned_before_a_withdrawal_stopped_its_dataset_is_refused_by_the_books(house: House, leaving: Path) -> None:
    put_in_force(house, "stop")
    planned = house.mediator.plan(Question("aging", COUNT, epsilon=Decimal(1)), ANNA)
    withdraw(house, leaving)
    with pytest.raises(Refused, match="answers no question until its data are renewed"):
        house.ledger.reserve(planned.plan, planned.authorisation, planned.snapshot, NOVEMBER)


def test_on_a_date_a_withdrawal_makes_the_snapshot_that_is_due(house: House, clock: Clock, leaving: Path) -> None:
    put_in_force(house, "wait")
    clock(JANUARY)
    assert not isinstance(withdraw(house, leaving), Waiting)
    assert ask(house, COUNT).rows == ((PERSONS - 2,),)
    later = leaving.with_name("later.csv")
    later.write_text("person-011\n", encoding="utf-8")
    assert isinstance(withdraw(house, later), Waiting)


def test_nobody_who_was_noted_comes_back_in_later_snapshots(house: House, clock: Clock, leaving: Path) -> None:
    put_in_force(house, "wait")
    withdraw(house, leaving)
    for moment in (JANUARY, datetime(2031, 4, 2, tzinfo=UTC)):
        clock(moment)
        ingest(house)
        assert ask(house, COUNT, replay=False).rows == ((PERSONS - 2,),)


def test_what_is_kept_of_a_noted_withdrawal_is_a_seal_and_never_an_id(house: House, leaving: Path) -> None:
    put_in_force(house, "wait")
    withdraw(house, leaving)
    noted = noted_of(house.home.home.data / "clinic")
    assert noted.stat().st_mode & 0o077 == 0
    assert b"person-0" not in noted.read_bytes()
    said = [entry for entry in house.ledger.entries(limit=20) if entry.kind == "withdrawal.noted"]
    assert [dict(entry.detail) for entry in said] == [{"dataset": "clinic", "due": "2031-01-01"}]


def test_a_new_snapshot_draws_on_the_same_budget(house: House, clock: Clock) -> None:
    put_in_force(house, "wait")
    ask(house, COUNT)
    before = spent(house)
    clock(JANUARY)
    ingest(house)
    assert spent(house) == before
    answer = ask(house, COUNT)
    assert (answer.receipt["replayed"], spent(house)) == (False, before + before)


def test_everybody_may_read_the_dates(house: House) -> None:
    put_in_force(house, "wait")
    document = house.enquiries.dataset("clinic", ANNA)
    assert document["calendar"] == CALENDAR | {"next": "2031-01-01"}
    assert document["consent"]["between"] == "wait"
    assert house.enquiries.dataset("sister", ANNA)["calendar"] is None


def test_without_a_calendar_a_withdrawal_makes_a_snapshot_at_once(house: House, leaving: Path) -> None:
    assert not isinstance(withdraw(house, leaving), Waiting)
    assert ask(house, COUNT).rows == ((PERSONS - 2,),)


def _add(house: House, name: str, **changes: Any) -> None:  # noqa: ANN401 - any part of a policy
    file = house.home.home.root / "sources" / f"{name}.yaml"
    file.write_text(json.dumps(sister_policy(BENCH) | {"dataset": name} | changes), encoding="utf-8")
    with open_books(house.home.home.root) as (home, ledger):
        register(file, home, ledger, silent)


def _told(house: House) -> tuple[tuple[str, ...], ...]:
    policies = Policies(house.ledger.registry, house.ledger.people, bench=True).now()
    return tuple(found.datasets for found in same_people(house.ledger, policies))


def test_equal_sets_of_persons_under_two_populations_are_told_and_under_one_are_not(house: House) -> None:
    assert _told(house) == ()
    _add(house, "twin")  # the very people of `sister`, on the same population
    assert _told(house) == ()
    _add(house, "stranger", population="stranger")
    assert _told(house) == (("sister", "stranger", "twin"),)
    (found,) = same_people(house.ledger, Policies(house.ledger.registry, house.ledger.people, bench=True).now())
    assert found.populations == ("clinic", "stranger")
    assert "Write population: clinic" in found.words


def test_a_set_that_differs_by_one_person_is_not_the_same(house: House, tmp_path: Path) -> None:
    _add(house, "stranger", population="stranger")
    one = tmp_path / "one.csv"
    one.write_text("person-002\n", encoding="utf-8")
    with open_books(house.home.home.root) as (home, ledger):
        withdraw_units("stranger", one, home, ledger)
    assert _told(house) == ()


def test_no_entry_and_no_catalogue_holds_the_sealed_set(house: House) -> None:
    _add(house, "stranger", population="stranger")
    with house.ledger.read() as connection:
        units = {row.units for row in connection.exec_driver_sql("SELECT units FROM snapshots")}
    assert len(units) == 2
    said = json.dumps([*house.ledger.audit_export(), *house.enquiries.datasets(ANNA)])
    assert not any(digest in said for digest in units)
