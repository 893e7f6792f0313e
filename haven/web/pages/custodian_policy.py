"""The policy editor: what is wrong with the text, how it differs in words, and the step that follows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from haven.errors import Code, Refused
from haven.ledger.registry import PolicyKind
from haven.policy.roles import Principal, Role
from haven.web.amending import Amending, Draft, Step
from haven.web.custody import Custody
from haven.web.guards import Form, form_of, only
from haven.web.parts import parts_of
from haven.web.problems import status_of
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
Custodian = Annotated[Principal, Depends(only(Role.CUSTODIAN))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]


@router.get("/datasets/{name}/policy")
def policy(request: Request, name: str, who: Custodian) -> Response:
    """The present version, ready to be written on."""
    custody = Custody(parts_of(request), who)
    custody.dataset(name)
    stored = Amending(custody).present(PolicyKind.DATASET, name)
    return _shown(request, custody, Amending(custody).draft_of_dataset(name, stored.text))


@router.post("/datasets/{name}/policy/check")
def check(request: Request, name: str, form: CustodianForm) -> Response:
    """What the text would be as the next version. Nothing is saved."""
    custody = Custody(parts_of(request), form.principal)
    return _shown(request, custody, _draft(custody, name, form), reason=form.text("reason"))


@router.post("/datasets/{name}/policy/save")
def save(request: Request, name: str, form: CustodianForm) -> Response:
    """Save what tightens, propose what loosens: what the reader saw, and nothing else."""
    parts, reason = parts_of(request), form.text("reason")
    custody = Custody(parts, form.principal)
    draft = _draft(custody, name, form)
    try:
        _check_was_seen(draft, form)
        proposal = Amending(custody).put(draft, form.text("over"), reason, parts.clock())
    except Refused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _shown(request, custody, draft, reason=reason, refused=refused)
    where = f"/datasets/{name}/policy" if proposal is None else f"/proposals/{proposal.id}"
    return RedirectResponse(f"{parts.prefix}{where}", SEE_OTHER)


def _draft(custody: Custody, name: str, form: Form) -> Draft:
    # a browser sends its own line ends; the books hold one kind
    return Amending(custody).draft_of_dataset(name, form.text("text").replace("\r\n", "\n"))


def _check_was_seen(draft: Draft, form: Form) -> None:
    if draft.digest != form.text("seen"):
        raise Refused(
            Code.REQUEST_CONFLICT, "The text changed after it was checked.", "Look at the difference below, then save or propose it."
        )


def _shown(request: Request, custody: Custody, draft: Draft, *, reason: str = "", refused: Refused | None = None) -> Response:
    status = 200 if refused is None else status_of(refused.code)
    lines = draft.text.split("\n")
    wrong = [(problem, lines[problem.line - 1].strip()[:200] if problem.line <= len(lines) else "") for problem in draft.problems]
    present = Amending(custody).present(PolicyKind.DATASET, draft.name)
    values = {"draft": draft, "present": present, "wrong": wrong, "step": draft.step, "steps": Step, "reason": reason, "refused": refused}
    return page(request, "policy.html", custody.who, status=status, dataset=custody.dataset(draft.name), **values)
