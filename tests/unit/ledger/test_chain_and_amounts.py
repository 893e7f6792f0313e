"""The texts of the books: canonical JSON, links, amounts, times."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from haven.ledger import chain
from haven.ledger.amounts import in_words, loaded, moment_of, stamp, stored
from haven.privacy.budget import Definition, Price
from tests.support.books import rho


def test_canonical_text_does_not_depend_on_the_order_of_keys() -> None:
    assert (
        chain.canonical({"b": 1, "a": [True, None, "é"]})
        == chain.canonical({"a": (True, None, "é"), "b": 1})
        == '{"a":[true,null,"é"],"b":1}'
    )


@pytest.mark.parametrize("value", [1.0, float("nan"), b"x", {1, 2}, object()])
def test_an_entry_holds_no_float_and_no_foreign_object(value: object) -> None:
    with pytest.raises(TypeError):
        chain.canonical({"a": [{"b": value}]})


def test_an_entrys_keys_are_strings() -> None:
    with pytest.raises(TypeError):
        chain.canonical({"a": {1: "x"}})


def test_a_link_is_sha256_of_the_previous_digest_and_the_body() -> None:
    body = '{"actor":"é"}'
    assert chain.link(chain.GENESIS, body) == hashlib.sha256(("0" * 64 + body).encode()).hexdigest()


def test_the_body_covers_number_kind_actor_time_and_detail() -> None:
    assert chain.body_of(7, "k", "alice", "2026", {"x": 1}) == '{"actor":"alice","at":"2026","detail":{"x":1},"kind":"k","seq":7}'


@pytest.mark.parametrize("units", [0, 1, 2**64, 10**60 - 1])
def test_amounts_are_sixty_digits_and_come_back_exactly(units: int) -> None:
    assert len(stored(units)) == 60
    assert loaded(stored(units)) == units


@pytest.mark.parametrize("units", [-1, 10**60])
def test_an_amount_that_does_not_fit_is_an_error(units: int) -> None:
    with pytest.raises(ValueError, match="60 digits"):
        stored(units)


def test_times_of_any_zone_are_written_in_utc_in_one_width_and_in_order() -> None:
    oslo = datetime(2026, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    whole = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert stamp(oslo) == stamp(whole) == "2026-03-01T12:00:00.000000+00:00"
    assert stamp(whole) < stamp(whole + timedelta(microseconds=1))
    assert moment_of(stamp(oslo)) == oslo


@pytest.mark.parametrize(
    ("price", "with_delta", "words"),
    [
        (rho(5 * 10**9), False, "rho 0.005"),
        (rho(1), False, "rho 0.000000000001"),
        (rho(10**12), False, "rho 1"),
        (rho(10**13), True, "rho 10 and delta 0"),
        (rho(0, 10**11), False, "rho 0 and delta 0.0000001"),
        (Price(Definition.PURE, 10**30), False, "epsilon 1000000000000000000"),
    ],
)
def test_a_price_in_words_is_exact(price: Price, with_delta: bool, words: str) -> None:  # noqa: FBT001 - a table's column
    assert in_words(price, with_delta=with_delta) == words
