"""The custodian's first pages: is anything wrong, what is left, who asked; pause and resume."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from haven.errors import Code, Refused
from haven.mediator.alerts import RULES, Alert, Urgency
from haven.policy.roles import Principal, Role
from haven.web.burn_down import burn_down_svg, questions_svg
from haven.web.custodian_facts import DatasetOverview
from haven.web.custody import Custody
from haven.web.guards import Form, form_of, only
from haven.web.overviews import burn_down_of, dataset_page, overviews, use_in
from haven.web.parts import parts_of
from haven.web.problems import status_of
from haven.web.rendering import page
from haven.web.use import USUAL_WINDOW, WINDOWS, window_of

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
Custodian = Annotated[Principal, Depends(only(Role.CUSTODIAN))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]


@router.get("/datasets")
def datasets(request: Request, who: Custodian) -> Response:
    """All of the custodian's datasets, what needs somebody first."""
    shown = overviews(Custody(parts_of(request), who))
    return page(request, "datasets.html", who, datasets=shown, urgent=_urgent(shown, Urgency.ACT), worth=_urgent(shown, Urgency.LOOK))


@router.get("/alerts")
def all_alerts(request: Request, who: Custodian) -> Response:
    """Every alert, and the rules they follow from."""
    shown = overviews(Custody(parts_of(request), who))
    urgent, worth = _urgent(shown, Urgency.ACT), _urgent(shown, Urgency.LOOK)
    return page(request, "alerts.html", who, urgent=urgent, worth=worth, rules=RULES, datasets=len(shown))


@router.get("/datasets/{name}")
def dataset(request: Request, name: str, who: Custodian, days: int = USUAL_WINDOW) -> Response:
    """One dataset: what is left, how it went, who asked."""
    return _shown(request, name, who, days)


@router.get("/datasets/{name}/burn-down.svg")
def burn_down(request: Request, name: str, who: Custodian, scheme: str = "light") -> Response:
    """The burn-down as a picture."""
    custody = Custody(parts_of(request), who)
    seen = burn_down_of(custody, custody.dataset(name))
    drawn = burn_down_svg(f"Budget left of {name}", seen.series, seen.exhausted, scheme)
    return Response(drawn, media_type="image/svg+xml")


@router.get("/datasets/{name}/questions-per-day.svg")
def questions_per_day(request: Request, name: str, who: Custodian, days: int = USUAL_WINDOW, scheme: str = "light") -> Response:
    """How many questions were asked a day, as a picture."""
    custody = Custody(parts_of(request), who)
    seen = use_in(custody, custody.dataset(name), window_of(days))
    counts = tuple((date.fromisoformat(line.name), line.questions) for line in reversed(seen.by_day))
    return Response(questions_svg(f"Questions a day to {name}", counts, scheme), media_type="image/svg+xml")


@router.post("/datasets/{name}/pause")
def pause(request: Request, name: str, form: CustodianForm) -> Response:
    """Stop answering."""
    return _act(request, name, form, Custody(parts_of(request), form.principal).pause)


@router.post("/datasets/{name}/resume")
def resume(request: Request, name: str, form: CustodianForm) -> Response:
    """Answer again."""
    return _act(request, name, form, Custody(parts_of(request), form.principal).resume)


def _urgent(shown: list[DatasetOverview], urgency: Urgency) -> list[Alert]:
    """The alerts of all datasets; what waits for a second person concerns nobody's dataset twice."""
    return list(dict.fromkeys(alert for seen in shown for alert in seen.alerts if alert.urgency is urgency))


def _act(request: Request, name: str, form: Form, act: Callable[[str, str, datetime], None]) -> Response:
    parts = parts_of(request)
    try:
        act(name, form.text("reason"), parts.clock())
    except Refused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _shown(request, name, form.principal, USUAL_WINDOW, refused)
    return RedirectResponse(f"{parts.prefix}/datasets/{name}", SEE_OTHER)


def _shown(request: Request, name: str, who: Principal, days: int, refused: Refused | None = None) -> Response:
    custody = Custody(parts_of(request), who)
    policy = custody.dataset(name)
    custody.notice_reading(policy)
    seen = dataset_page(custody, policy, window_of(days))
    status = 200 if refused is None else status_of(refused.code)
    return page(request, "dataset.html", who, status=status, page=seen, dataset=seen.overview, refused=refused, windows=WINDOWS)
