"""A project's share of a dataset: what it could still ask, what another share would allow, and the change itself."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from haven.errors import Code, Refused
from haven.policy.roles import Principal, Role
from haven.web.amending import Amending
from haven.web.custody import Custody
from haven.web.guards import Form, form_of, only
from haven.web.parts import parts_of
from haven.web.problems import status_of
from haven.web.rendering import page
from haven.web.shares import QUESTIONS, SharePreview, preview, share_page

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
Custodian = Annotated[Principal, Depends(only(Role.CUSTODIAN))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]


@router.get("/datasets/{name}/projects/{project}")
def share(request: Request, name: str, project: str, who: Custodian, epsilon: str = "") -> Response:
    """The share as it is; with `?epsilon=` also as it would be."""
    custody = Custody(parts_of(request), who)
    custody.share(name, project)
    if not epsilon.strip():
        return _shown(request, custody, name, project)
    try:
        seen = preview(custody, name, project, epsilon)
    except Refused as refused:
        return _shown(request, custody, name, project, refused=refused, said=epsilon)
    return _shown(request, custody, name, project, seen=seen, said=epsilon)


@router.post("/datasets/{name}/projects/{project}/share")
def change(request: Request, name: str, project: str, form: CustodianForm) -> Response:
    """Make the change that was looked at: a smaller share at once, a larger one once a second custodian confirms it."""
    parts, said = parts_of(request), form.text("epsilon")
    custody = Custody(parts, form.principal)
    custody.share(name, project)
    seen = None
    try:
        seen = preview(custody, name, project, said)
        proposal = Amending(custody).put(seen.draft, form.text("over"), form.text("reason"), parts.clock())
    except Refused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _shown(request, custody, name, project, refused=refused, said=said, seen=seen)
    where = f"/datasets/{name}/projects/{project}" if proposal is None else f"/proposals/{proposal.id}"
    return RedirectResponse(f"{parts.prefix}{where}", SEE_OTHER)


def _shown(
    request: Request,
    custody: Custody,
    name: str,
    project: str,
    *,
    refused: Refused | None = None,
    said: str = "",
    seen: SharePreview | None = None,
) -> Response:
    status = 200 if refused is None else status_of(refused.code)
    shown = share_page(custody, name, project)
    values = {"share": shown, "preview": seen, "refused": refused, "said": said, "equal_parts": QUESTIONS}
    return page(request, "share.html", custody.who, status=status, **values)
