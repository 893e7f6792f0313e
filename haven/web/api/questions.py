"""POST /queries: a question's price, or its answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from starlette.responses import JSONResponse

from haven.errors import Code, Refused
from haven.mediator.answers import Answer, Preview, Question
from haven.web.api.routes import PROBLEMS, ApiRoute, Asker, Rooms, json_reply
from haven.web.parts import HomeKind
from haven.wire import arrow
from haven.wire.answers import AnswerMessage, CellType, Column, finite
from haven.wire.queries import QueryRequest
from haven.wire.replies import AnswerReply, CancelReply, PreviewReply, StationReply

router = APIRouter(route_class=ApiRoute, tags=["queries"])

JSON = "application/json"
ANSWERS: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    200: {
        "model": AnswerReply | PreviewReply,
        "description": "The answer (an Arrow IPC stream; JSON where `Accept` prefers it), or the preview (JSON).",
        "content": {arrow.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
}
STANDING: dict[int | str, dict[str, Any]] = {**PROBLEMS, 200: {"model": StationReply, "description": "Where it stands."}}
CALLED: dict[int | str, dict[str, Any]] = {**PROBLEMS, 200: {"model": CancelReply, "description": "What calling it back did."}}
Key = Annotated[str, Path(min_length=1, max_length=200, description="The question's idempotency key.")]


@router.post("/queries", responses=ANSWERS, response_class=JSONResponse)
def ask(message: QueryRequest, rooms: Rooms, principal: Asker, accept: Annotated[str, Header()] = "*/*") -> Response:
    """The answer to a question, noised and paid for; with `preview`, its price alone, for free."""
    question = question_of(message)
    if message.preview:
        return json_reply({**preview_json(rooms.mediator.preview(question, principal)), **mark(rooms.kind)})
    answer = answer_message(rooms.mediator.ask(question, principal), rooms.kind)
    if prefers_json(accept):
        return json_reply(answer.to_json())
    return Response(arrow.encode(answer), media_type=arrow.MEDIA_TYPE)


@router.get("/queries/{key}", responses=STANDING)
def station(key: Key, rooms: Rooms, principal: Asker) -> JSONResponse:
    """Where a question of yours stands that is on its way under this idempotency key: waiting, running or noising. Nothing of its rows."""
    return json_reply({"station": str(rooms.mediator.station(key, principal))})


@router.delete("/queries/{key}", responses=CALLED)
def cancel(key: Key, rooms: Rooms, principal: Asker) -> JSONResponse:
    """Call a question of yours back. Before anything was looked at it is free; after that it is ended, and spent all the same."""
    return json_reply({"cancelled": str(rooms.mediator.call_back(key, principal))})


def question_of(message: QueryRequest) -> Question:
    """The mediator's question. Refused `budget.invalid` unless it is paid in exactly one way."""
    if sum(amount is not None for amount in (message.epsilon, message.rho, message.error, message.relative_error)) != 1:
        raise Refused(
            Code.BUDGET_INVALID, "Say what to pay in exactly one way.", 'Send one of "epsilon", "rho", "error" and "relative_error".'
        )
    options = message.options
    return Question(
        project=message.project,
        sql=message.sql,
        epsilon=message.epsilon,
        rho=message.rho,
        error=message.error,
        relative_error=message.relative_error,
        size_hint=options.size_hint,
        rows_per_unit=options.rows_per_unit,
        groups_per_unit=options.groups_per_unit,
        weights=dict(options.weights or {}),
        replay=options.replay,
        idempotency_key=message.idempotency_key,
    )


def answer_message(answer: Answer, kind: HomeKind = HomeKind.NORMAL) -> AnswerMessage:
    """The answer as it travels."""
    columns = tuple(Column(column.name, CellType(column.type.value)) for column in answer.columns)
    return AnswerMessage(columns, answer.rows, answer.errors, {**answer.receipt, **mark(kind)})


def mark(kind: HomeKind) -> dict[str, bool]:
    """What every answer of a bench home says: nobody is promised anything there."""
    return {"bench": True} if kind is HomeKind.BENCH else {}


def preview_json(preview: Preview) -> dict[str, Any]:
    """The preview as it travels."""
    return {
        "columns": [{"name": column.name, "type": column.type.value} for column in preview.columns],
        "cost": preview.cost,
        "epsilon": preview.epsilon,
        "share_of_budget": preview.share_of_budget,
        "left": preview.left,
        "errors": {name: finite(width) for name, width in preview.errors.items()},
        "mechanisms": list(preview.mechanisms),
        "warnings": list(preview.warnings),
        "words": list(preview.words),
        "free": preview.free,
        "plan": preview.plan,
        "expected": {name: {what: finite(value) for what, value in widths.items()} for name, widths in preview.expected.items()},
        "made_from": preview.made_from,
    }


def prefers_json(accept: str) -> bool:
    """Whether an `Accept` header ranks JSON above Arrow. At the same rank the one that is named wins, and Arrow where both or none are."""
    json_rank, arrow_rank = _rank(accept, JSON), _rank(accept, arrow.MEDIA_TYPE)
    return json_rank > arrow_rank


def _rank(accept: str, media_type: str) -> tuple[float, int]:
    """The quality of `media_type` by the most specific range that matches it, and how specific that is."""
    ranges = {media_type: 2, f"{media_type.partition('/')[0]}/*": 1, "*/*": 0}
    found = [(ranges[name], quality) for name, quality in map(_range, accept.split(",")) if name in ranges]
    specificity, quality = max(found, default=(0, 0.0))
    return quality, specificity


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    return name, float(quality) if quality.replace(".", "", 1).isdecimal() and quality.isascii() else 0.0
