"""The quantities that policies hold, each checked when read: epsilon, delta, days, user names, identifiers.

Budgets are exact decimals: a YAML number is taken as the shortest decimal that is it, so `0.1` is one tenth.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictStr, ValidationInfo, WithJsonSchema

from haven.privacy.budget import ATTO, PICO

LARGEST_EPSILON = Decimal(50)
LARGEST_BENCH_EPSILON = Decimal(10) ** 9
LARGEST_DELTA = Decimal("0.001")


def is_bench(info: ValidationInfo) -> bool:
    """True while a policy of a bench home is read."""
    return bool(info.context and info.context.get("bench"))


def _decimal(value: Any, units: int, name: str) -> Decimal:  # noqa: ANN401 - a validator sees whatever was written
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"{name} is a positive number without quotes.")  # noqa: TRY004 - pydantic needs a ValueError
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not exact.is_finite() or exact <= 0:
        raise ValueError(f"{name} is a positive number.")
    if exact * units != int(exact * units):
        raise ValueError(f"{name} has more digits than its smallest unit, {Decimal(1) / units:.0E}.")
    return Decimal(format(exact.normalize(), "f"))


def _epsilon(value: Any, info: ValidationInfo) -> Decimal:  # noqa: ANN401 - the same
    epsilon = _decimal(value, PICO, "epsilon")
    largest = LARGEST_BENCH_EPSILON if is_bench(info) else LARGEST_EPSILON
    if epsilon > largest:
        raise ValueError(f"epsilon is at most {largest:f}: a larger one promises people nothing.")
    return epsilon


def _delta(value: Any, info: ValidationInfo) -> Decimal:  # noqa: ANN401 - the same
    delta = _decimal(value, ATTO, "delta")
    if delta >= 1 or (delta > LARGEST_DELTA and not is_bench(info)):
        raise ValueError(f"delta is at most {LARGEST_DELTA}: choose it well below one divided by the number of people.")
    return delta


def _day(value: Any) -> date:  # noqa: ANN401 - the same
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("a date is written as 2027-12-31.") from None


NUMBER_SCHEMA = {"type": "number", "exclusiveMinimum": 0}
Epsilon = Annotated[Decimal, BeforeValidator(_epsilon), WithJsonSchema(NUMBER_SCHEMA)]
Delta = Annotated[Decimal, BeforeValidator(_delta), WithJsonSchema(NUMBER_SCHEMA | {"exclusiveMaximum": 1})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
UserName = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
Words = Annotated[StrictStr, Field(min_length=1)]
Country = Annotated[StrictStr, Field(pattern=r"^[A-Z]{2}$")]
Disease = Annotated[StrictStr, Field(pattern=r"^MONDO:[0-9]{7}$")]
Ror = Annotated[StrictStr, Field(pattern=r"^https://ror\.org/0[a-z0-9]{8}$")]
Orcid = Annotated[StrictStr, Field(pattern=r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$")]
Doi = Annotated[StrictStr, Field(pattern=r"^10\.[0-9]{4,9}/\S+$")]
