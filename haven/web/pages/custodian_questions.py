"""The questions that a dataset was asked, a page at a time; each in words; and what a custodian takes along of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from haven.errors import Code, Refused
from haven.ledger.usage import Which
from haven.policy.roles import Principal, Role
from haven.web.custody import Custody
from haven.web.exporting import Export, export
from haven.web.guards import Form, form_of, only
from haven.web.parts import parts_of
from haven.web.questions import detail_of, page_of
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)
Custodian = Annotated[Principal, Depends(only(Role.CUSTODIAN))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]


@router.get("/datasets/{name}/questions")
def questions(request: Request, name: str, who: Custodian, project: str = "", researcher: str = "", before: int | None = None) -> Response:
    """A page of questions, the newest first, of a project or a person where one is named."""
    parts = parts_of(request)
    custody = Custody(parts, who)
    policy = custody.dataset(name)
    custody.notice_reading(policy)
    which = Which(policy.dataset, project or None, researcher or None, before)
    with parts.ledger.read() as connection:
        shown = page_of(connection, policy, which)
    return page(request, "questions.html", who, dataset=policy, questions=shown, project=project, researcher=researcher, before=before)


@router.get("/datasets/{name}/questions/{receipt}")
def question(request: Request, name: str, receipt: str, who: Custodian) -> Response:
    """One question: what was asked, what was done, what it cost, what the checks said."""
    parts = parts_of(request)
    custody = Custody(parts, who)
    policy = custody.dataset(name)
    shown = detail_of(parts.ledger, policy, receipt)
    custody.notice_reading(policy)
    return page(request, "question.html", who, dataset=policy, question=shown)


@router.post("/datasets/{name}/export")
def take_along(request: Request, name: str, form: CustodianForm) -> Response:
    """The questions or the days as CSV. The export is an event."""
    custody = Custody(parts_of(request), form.principal)
    policy = custody.dataset(name)
    what = next((each for each in Export if each == form.text("what")), None)
    if what is None:
        raise Refused(Code.REQUEST_INVALID, "There is no such export.", "Choose the questions or the days.")
    headers = {"Content-Disposition": f'attachment; filename="{policy.dataset}-{what.value}.csv"'}
    return StreamingResponse(export(custody, policy, what), media_type="text/csv; charset=utf-8", headers=headers)
