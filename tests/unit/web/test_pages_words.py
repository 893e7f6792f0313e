"""Numbers and times as people read them."""

import math
from datetime import timedelta

import pytest

from haven.privacy.budget import Definition, Price
from haven.web.rendering import ago, number
from haven.web.words import counts_left, percent, promise, share
from tests.support.release_world import NOW


def rho_of_a_count(half_width: float) -> float:
    """The textbook price: sigma = half-width / 1.96, rho = 1 / (2 sigma²)."""
    return 1 / (2 * (half_width / 1.959964) ** 2)


@pytest.mark.parametrize("wanted", [1, 7, 90])
def test_counts_left_follow_the_textbook_price_of_a_count(wanted: int) -> None:
    pico = math.ceil(wanted * rho_of_a_count(20) * 1.06 * 10**12)
    words = counts_left(Price(Definition.ZCDP, pico))
    count = int(words.split()[1].replace(",", ""))
    assert wanted <= count <= math.ceil(wanted * 1.15)
    assert words.endswith(f"more count{'s' if count > 1 else ''} at ± 20")


def test_counts_left_are_rounded_down_and_none_is_said_plainly() -> None:
    assert counts_left(Price(Definition.ZCDP, 0)) == "no further count at ± 20"
    assert counts_left(Price(Definition.PURE, 10**15)).endswith("00 more counts at ± 20")


@pytest.mark.parametrize(
    ("part", "words"), [(0, "nothing"), (0.0001, "less than 0.1 %"), (0.004, "0.4 %"), (0.0999, "10.0 %"), (0.5, "50 %"), (1, "100 %")]
)
def test_shares_in_words(part: float, words: str) -> None:
    assert percent(part) == words


def test_a_share_of_nothing_is_nothing_and_never_above_the_whole() -> None:
    assert share(Price(Definition.ZCDP, 5), Price(Definition.ZCDP, 0)) == 0
    assert share(Price(Definition.ZCDP, 5), Price(Definition.ZCDP, 4)) == 1


def test_promises_name_their_parameters() -> None:
    assert promise(Definition.PURE, "2", None) == "pure differential privacy with ε = 2"
    assert "ε = 4 and δ = 1e-7" in promise(Definition.ZCDP, "4", "1e-7")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_times_are_said_as_people_say_them(before: timedelta, words: str) -> None:
    assert ago(NOW - before, NOW).words == words


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (True, "true"), (False, "false"), (1234567, "1,234,567"), (1234.56789, "1,234.57"), ("a", "a")]
)
def test_cells_are_written_for_reading(value: object, text: str) -> None:
    assert number(value) == text
