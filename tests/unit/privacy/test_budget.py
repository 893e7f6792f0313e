"""Losses add, compare and run out as exact integers."""

import pytest

from haven.privacy.budget import Definition, Price

Z, P = Definition.ZCDP, Definition.PURE


def test_prices_add_part_by_part() -> None:
    assert Price(Z, 3, 5) + Price(Z, 4, 6) == Price(Z, 7, 11)


def test_a_price_covers_only_what_fits_in_every_part() -> None:
    assert Price(Z, 3, 5).covers(Price(Z, 3, 5))
    assert not Price(Z, 3, 5).covers(Price(Z, 4, 0))
    assert not Price(Z, 3, 5).covers(Price(Z, 0, 6))
    assert not Price(Z, 3).covers(Price(P, 1))


def test_what_is_left_is_never_below_zero() -> None:
    assert Price(Z, 3, 5).minus(Price(Z, 1, 9)) == Price(Z, 2, 0)


def test_integers_wider_than_64_bits_stay_exact() -> None:
    assert (Price(P, 10**21) + Price(P, 1)).pico == 10**21 + 1


def test_different_definitions_do_not_add() -> None:
    with pytest.raises(ValueError, match="do not add"):
        Price(Z, 1) + Price(P, 1)


@pytest.mark.parametrize(("definition", "pico", "atto"), [(Z, -1, 0), (Z, 0, -1), (P, 1, 1)])
def test_a_price_that_cannot_be_is_not_built(definition: Definition, pico: int, atto: int) -> None:
    with pytest.raises(ValueError, match=r"never negative|no delta"):
        Price(definition, pico, atto)


def test_each_definition_names_the_quantity_it_adds() -> None:
    assert (Z.unit, P.unit) == ("rho", "epsilon")
