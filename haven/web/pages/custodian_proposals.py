"""Acts that wait for a second custodian: read, confirm, decline, or take back."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from haven.errors import Code, Refused
from haven.ledger.proposals import Proposals
from haven.policy.roles import Principal, Role
from haven.web.guards import Form, form_of, only
from haven.web.parts import parts_of
from haven.web.problems import status_of
from haven.web.proposing import Proposing
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
Custodian = Annotated[Principal, Depends(only(Role.CUSTODIAN))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]
Decision = Callable[..., object]


@router.get("/proposals")
def proposals(request: Request, who: Custodian) -> Response:
    """What waits, and what was decided."""
    seen = Proposing(parts_of(request), who)
    return page(request, "proposals.html", who, waiting=seen.waiting(), decided=seen.decided())


@router.get("/proposals/{number}")
def proposal(request: Request, number: str, who: Custodian) -> Response:
    """One proposal, with every change in words."""
    return _shown(request, number, who)


@router.post("/proposals/{number}/confirm")
def confirm(request: Request, number: str, form: CustodianForm) -> Response:
    """Agree: it is done now. Never by its proposer."""
    return _decide(request, number, form, Proposals.confirm)


@router.post("/proposals/{number}/decline")
def decline(request: Request, number: str, form: CustodianForm) -> Response:
    """Say no."""
    return _decide(request, number, form, Proposals.decline)


@router.post("/proposals/{number}/withdraw")
def withdraw(request: Request, number: str, form: CustodianForm) -> Response:
    """Take one's own proposal back."""
    return _decide(request, number, form, Proposals.withdraw)


def _decide(request: Request, number: str, form: Form, decision: Decision) -> Response:
    parts = parts_of(request)
    try:
        decision(parts.ledger.proposals, number, form.text("reason"), actor=form.principal.name, now=parts.clock())
    except Refused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _shown(request, number, form.principal, refused, form.text("reason"))
    return RedirectResponse(f"{parts.prefix}/proposals/{number}", SEE_OTHER)


def _shown(request: Request, number: str, who: Principal, refused: Refused | None = None, said: str = "") -> Response:
    status = 200 if refused is None else status_of(refused.code)
    seen = Proposing(parts_of(request), who).one(number)
    return page(request, "proposal.html", who, status=status, seen=seen, refused=refused, said=said)
