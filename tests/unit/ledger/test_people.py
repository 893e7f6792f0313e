"""Accounts: names, passwords and their locks, tokens, suspension."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import argon2
import pytest
from sqlalchemy import MetaData, select

from haven.errors import Code, Refused
from haven.ledger import people as people_module
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.ledger.opening import look
from haven.ledger.people import People, Person
from haven.policy.roles import Principal, Role
from tests.support.books import NOW, later

PASSWORD = "correct horse battery"  # noqa: S105 - a test's


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The smallest Argon2 parameters: these tests are about what is done with a hash, not about its cost."""
    monkeypatch.setattr(people_module, "_PASSWORDS", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    people_module._nobodys_hash.cache_clear()
    yield
    people_module._nobodys_hash.cache_clear()


@pytest.fixture(name="path")
def _path(books_place: Place) -> Place:
    return books_place


@pytest.fixture(name="ledger")
def _ledger(path: Place) -> Iterator[Ledger]:
    with Ledger.open(path) as ledger:
        ledger.people.add_user("alice", Role.RESEARCHER, actor="custodian", now=NOW, project="liver")
        ledger.people.set_password("alice", PASSWORD, actor="custodian", now=NOW)
        yield ledger
    assert audit_verify(path).problems == ()


@pytest.fixture(name="people")
def _people(ledger: Ledger) -> People:
    return ledger.people


def _guess(people: People, times: int, seconds: float = 0) -> None:
    for _ in range(times):
        assert people.verify_password("alice", "wrong", later(seconds=seconds)) is None


def test_an_account_is_what_was_added(people: People) -> None:
    people.add_user("carol", Role.CHECKER, actor="custodian", now=NOW)
    assert people.person("alice") == Person("alice", Role.RESEARCHER, "liver", None)
    assert people.list_people() == (people.person("alice"), Person("carol", Role.CHECKER, None, None))
    assert people.person("nobody") is None


@pytest.mark.parametrize("name", ["", "Alice", "1a", "a b", "a/b", "a\n", "é", "a" * 32, "-a", "haven"])
def test_a_name_outside_the_pattern_is_refused(people: People, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        people.add_user(name, Role.RESEARCHER, actor="custodian", now=NOW)
    assert refusal.value.code is Code.REQUEST_INVALID


def test_a_name_that_is_taken_is_refused(people: People) -> None:
    with pytest.raises(Refused) as refusal:
        people.add_user("alice", Role.CUSTODIAN, actor="custodian", now=NOW)
    assert refusal.value.code is Code.REQUEST_CONFLICT
    assert people.person("alice") == Person("alice", Role.RESEARCHER, "liver", None)


def test_the_right_password_says_who_it_is(people: People) -> None:
    assert people.verify_password("alice", PASSWORD, NOW) == Principal("alice", Role.RESEARCHER)


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "wrong"), ("alice", ""), ("nobody", PASSWORD), ("alice", "x" * 5000), ("alice", "\udcff")]
)
def test_anything_else_says_nothing(people: People, name: str, password: str) -> None:
    assert people.verify_password(name, password, NOW) is None


def test_an_account_without_a_password_cannot_log_in(people: People) -> None:
    people.add_user("carol", Role.CHECKER, actor="custodian", now=NOW)
    assert people.verify_password("carol", "", NOW) is None


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_name_that_does_not_exist_costs_one_hash_as_a_wrong_password_does(
    people: People, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    people_module._nobodys_hash()
    checked: list[str] = []
    real = people_module._matches

    def _counted(hashed: str, password: str) -> bool:
        checked.append(hashed)
        return real(hashed, password)

    monkeypatch.setattr(people_module, "_matches", _counted)
    assert people.verify_password(name, "wrong", NOW) is None
    assert len(checked) == 1


@pytest.mark.parametrize("password", ["short", "x" * 1025])
def test_a_password_too_short_or_too_long_is_refused(people: People, password: str) -> None:
    with pytest.raises(Refused) as refusal:
        people.set_password("alice", password, actor="alice", now=NOW)
    assert refusal.value.code is Code.REQUEST_INVALID


def test_the_password_of_nobody_cannot_be_set(people: People) -> None:
    with pytest.raises(Refused) as refusal:
        people.set_password("nobody", PASSWORD, actor="custodian", now=NOW)
    assert refusal.value.code is Code.NOT_FOUND


def test_five_wrong_passwords_lock_the_account_for_a_minute(people: People) -> None:
    _guess(people, 5)
    assert people.verify_password("alice", PASSWORD, later(seconds=59)) is None
    assert people.verify_password("alice", PASSWORD, later(seconds=60)) is not None


def test_four_wrong_passwords_do_not_and_the_right_one_starts_the_count_anew(people: People) -> None:
    for _ in range(3):
        _guess(people, 4)
        assert people.verify_password("alice", PASSWORD, NOW) is not None


def test_each_further_failure_doubles_the_lock_up_to_fifteen_minutes(people: People) -> None:
    _guess(people, 5)
    at, minutes = 60.0, 2.0
    for _ in range(6):
        _guess(people, 1, at)
        wait = min(minutes, 15) * 60
        assert people.verify_password("alice", PASSWORD, later(seconds=at + wait - 1)) is None
        at, minutes = at + wait, minutes * 2
    assert people.verify_password("alice", PASSWORD, later(seconds=at)) is not None


def test_guesses_made_at_the_same_moment_count_one_after_another(people: People) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: people.verify_password("alice", "wrong", NOW), range(8)))
    assert people.verify_password("alice", PASSWORD, NOW) is None


def test_a_new_password_lifts_the_lock_and_ends_the_old_one(people: People) -> None:
    _guess(people, 5)
    people.set_password("alice", "a whole new phrase", actor="custodian", now=NOW)
    assert people.verify_password("alice", "a whole new phrase", NOW) is not None
    assert people.verify_password("alice", PASSWORD, NOW) is None


def test_a_clock_set_back_by_a_year_locks_nobody_out_for_a_year(people: People) -> None:
    _guess(people, 5)
    assert people.verify_password("alice", PASSWORD, NOW - timedelta(days=365)) is not None


def test_logging_in_and_failing_to_are_entries(ledger: Ledger) -> None:
    ledger.people.verify_password("alice", "wrong", NOW)
    ledger.people.verify_password("alice", PASSWORD, NOW)
    ledger.people.verify_password("nobody", PASSWORD, NOW)
    assert [entry.kind for entry in ledger.entries(actor="alice")] == ["user.logged_in", "user.login_failed"]


def test_a_token_says_who_holds_it(people: People) -> None:
    token = people.issue_token("alice", NOW)
    assert people.principal_of_token(token, NOW) == Principal("alice", Role.RESEARCHER)
    assert token.startswith("haven_")
    assert len(token.split()) == 1


@pytest.mark.parametrize("token", ["", "haven_", "haven_" + "x" * 43, "x" * 10**6, "\udcff"])
def test_an_unknown_token_says_nothing(people: People, token: str) -> None:
    people.issue_token("alice", NOW)
    assert people.principal_of_token(token, NOW) is None


def test_a_token_ends_at_its_time(people: People) -> None:
    token = people.issue_token("alice", NOW, expires_at=later(hours=1))
    assert people.principal_of_token(token, later(minutes=59)) is not None
    assert people.principal_of_token(token, later(hours=1)) is None


def test_a_revoked_token_is_dead_and_the_others_live(people: People) -> None:
    first, second = people.issue_token("alice", NOW), people.issue_token("alice", later(seconds=1), expires_at=later(hours=1))
    info = people.list_tokens("alice")
    assert [(token.issued_at, token.expires_at, token.revoked_at) for token in info] == [
        (NOW, None, None),
        (later(seconds=1), later(hours=1), None),
    ]
    people.revoke_token(info[0].id, actor="custodian", now=NOW)
    people.revoke_token(info[0].id, actor="custodian", now=later(days=1))
    assert people.principal_of_token(first, NOW) is None
    assert people.principal_of_token(second, NOW) is not None
    assert people.list_tokens("alice")[0].revoked_at == NOW


def test_tokens_of_nobody_and_unknown_tokens_are_refused(people: People) -> None:
    with pytest.raises(Refused) as refusal:
        people.issue_token("nobody", NOW)
    assert refusal.value.code is Code.NOT_FOUND
    with pytest.raises(Refused) as refusal:
        people.revoke_token("t-none", actor="custodian", now=NOW)
    assert refusal.value.code is Code.NOT_FOUND


def test_a_suspended_person_is_dead_in_every_way_until_resumed(people: People) -> None:
    token = people.issue_token("alice", NOW)
    people.suspend_user("alice", "misuse", actor="custodian", now=NOW)
    assert people.person("alice") == Person("alice", Role.RESEARCHER, "liver", "misuse")
    assert people.verify_password("alice", PASSWORD, NOW) is None
    assert people.principal_of_token(token, NOW) is None
    people.resume_user("alice", "cleared", actor="custodian", now=NOW)
    assert people.verify_password("alice", PASSWORD, NOW) is not None
    assert people.principal_of_token(token, NOW) is not None


def test_suspending_needs_a_reason_and_someone(people: People) -> None:
    with pytest.raises(Refused) as refusal:
        people.suspend_user("alice", " ", actor="custodian", now=NOW)
    assert refusal.value.code is Code.REQUEST_INVALID
    with pytest.raises(Refused) as refusal:
        people.suspend_user("nobody", "misuse", actor="custodian", now=NOW)
    assert refusal.value.code is Code.NOT_FOUND


def test_neither_password_nor_token_stands_anywhere_in_the_books(people: People, path: Place) -> None:
    token = people.issue_token("alice", NOW)
    people.verify_password("alice", "a wrong guess", NOW)
    with look(path) as books:
        found = MetaData()
        found.reflect(books)
        text = "\n".join(repr(tuple(row)) for table in found.sorted_tables for row in books.execute(select(table)))
    assert all(secret not in text for secret in (PASSWORD, token, token.removeprefix("haven_"), "a wrong guess"))
    assert "$argon2id$" in text
