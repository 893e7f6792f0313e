"""POST /batches: a list of questions as few shared releases, proposed or answered."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from haven.errors import Code, Refused
from haven.mediator.answers import Answer, Consistent, Proposal
from haven.mediator.batches import Batch, Item
from haven.web.api.questions import answer_message, mark
from haven.web.api.routes import PROBLEMS, ApiRoute, Asker, Rooms, json_reply
from haven.web.parts import HomeKind
from haven.wire.answers import errors_to_json, finite
from haven.wire.queries import BatchRequest
from haven.wire.replies import BatchReply, ProposalReply

router = APIRouter(route_class=ApiRoute, tags=["queries"])

REPLIES: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    200: {"model": BatchReply | ProposalReply, "description": "The answers, or with `preview` the proposal."},
}


@router.post("/batches", responses=REPLIES, response_class=JSONResponse)
def ask(message: BatchRequest, rooms: Rooms, principal: Asker) -> JSONResponse:
    """Every answer of a batch, noised and paid for together; with `preview`, the releases and their price, for free."""
    batch = batch_of(message)
    if message.preview:
        return json_reply({**proposal_json(rooms.mediator.propose(batch, principal)), **mark(rooms.kind)})
    asked = rooms.mediator.ask_batch(batch, principal)
    answers = [_answer_json(answer, moved, rooms.kind) for answer, moved in zip(asked.answers, asked.consistent, strict=True)]
    return json_reply({"proposal": proposal_json(asked.proposal), "answers": answers})


def batch_of(message: BatchRequest) -> Batch:
    """The mediator's batch. Refused `budget.invalid` unless it is paid in exactly one way."""
    if (message.epsilon is None) is (message.rho is None):
        raise Refused(Code.BUDGET_INVALID, "Say what to pay in exactly one way.", 'Send "epsilon" or "rho".')
    return Batch(
        project=message.project,
        items=tuple(Item(question.sql, question.weight) for question in message.questions),
        epsilon=message.epsilon,
        rho=message.rho,
        rows_per_unit=message.options.rows_per_unit,
        groups_per_unit=message.options.groups_per_unit,
        replay=message.options.replay,
        idempotency_key=message.idempotency_key,
    )


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """The proposal as it travels."""
    return {
        "cost": proposal.cost,
        "epsilon": proposal.epsilon,
        "share_of_budget": proposal.share_of_budget,
        "left": proposal.left,
        "releases": list(proposal.releases),
        "questions": [
            {**question, "errors": {name: finite(width) for name, width in question["errors"].items()}} for question in proposal.questions
        ],
    }


def _answer_json(answer: Answer, moved: Consistent | None, kind: HomeKind) -> dict[str, Any]:
    consistent = None if moved is None else {"rows": [list(row) for row in moved.rows], "errors": errors_to_json(moved.errors)}
    return {**answer_message(answer, kind).to_json(), "consistent": consistent}
