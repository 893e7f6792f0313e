"""What the pages and the HTTP interface are made of: handed over by whoever puts a haven together."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from starlette.requests import Request

from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.mediator.enquiries import Enquiries
from haven.mediator.mediator import Mediator
from haven.mediator.policies import Policies
from haven.release import ReleaseDesk
from haven.web.identity import IdentityProvider


class HomeKind(StrEnum):
    """What a home is for. A bench home is for audits of exactness and is marked on every page and answer."""

    NORMAL = "normal"
    BENCH = "bench"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WebParts:
    """Everything behind the web. `prefix` is the path above the pages ("" or "/services/haven"); `books` where the ledger is, for audits.

    `secret` signs the tokens of forms: where several processes serve one haven they share it.
    """

    mediator: Mediator
    enquiries: Enquiries
    policies: Policies
    desk: ReleaseDesk
    ledger: Ledger
    identity: IdentityProvider
    books: Place
    kind: HomeKind = HomeKind.NORMAL
    title: str = "haven"
    prefix: str = ""
    clock: Callable[[], datetime] = _utc_now
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


def parts_of(request: Request) -> WebParts:
    """The parts of the application that serves `request`."""
    parts: WebParts = request.app.state.parts
    return parts
