"""What only books in PostgreSQL have: an address, a server that may be unfit, a lock of their own, and texts that it does not know."""

import traceback
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum

import psycopg
import pytest
from sqlalchemy import insert, select, text

from haven.errors import Code, Fault, Refused
from haven.ledger import opening
from haven.ledger.failures import LEDGER_FAULT
from haven.ledger.ledger import Ledger
from haven.ledger.postgres_server import WRITERS_LOCK, address_of
from haven.ledger.schema import counters
from tests.support.books import ANSWER, NOW, caps, outsider, permit, plan, rho
from tests.support.postgres import Cluster

SECRET = "correct-horse"  # noqa: S105 - a password that must appear nowhere


class Kind(StrEnum):
    """A name that is not its text."""

    NAMED = "the text"


@pytest.fixture(name="address")
def _address(postgres_cluster: Cluster) -> str:
    return postgres_cluster.fresh()


@pytest.fixture(name="ledger")
def _ledger(address: str) -> Iterator[Ledger]:
    with Ledger.open(address) as ledger:
        yield ledger


@pytest.mark.parametrize("place", [f"mysql://alice:{SECRET}@host/books", f"http://{SECRET}", "://", "postgresql://host:port/books"])
def test_an_address_of_something_else_is_refused_without_being_repeated(place: str) -> None:
    with pytest.raises(Refused) as refusal:
        Ledger.open(place)
    assert refusal.value.code is Code.HOME_INVALID
    assert SECRET not in str(refusal.value)


def test_a_server_out_of_reach_is_the_constant_fault_and_names_no_password() -> None:
    with pytest.raises(Fault) as fault:
        Ledger.open(f"postgresql://alice:{SECRET}@127.0.0.1:1/books")
    assert str(fault.value) == LEDGER_FAULT
    assert SECRET not in "".join(traceback.format_exception(fault.value))
    assert SECRET not in repr(opening.database_at(f"postgresql://alice:{SECRET}@127.0.0.1:1/books", timedelta(seconds=1)))


def test_what_an_address_says_of_the_network_goes_before_the_houses_own() -> None:
    given = address_of("postgresql://host/books?connect_timeout=60&sslmode=verify-full").query
    assert (given["connect_timeout"], given["sslmode"], given["keepalives_idle"]) == ("60", "verify-full", "5")


@pytest.mark.parametrize(
    ("making", "said"),
    [
        ("ENCODING 'SQL_ASCII' LOCALE 'C'", "UTF-8"),
        ("ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en'", "orders text by a language"),
    ],
)
def test_a_database_that_would_not_keep_text_as_it_is_is_refused(postgres_cluster: Cluster, making: str, said: str) -> None:
    try:
        postgres_cluster.say(f"CREATE DATABASE unfit TEMPLATE template0 {making}")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this PostgreSQL was built without ICU")
    try:
        with pytest.raises(Refused, match=said) as refusal:
            Ledger.open(postgres_cluster.address("unfit"))
        assert refusal.value.code is Code.HOME_INVALID
    finally:
        postgres_cluster.say("DROP DATABASE unfit")


def test_a_server_that_may_lose_what_it_committed_is_refused(postgres_cluster: Cluster, address: str) -> None:
    try:
        postgres_cluster.say("ALTER SYSTEM SET fsync = off")
        postgres_cluster.say("SELECT pg_reload_conf()")
        _wait_for(address, "off")
        with pytest.raises(Refused, match="fsync off"):
            Ledger.open(address)
    finally:
        postgres_cluster.say("ALTER SYSTEM RESET fsync")
        postgres_cluster.say("SELECT pg_reload_conf()")
        _wait_for(address, "on")


def _wait_for(address: str, wished: str) -> None:
    for _ in range(500):
        with outsider(address) as connection:
            if connection.execute("SHOW fsync").fetchone() == (wished,):
                return
    pytest.fail("the server did not take its new setting")


def test_a_writing_transaction_is_durable_alone_and_of_limited_time(ledger: Ledger) -> None:
    names = ("synchronous_commit", "transaction_isolation", "transaction_read_only", "lock_timeout", "statement_timeout")
    with ledger.transaction() as tx:
        found = [tx.connection.execute(text(f"SHOW {name}")).scalar() for name in names]
        held = (
            tx.connection.execute(text("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")).scalars().all()
        )
    assert found == ["on", "read committed", "off", "5s", "15s"]
    assert held == [WRITERS_LOCK & 0xFFFFFFFF]


def test_a_reading_transaction_sees_one_moment_and_cannot_write(ledger: Ledger) -> None:
    with ledger.read() as connection:
        before = connection.execute(select(counters)).all()
        ledger.record("k", "carol", {}, NOW)
        with ledger.transaction() as tx:
            tx.connection.execute(insert(counters), {"name": "desk", "value": 7})
        assert connection.execute(select(counters)).all() == before
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "on"


def test_two_writers_take_their_turns_however_long_one_takes(address: str, ledger: Ledger) -> None:
    with Ledger.open(address) as other:
        with ledger.transaction() as tx:
            tx.append("first", "carol", {}, NOW)
            assert other.entries() == ()
        assert other.record("second", "carol", {}, NOW).seq == 2


def test_a_connection_that_the_server_ended_while_idle_costs_nobody_a_fault(address: str, ledger: Ledger) -> None:
    reservation = ledger.reserve(plan(rho(1)), permit(caps(rho(9))), 1, NOW, "key")
    assert ledger.population_balance("nafld").taken == rho(1)
    with outsider(address) as connection:
        mine = "pid <> pg_backend_pid() AND datname = current_database()"
        connection.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}")  # noqa: S608 - it stands above
    receipt = ledger.post(reservation, ANSWER, "pass", NOW)
    assert ledger.population_balance("nafld").spent == rho(1)
    assert ledger.receipt(receipt.id) == receipt
    assert ledger.earlier("alice", "liver", "key", "plan-digest", 1) is not None


@pytest.mark.parametrize("table", ["entries", "spends", "answers", "offers", "policies", "snapshots", "tiles", "checkpoints"])
def test_a_table_that_only_grows_cannot_be_emptied(address: str, table: str) -> None:
    with outsider(address) as connection, pytest.raises(psycopg.IntegrityError, match="only grow"):
        connection.execute(f"TRUNCATE {table} CASCADE")


def test_a_member_of_an_enumeration_is_its_text(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.connection.execute(insert(counters), {"name": Kind.NAMED, "value": 1})
    with ledger.read() as connection:
        assert connection.execute(select(counters.c.value).where(counters.c.name == "the text")).scalar() == 1


def test_a_text_that_the_server_cannot_keep_is_refused_and_changes_nothing(ledger: Ledger) -> None:
    with pytest.raises(Refused, match="NUL"):
        ledger.reserve(plan(rho(1)), permit(caps(rho(9))), 1, NOW, "a\x00b")
    with pytest.raises(Refused, match="NUL"):
        ledger.people.person("a\x00b")
    assert ledger.population_balance("nafld").taken == rho(0)
    assert ledger.entries() == ()
