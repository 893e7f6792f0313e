"""What may be read without paying: datasets, projects, budgets, receipts, the audit."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from haven.web.api.routes import PROBLEMS, ApiRoute, Asker, Rooms, json_reply
from haven.wire.replies import BudgetReply, DatasetReply, ProjectReply, ReceiptReply

router = APIRouter(route_class=ApiRoute, tags=["catalogue"])

Name = Annotated[str, Path(min_length=1, max_length=200)]
MOST_ENTRIES = 1000
LAST = 2**63 - 1


@router.get("/datasets", responses={**PROBLEMS, 200: {"model": list[DatasetReply]}})
def datasets(rooms: Rooms, principal: Asker) -> Response:
    """The catalogue: every dataset's public metadata."""
    return json_reply(rooms.enquiries.datasets(principal))


@router.get("/datasets/{name}", responses={**PROBLEMS, 200: {"model": DatasetReply}})
def dataset(name: Name, rooms: Rooms, principal: Asker) -> Response:
    """One dataset's public metadata."""
    return json_reply(rooms.enquiries.dataset(name, principal))


@router.get("/projects", responses={**PROBLEMS, 200: {"model": list[ProjectReply]}})
def projects(rooms: Rooms, principal: Asker) -> Response:
    """The projects that the asker may see."""
    return json_reply(rooms.enquiries.projects(principal))


@router.get("/projects/{name}/budget", responses={**PROBLEMS, 200: {"model": BudgetReply}})
def budget(name: Name, rooms: Rooms, principal: Asker) -> Response:
    """Total, spent and left of a project, a line a dataset."""
    return json_reply(rooms.enquiries.budget(name, principal))


@router.get("/receipts/{id}", responses={**PROBLEMS, 200: {"model": ReceiptReply}})
def receipt(id: Name, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the contract's name
    """One receipt."""
    return json_reply(rooms.enquiries.receipt(id, principal))


@router.get("/audit", responses={**PROBLEMS, 200: {"model": list[dict[str, object]]}})
def audit(
    rooms: Rooms,
    principal: Asker,
    after: Annotated[int, Query(ge=0, le=LAST)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 100,
) -> Response:
    """Entries of the books after number `after`, oldest first: for auditors and custodians."""
    return json_reply(rooms.enquiries.audit(principal, after, limit))
