"""The normal law to 80 digits: tails, the Mills ratio and the Gaussian privacy curve, by which budgets are granted and prices rounded.

Guarantee: every function here is within 10⁻⁷⁰ of itself (relative error) where its docstring says so, by arithmetic that rounds each step
correctly (Python's decimals, IEEE 854) and by a continued fraction whose steps lie above and below its value in turn. What is granted
or booked leaves a margin of 10⁻⁶⁰, so no rounding of these functions can lower a loss. See `gaussian_dp.proof.md`.
"""

import math
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, Overflow

EXACT = Context(prec=110, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[InvalidOperation, Overflow])
"""The context of every step. Far tails stay numbers: e^(-10⁹) is no underflow."""
MARGIN = Decimal("1e-60")
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651328230664709")
_ROOT_TAU = EXACT.sqrt(EXACT.multiply(PI, Decimal(2)))
_NEAR = Decimal(8)
_HALF = Decimal("0.5")
_STEPS = 64


def density(x: Decimal) -> Decimal:
    """φ(x), to 10⁻¹⁰⁰ of itself for |x| ≤ 10⁵."""
    return EXACT.divide(EXACT.exp(EXACT.divide(EXACT.minus(EXACT.multiply(x, x)), Decimal(2))), _ROOT_TAU)


def mills(x: Decimal) -> Decimal:
    """R(x) = P(N(0, 1) > x) / φ(x) for x ≥ 0, to 10⁻⁸⁵ of itself."""
    return _continued_fraction(x) if x >= _NEAR else EXACT.divide(_near_tail(x), density(x))


def upper_tail(x: Decimal) -> Decimal:
    """P(N(0, 1) > x), to 10⁻⁸⁵ of itself."""
    if x >= _NEAR:
        return EXACT.multiply(density(x), _continued_fraction(x))
    if x.copy_negate() >= _NEAR:
        return EXACT.subtract(Decimal(1), upper_tail(x.copy_negate()))
    return _near_tail(x)


def curve(epsilon: Decimal, mu: Decimal) -> Decimal:
    """The δ of N(0, 1) and N(μ, 1) at ε: Φ(μ/2 - ε/μ) - e^ε·Φ(-μ/2 - ε/μ), for ε ≥ 0 and μ > 0 (Balle and Wang 2018, theorem 8).

    Written φ(a)·R(b) for the last term, a = ε/μ - μ/2 and b = ε/μ + μ/2, so that nothing overflows. To 10⁻⁷⁰ of itself wherever
    b ≤ 10⁵ and μ ≥ 10⁻¹⁰·b, where the difference loses 12 digits at most.
    """
    ratio, half = EXACT.divide(epsilon, mu), EXACT.multiply(mu, _HALF)
    low, high = EXACT.subtract(ratio, half), EXACT.add(ratio, half)
    return EXACT.subtract(upper_tail(low), EXACT.multiply(density(low), mills(high)))


def curve_slopes(epsilon: Decimal, mu: Decimal) -> tuple[Decimal, Decimal]:
    """The derivatives of `curve` in ε and in μ: -φ(a)·R(b) and φ(a). For searching, not for proving."""
    ratio, half = EXACT.divide(epsilon, mu), EXACT.multiply(mu, _HALF)
    at = density(EXACT.subtract(ratio, half))
    return EXACT.minus(EXACT.multiply(at, mills(EXACT.add(ratio, half)))), at


def _near_tail(x: Decimal) -> Decimal:
    """The tail for |x| < 8: 1/2 - φ(x)·Σ x^(2k+1)/(2k+1)!!, whose terms have one sign; the difference loses 16 digits at most."""
    term, total, square, odd = x, x, EXACT.multiply(x, x), 1
    while term and term.adjusted() > total.adjusted() - 112:
        odd += 2
        term = EXACT.divide(EXACT.multiply(term, square), Decimal(odd))
        total = EXACT.add(total, term)
    return EXACT.subtract(_HALF, EXACT.multiply(density(x), total))


def _continued_fraction(x: Decimal) -> Decimal:
    """R(x) = 1/(x + 1/(x + 2/(x + 3/(x + …)))) for x ≥ 8 (Laplace): its truncations lie above and below in turn."""
    steps = _STEPS + math.ceil((130 / float(x)) ** 2)
    one, other = _truncated(x, steps), _truncated(x, steps + 1)
    if EXACT.subtract(one, other).copy_abs() > EXACT.multiply(one, Decimal("1e-92")):
        msg = "the continued fraction has not settled"
        raise ArithmeticError(msg)
    return one


def _truncated(x: Decimal, steps: int) -> Decimal:
    rest = x
    for step in range(steps, 0, -1):
        rest = EXACT.add(x, EXACT.divide(Decimal(step), rest))
    return EXACT.divide(Decimal(1), rest)
