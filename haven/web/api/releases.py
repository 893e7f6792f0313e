"""Release requests: ask, follow, review, decide, fetch the bundle. Every rule is the release desk's."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Path, Response

from haven.release import AnswerDraft, Draft, FileDraft, Judgement
from haven.web.api.routes import PROBLEMS, ApiRoute, Asker, Rooms, UploadRoute, json_reply
from haven.wire.releases import GivenReason, ItemsRequest, NoWords, Reason, ReleaseItem, ReleaseRequest, Return, Review, Vote
from haven.wire.replies import ReleaseReply

router = APIRouter(route_class=ApiRoute, tags=["releases"])
uploads = APIRouter(route_class=UploadRoute, tags=["releases"])

Id = Annotated[str, Path(min_length=1, max_length=200)]
ONE = {**PROBLEMS, 200: {"model": ReleaseReply}}
BUNDLE = {**PROBLEMS, 200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/releases", responses={**PROBLEMS, 200: {"model": list[ReleaseReply]}})
def releases(rooms: Rooms, principal: Asker) -> Response:
    """The release requests that the asker may see, newest first."""
    return json_reply([view.document() for view in rooms.desk.releases_of(principal, rooms.clock())])


@uploads.post("/releases", status_code=201, responses={**PROBLEMS, 201: {"model": ReleaseReply}})
def create(message: ReleaseRequest, rooms: Rooms, principal: Asker) -> Response:
    """A new request, as a draft. Its items are frozen by content now."""
    id_ = rooms.desk.create(principal, message.project, message.title, message.context, _drafts(message.items), rooms.clock())
    return _shown(rooms, principal, id_, status=201)


@router.get("/releases/{id}", responses=ONE)
def release(id: Id, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the contract's name
    """One request as the asker may see it."""
    return _shown(rooms, principal, id)


@router.get("/releases/{id}/bundle", responses=BUNDLE, response_class=Response)
def bundle(id: Id, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """The signed bundle of a released request."""
    return Response(rooms.desk.bundle(principal, id, rooms.clock()), media_type="application/zip")


@uploads.post("/releases/{id}/items", responses=ONE)
def edit(id: Id, message: ItemsRequest, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """Other items for a draft or a returned request; one with the same bytes keeps its votes."""
    rooms.desk.edit(principal, id, _drafts(message.items), rooms.clock())
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/submit", responses=ONE)
def submit(id: Id, _: NoWords, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """Hand a request to the desk."""
    rooms.desk.submit(principal, id, rooms.clock())
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/withdraw", responses=ONE)
def withdraw(id: Id, message: Reason, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """Take a request back before it is decided."""
    rooms.desk.withdraw(principal, id, rooms.clock(), message.reason)
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/votes", responses=ONE)
def vote(id: Id, message: Vote, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """A checker's judgement of one item."""
    judgement = Judgement(message.approves, message.rule, message.reason)
    rooms.desk.vote(principal, id, message.item, message.content, judgement, rooms.clock())
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/return", responses=ONE)
def give_back(id: Id, message: Return, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """Return a request to its author with comments."""
    rooms.desk.give_back(principal, id, message.comment, rooms.clock(), message.comments)
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/approve", responses=ONE)
def approve(id: Id, message: Review, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """Complete a review, approving what has no vote yet."""
    rooms.desk.approve(principal, id, message.rule, message.reason, rooms.clock())
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/reject", responses=ONE)
def reject(id: Id, message: Review, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """Complete a review, rejecting every item."""
    rooms.desk.reject(principal, id, message.rule, message.reason, rooms.clock())
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/appeal", responses=ONE)
def appeal(id: Id, message: GivenReason, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """Ask once, after a rejection, that other checkers decide anew."""
    rooms.desk.appeal(principal, id, message.reason, rooms.clock())
    return _shown(rooms, principal, id)


@router.post("/releases/{id}/revoke", responses=ONE)
def revoke(id: Id, message: GivenReason, rooms: Rooms, principal: Asker) -> Response:  # noqa: A002 - the same
    """A custodian takes a release back."""
    rooms.desk.revoke(principal, id, message.reason, rooms.clock())
    return _shown(rooms, principal, id)


def _shown(rooms: Rooms, principal: Asker, id_: str, status: int = 200) -> Response:
    return json_reply(rooms.desk.view(principal, id_, rooms.clock()).document(), status)


def _drafts(items: Iterable[ReleaseItem]) -> list[Draft]:
    return [
        AnswerDraft(item.receipt, item.name, item.note)
        if item.receipt is not None
        else FileDraft(item.name, item.content or b"", item.note)
        for item in items
    ]
