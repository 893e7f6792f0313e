"""From what people write (ε, δ) to what adds up (μ², ρ, or pure ε), and back.

Guarantee: every conversion is towards safety: budgets and payments round down, what is reported as lost rounds up. A ρ-zCDP release is
(ε, δ)-DP for ε = inf_{α>1} αρ + ln(1/(αδ))/(α-1) + ln(1-1/α) (Canonne, Kamath, Steinke 2020, arXiv 2004.00010); each α proves its own
pair, so an inexact minimum is still true. Where OpenDP's profile can be evaluated it must agree before a budget is granted. μ² is from the
exact Gaussian curve (`gaussian_dp.proof.md`). A δ is halved: one half for this conversion, one half for partition selections. See
`composition.proof.md`.
"""

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from haven.errors import Code, Refused
from haven.privacy import gaussian_dp, measurements
from haven.privacy.budget import ATTO, PICO, Definition, Price

LARGEST_QUANTITY = 10**9
SELECTIONS_PER_POPULATION = 1000
_CONFIRMED_UP_TO = 1000  # OpenDP's profile overflows from a rho of about 10⁵ on
_DIGITS = 4
_NARROW = 1e-9
_WIDE = Context(prec=120)


def parse_epsilon(value: Decimal) -> Decimal:
    """`value` if it is an ε: finite, above 0, at most 10⁹, at most 12 decimals. Raises Refused(BUDGET_INVALID)."""
    return _quantity(value, "epsilon", 12)


def parse_rho(value: Decimal) -> Decimal:
    """`value` if it is a ρ: finite, above 0, at most 10⁹, at most 12 decimals. Raises Refused(BUDGET_INVALID)."""
    return _quantity(value, "rho", 12)


def parse_delta(value: Decimal) -> Decimal:
    """`value` if it is a δ: finite, above 0, below 1, at most 18 decimals. Raises Refused(BUDGET_INVALID)."""
    if _quantity(value, "delta", 18) >= 1:
        raise Refused(Code.BUDGET_INVALID, "The delta is not below 1.", "Write a delta such as 1e-7.")
    return value


def parse_error(value: Decimal) -> Decimal:
    """`value` if it is a wished half-width: finite, above 0, any number of decimals. Raises Refused(BUDGET_INVALID)."""
    return _quantity(value, "error", None)


def budget_of(definition: Definition, epsilon: Decimal, delta: Decimal | None) -> Price:
    """What a promise of (ε, δ) may spend in all.

    GDP and zCDP: the largest μ² or ρ that is (ε, δ/2)-DP, rounded down, and δ/2 for partition selections. Pure: ε itself; `delta` is None.
    Raises Refused(BUDGET_INVALID) for quantities that are none, or a δ that does not fit the definition; Refused(BUDGET_TOO_SMALL) when
    not one unit of 10⁻¹² comes out.
    """
    price = price_of_epsilon(definition, epsilon, delta)
    if delta is None:
        return price
    return Price(definition, price.pico, math.floor(Fraction(delta) * ATTO / 2))


def price_of_epsilon(definition: Definition, epsilon: Decimal, delta: Decimal | None) -> Price:
    """What one question asking `epsilon=` may spend of μ², ρ or pure ε, by the same conversion as its population's budget; no δ."""
    epsilon = parse_epsilon(epsilon)
    if (delta is None) is not (definition is Definition.PURE):
        raise Refused(
            Code.BUDGET_INVALID,
            "A delta belongs to gdp and zcdp and has no place in pure differential privacy.",
            "Write a delta with `gdp` and `zcdp`, and none with `pure`.",
        )
    if delta is None:
        return Price(definition, _units(epsilon, PICO))
    pico = _LARGEST_OF[definition](epsilon, parse_delta(delta))
    if pico < 1:
        raise Refused(Code.BUDGET_TOO_SMALL, f"This epsilon is worth less than one unit of {definition.unit} (1e-12).", "Raise epsilon.")
    return Price(definition, pico)


def price_of_rho(definition: Definition, rho: Decimal) -> Price:
    """What a question asking `rho=` may spend. Raises Refused(BUDGET_INVALID) unless the definition is zCDP."""
    if definition is Definition.PURE:
        raise Refused(Code.BUDGET_INVALID, "Pure differential privacy is paid in epsilon, not in rho.", "Write epsilon= instead.")
    if definition is Definition.GDP:
        raise Refused(
            Code.BUDGET_INVALID,
            "This population is promised Gaussian differential privacy: its losses add in mu2, and a rho is no price there.",
            "Write epsilon=, or error= with the half-width you wish for.",
        )
    return Price(definition, _units(parse_rho(rho), PICO))


def selection_delta(delta: Decimal) -> int:
    """The δ of one question with private keys, in units of 10⁻¹⁸: a thousandth of the population's δ for selections, rounded down."""
    return math.floor(Fraction(parse_delta(delta)) * ATTO / (2 * SELECTIONS_PER_POPULATION))


@lru_cache(maxsize=4096)
def epsilon_of(price: Price, delta: Decimal | None) -> Decimal:
    """The ε of this loss alone at a population's δ (its half for the conversion), rounded up to 4 significant digits; 0 for no loss.

    Nominal: ε adds under pure DP alone, so these figures of several answers do not sum to the ε of them all.
    """
    if price.pico == 0:
        return Decimal(0)
    if delta is None:
        return _rounded_up(_decimal(price.pico, 12))
    if price.definition is Definition.GDP:
        return _rounded_up(gaussian_dp.least_epsilon(price.pico, Fraction(delta) / 2, _DIGITS))
    return _rounded_up(Decimal(_least_epsilon(price.pico / PICO, math.log(_conversion_delta(delta)))))


def as_quantities(price: Price) -> dict[str, str]:
    """The loss as plain decimal strings, exactly: `{"mu2", "rho" or "epsilon": …, "delta": …}`, without exponents."""
    return {price.definition.unit: f"{_decimal(price.pico, 12):f}", "delta": f"{_decimal(price.atto_delta, 18):f}"}


def _largest_mu2(epsilon: Decimal, delta: Decimal) -> int:
    """The largest μ², in units, whose exact curve at δ/2 is at most `epsilon`."""
    return gaussian_dp.largest_pico(epsilon, Fraction(delta) / 2)


@lru_cache(maxsize=4096)
def _largest_rho_pico(epsilon: Decimal, delta: Decimal) -> int:
    """The largest ρ, in units, whose ε at δ/2 is at most `epsilon`: the formula's, lowered until OpenDP's profile agrees."""
    conversion = _conversion_delta(delta)
    rho = _largest_rho(float(epsilon), math.log(conversion)) * (1 - 1e-12)
    pico, step = math.floor(Fraction(rho) * PICO), 1
    while 0 < pico <= _CONFIRMED_UP_TO * PICO and measurements.epsilon_at(Fraction(pico, PICO), conversion) > epsilon:
        pico, step = pico - step, 2 * step
    return max(0, pico)


_LARGEST_OF: Mapping[Definition, Callable[[Decimal, Decimal], int]] = {Definition.GDP: _largest_mu2, Definition.ZCDP: _largest_rho_pico}


def _conversion_delta(delta: Decimal) -> float:
    """Half of δ, as a float that is not above it."""
    return math.nextafter(float(Fraction(delta) / 2), 0.0)


def _least_epsilon(rho: float, log_delta: float) -> float:
    """The least ε of ρ-zCDP at δ over α = 1 + e^t; never below 0."""
    return max(0.0, -_maximum(lambda t: _slack(t, log_delta) - (1 + math.exp(t)) * rho))


def _largest_rho(epsilon: float, log_delta: float) -> float:
    """The largest ρ that the formula turns into at most ε at δ, over α = 1 + e^t."""
    return _maximum(lambda t: (epsilon + _slack(t, log_delta)) / (1 + math.exp(t)))


def _slack(t: float, log_delta: float) -> float:
    """αρ - ε at the formula's equality: (ln δ + ln α)/(α-1) - ln(1-1/α), with α - 1 = e^t."""
    beta = math.exp(t)
    log_alpha = math.log1p(beta)
    return (log_delta + log_alpha) / beta - t + log_alpha


def _maximum(value: Callable[[float], float]) -> float:
    """The maximum of a function with one peak in t ∈ [-40, 80], by golden section. Every value met is a true bound."""
    low, high, ratio = -40.0, 80.0, (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = value(left), value(right)
    while high - low > _NARROW:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = value(right)
    return max(at_left, at_right)


def _quantity(value: Decimal, name: str, decimals: int | None) -> Decimal:
    """`value` if it is finite, above 0, not beyond 10⁹ and has at most `decimals` decimals; zeros at the end do not count."""
    if not value.is_finite() or value <= 0:
        raise Refused(Code.BUDGET_INVALID, f"The {name} is not a finite number above 0.", f"Write a number such as {name}=0.1.")
    if value > LARGEST_QUANTITY and name != "error":
        raise Refused(Code.BUDGET_INVALID, f"The {name} is larger than any budget.", f"Write a number such as {name}=0.1.")
    if decimals is not None and _decimals(value) > decimals:
        raise Refused(Code.BUDGET_INVALID, f"The {name} has more than {decimals} decimals.", f"Round it to {decimals} decimals.")
    return value


def _decimals(value: Decimal) -> int:
    """How many decimals a finite number has, zeros at the end not counted."""
    _, digits, exponent = value.as_tuple()
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -(int(exponent) + trailing))


def _units(value: Decimal, per_one: int) -> int:
    return math.floor(Fraction(value) * per_one)


def _decimal(units: int, places: int) -> Decimal:
    """An exact decimal without zeros at the end; zero is 0."""
    return Decimal(units).scaleb(-places, _WIDE).normalize(_WIDE)


def _rounded_up(value: Decimal) -> Decimal:
    """`value` rounded up to `_DIGITS` significant digits, written without an exponent."""
    short = value.normalize(Context(prec=_DIGITS, rounding=ROUND_CEILING))
    return Decimal(f"{short:f}")
