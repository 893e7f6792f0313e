"""The books' running total against OpenDP's own odometer and privacy filter, on random sequences of adaptively chosen scales.

OpenDP adds floats and rounds every step up; the books hold integers, each price rounded up to a unit of 10⁻¹². So the two may part by as
many units as there were spends, and no more: what the books let through the filter lets through, and the other way round but for those.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import opendp.prelude as dp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.policy.authorisation import Caps
from haven.privacy.budget import PICO, Definition, Price
from tests.support.books import ANSWER, later, permit, plan

dp.enable_features("contrib")
VECTOR = dp.vector_domain(dp.atom_domain(T="i64"), size=1)
ULP = 2.0**-40
SPACES: dict[Definition, tuple[Any, Any, Any]] = {
    Definition.ZCDP: (dp.l2_distance(T="f64"), dp.zero_concentrated_divergence(), dp.m.make_gaussian),
    Definition.PURE: (dp.l1_distance(T="f64"), dp.max_divergence(), dp.m.make_laplace),
}


class Peer:
    """OpenDP's odometer over the spends that were let through, and a filter that is told of them anew for each next one."""

    def __init__(self, definition: Definition, budget: int) -> None:
        self.metric, measure, self.make = SPACES[definition]
        self.odometer = dp.c.make_fully_adaptive_composition(VECTOR, self.metric, measure)
        self.filter = dp.c.make_privacy_filter(self.odometer, d_in=1.0, d_out=budget / PICO)
        self.taken: list[Any] = []

    def measurement(self, scale: float) -> Any:  # noqa: ANN401 - OpenDP's types are its own
        return self.make(VECTOR, self.metric, scale=scale)

    def lets_through(self, measurement: Any) -> bool:  # noqa: ANN401 - the same
        """Whether a filter that answered everything let through so far answers this too: once it refuses it answers nothing more."""
        fresh = self.filter([7])
        for one in self.taken:
            fresh(one)
        try:
            fresh(measurement)
        except dp.OpenDPException:
            return False
        return True

    def loss(self) -> Fraction:
        """What the odometer says is lost, in units of 10⁻¹²."""
        running = self.odometer([7])
        for one in self.taken:
            running(one)
        return Fraction(running.privacy_loss(1.0)) * PICO


@pytest.mark.parametrize("definition", list(SPACES))
@given(
    scales=st.lists(st.floats(0.7, 40.0), min_size=1, max_size=12),
    budget=st.integers(PICO // 100, 2 * PICO),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_running_total_is_opendps_and_never_lets_through_what_its_filter_refuses(
    tmp_path: Path, definition: Definition, scales: Sequence[float], budget: int
) -> None:
    peer, cap, total = Peer(definition, budget), Price(definition, budget), 0
    allowed = permit(Caps(cap, cap, cap))
    with TemporaryDirectory(dir=tmp_path) as folder, Ledger.open(Path(folder) / "books.sqlite") as ledger:
        for minute, scale in enumerate(scales):
            measurement = peer.measurement(scale)
            price = math.ceil(Fraction(measurement.map(1.0)) * PICO)
            try:
                reservation = ledger.reserve(plan(Price(definition, price)), allowed, 1, later(minutes=minute))
            except Refused as refusal:
                assert refusal.code is Code.BUDGET_EXHAUSTED  # noqa: PT017 - the peer says below whether it may be refused at all
                parted_by_rounding = total + price - budget <= len(peer.taken) + 1
                assert parted_by_rounding or not peer.lets_through(measurement)
                continue
            met_to_the_unit = total + price >= budget - 1  # there OpenDP's floats, rounded up, may come to more
            assert met_to_the_unit or peer.lets_through(measurement)
            peer.taken.append(measurement)
            ledger.post(reservation, ANSWER, "pass", later(minutes=minute))
            total += price
        spent = ledger.population_balance("nafld", definition=definition).spent
        if peer.taken:
            loss = peer.loss()
            assert spent.pico == total
            assert loss * (1 - Fraction(ULP)) <= spent.pico <= loss + len(peer.taken)
        else:
            assert spent.pico == 0
