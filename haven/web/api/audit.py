"""GET /events: what happened, in sentences, as far as the asker may know it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from haven.ledger.events import Kind
from haven.web.api.routes import PROBLEMS, ApiRoute, Asker, Rooms, json_reply
from haven.wire.replies import EventsReply

router = APIRouter(route_class=ApiRoute, tags=["audit"])
LAST = 2**63 - 1


@router.get("/events", responses={**PROBLEMS, 200: {"model": EventsReply}})
def events(
    rooms: Rooms,
    principal: Asker,
    before: Annotated[int | None, Query(ge=1, le=LAST)] = None,
    kind: Kind | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """A page of events, newest first: a researcher's own, those of a custodian's datasets, all for an auditor."""
    return json_reply(rooms.enquiries.events(principal, before, kind, limit))
