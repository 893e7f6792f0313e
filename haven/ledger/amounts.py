"""How losses and times are written in the books: fixed-width decimal text and UTC text, so that the order of text is the order of values.

A loss may exceed 64 bits (ε = 10⁹ is 10²¹ units), so it is never a database integer: it is 60 decimal digits, summed in Python.
"""

from datetime import UTC, datetime
from decimal import Decimal

from haven.privacy.budget import ATTO, PICO, Price

WIDTH = 60


def stored(units: int) -> str:
    """`units` (≥ 0) as text of exactly 60 digits. ValueError where it does not fit: the books never round."""
    text = f"{units:0{WIDTH}d}"
    if units < 0 or len(text) > WIDTH:
        msg = "an amount in the books has at most 60 digits and no sign"
        raise ValueError(msg)
    return text


def loaded(text: str) -> int:
    """The inverse of `stored`."""
    return int(text)


def stamp(moment: datetime) -> str:
    """`moment` in UTC to the microsecond, in text of one width. ValueError for a time without a zone."""
    if moment.tzinfo is None:
        msg = "a time in the books has a zone"
        raise ValueError(msg)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """The inverse of `stamp`."""
    return datetime.fromisoformat(text)


def _decimal(units: int, scale: int) -> str:
    """Exact: `units`/`scale` without an exponent or trailing zeros (`scale` is a power of ten)."""
    digits = len(str(scale)) - 1
    text = f"{Decimal((0, tuple(int(digit) for digit in str(units)), -digits)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_words(price: Price, *, with_delta: bool = False) -> str:
    """`price` exactly, for a sentence: "rho 0.005", with "and delta …" where there is one or `with_delta` asks for it."""
    words = f"{price.definition.unit} {_decimal(price.pico, PICO)}"
    return f"{words} and delta {_decimal(price.atto_delta, ATTO)}" if price.atto_delta or with_delta else words
