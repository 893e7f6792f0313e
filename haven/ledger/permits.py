"""From a priced plan and a permit to the reservation that is taken in the books."""

import base64
import secrets
from datetime import datetime

from haven.errors import Code, Refused
from haven.ledger import spends
from haven.ledger.entries import Asking, Reservation
from haven.ledger.writer import Transaction
from haven.policy.authorisation import Authorisation, Caps
from haven.privacy.budget import Price


def new_reservation(plan_digest: str, authorisation: Authorisation, snapshot: int, price: Price, now: datetime) -> Reservation:
    """A reservation with a number of its own; nothing is taken yet."""
    return Reservation(
        id=_new_number(),
        plan_digest=plan_digest,
        policy_digest=authorisation.policy_digest,
        snapshot=snapshot,
        population=authorisation.population,
        dataset=authorisation.dataset,
        project=authorisation.project,
        actor=authorisation.actor,
        price=price,
        reserved_at=now,
    )


def reserve_under(tx: Transaction, reservation: Reservation, permit: Authorisation, asked: Asking) -> Reservation:
    """Take it, while the policies that the permit was made under apply. Refused as `spends.reserve` and `check_policies_apply` say."""
    spends.check_policies_apply(tx, permit)
    return spends.reserve(tx, reservation, permit.caps, asked)


def check_same_definition(price: Price, caps: Caps) -> None:
    """Refused (BUDGET_INVALID) where a cap is in another unit than the price."""
    if any(cap.definition is not price.definition for cap in caps.prices):
        raise Refused(
            Code.BUDGET_INVALID,
            f"This question is priced in {price.definition.unit}, and its budget is not.",
            "Ask with the unit of the dataset's own privacy definition.",
        )


def _new_number() -> str:
    """A spend's number: 80 random bits, so it tells nothing and nobody guesses another's."""
    return "q-" + base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()
