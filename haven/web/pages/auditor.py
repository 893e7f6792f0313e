"""The auditor's pages: do the books hold, who did what, one entry with its proof, and a month's report."""

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from haven.ledger.events import Kind
from haven.policy.roles import Principal, Role
from haven.web.auditing import Wanted, entry_page, median, number_of, proof_of, report_of, search, standing
from haven.web.exporting import written
from haven.web.guards import only
from haven.web.house import House
from haven.web.parts import parts_of
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)
Keeper = Annotated[Principal, Depends(only(Role.AUDITOR, Role.CUSTODIAN))]
Auditor = Annotated[Principal, Depends(only(Role.AUDITOR))]
LAST = 2**62
Word = Annotated[str, Query(max_length=200)]
SEE_OTHER = 303
REPORT_HEAD = ("dataset", "project", "questions", "refused", "given_again", "unit", "spent_pico")


@router.get("/audit")
def audit(request: Request, who: Keeper, check: bool = False) -> Response:  # noqa: FBT001, FBT002 - a query parameter
    """How the books are, and the newest entries; with `?check=true` the whole chain is recomputed."""
    parts = parts_of(request)
    vitals, doubt = standing(parts)
    return page(request, "audit.html", who, books=House(parts).books(who, check=check), vitals=vitals, doubt=doubt)


@router.get("/audit/entries")
def entries(request: Request, who: Auditor, wanted: Annotated[Wanted, Depends()], number: Word = "") -> Response:
    """A page of the entries that are looked for; the entry itself where its number or its receipt is named."""
    parts = parts_of(request)
    parts.ledger.noticed.once(Kind.ENTRIES_VIEWED, who.name, {}, parts.clock())
    if number.strip():
        return RedirectResponse(f"{parts.prefix}/audit/entries/{number_of(parts, number.strip())}", SEE_OTHER)
    return page(request, "audit_entries.html", who, wanted=wanted, kinds=tuple(Kind), found=search(parts, wanted))


@router.get("/audit/entries/{seq}")
def entry(request: Request, seq: int, who: Auditor) -> Response:
    """One entry."""
    return page(request, "audit_entry.html", who, one=entry_page(parts_of(request), min(max(seq, 0), LAST)))


@router.get("/audit/entries/{seq}/proof.json")
def proof(request: Request, seq: int, who: Auditor) -> Response:  # noqa: ARG001 - the guard
    """The proof that an entry is in the books, for `haven audit check-proof`."""
    document = proof_of(parts_of(request), min(max(seq, 0), LAST))
    headers = {"Content-Disposition": f'attachment; filename="haven-entry-{seq}.json"'}
    return Response(json.dumps(document, indent=2), media_type="application/json", headers=headers)


@router.get("/audit/report")
def report(request: Request, who: Auditor, month: Word = "") -> Response:
    """A month's report; this month's where none is named."""
    parts = parts_of(request)
    found = report_of(parts, month or parts.clock().strftime("%Y-%m"))
    return page(request, "audit_report.html", who, report=found, waited=median(found.waited_days))


@router.get("/audit/report.csv")
def report_csv(request: Request, who: Auditor, month: Word = "") -> Response:
    """The sums of a month's report, for a spreadsheet. The event is durable before the first line."""
    parts = parts_of(request)
    found = report_of(parts, month or parts.clock().strftime("%Y-%m"))
    parts.ledger.record(Kind.BOOKS_EXPORTED.value, who.name, {"what": "report", "month": found.month}, parts.clock())

    def lines() -> Iterator[bytes]:
        yield written([REPORT_HEAD])
        yield written([(o.dataset, o.project, o.questions, o.refused, o.replayed, o.unit, o.spent_pico) for o in found.lines])

    headers = {"Content-Disposition": f'attachment; filename="haven-report-{found.month}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)
