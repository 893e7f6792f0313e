"""The checker's pages: the queue, and the acts of a review."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from haven.policy.roles import Principal, Role
from haven.release import Judgement
from haven.web.guards import Form, form_of, only
from haven.web.pages.acting import done
from haven.web.parts import parts_of
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)
Checker = Annotated[Principal, Depends(only(Role.CHECKER))]
CheckerForm = Annotated[Form, Depends(form_of(Role.CHECKER))]


@router.get("/queue")
def queue(request: Request, who: Checker) -> Response:
    """What waits for a decision, and first what this checker may decide."""
    parts = parts_of(request)
    return page(request, "queue.html", who, releases=parts.desk.queue(who, parts.clock()))


@router.post("/releases/{release}/vote")
def vote(request: Request, release: str, form: CheckerForm) -> Response:
    """One item's judgement. `rule` carries both: the criterion belongs to approving or to rejecting."""
    parts = parts_of(request)
    judgement = Judgement(form.text("approves") == "yes", form.text("rule"), form.text("reason"))

    def act() -> None:
        parts.desk.vote(form.principal, release, form.text("item"), form.text("content"), judgement, parts.clock())

    return done(request, release, form, act, form.text("following") or None)


@router.post("/releases/{release}/return")
def give_back(request: Request, release: str, form: CheckerForm) -> Response:
    """Back to the author, with a comment on the item in the middle where there is one."""
    parts = parts_of(request)
    return done(request, release, form, lambda: parts.desk.give_back(form.principal, release, form.text("reason"), parts.clock()))


@router.post("/releases/{release}/approve")
def approve(request: Request, release: str, form: CheckerForm) -> Response:
    """Complete the review: what was voted on stands, the rest is approved."""
    parts = parts_of(request)
    return done(
        request, release, form, lambda: parts.desk.approve(form.principal, release, form.text("rule"), form.text("reason"), parts.clock())
    )


@router.post("/releases/{release}/reject")
def reject(request: Request, release: str, form: CheckerForm) -> Response:
    """Complete the review: everything is rejected."""
    parts = parts_of(request)
    return done(
        request, release, form, lambda: parts.desk.reject(form.principal, release, form.text("rule"), form.text("reason"), parts.clock())
    )
