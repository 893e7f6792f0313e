"""Releases for everyone who may see them: the list, one release, its figures, its bundle, and the author's acts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from haven.errors import Code, Refused
from haven.policy.roles import Principal, Role
from haven.web.guards import Form, form_of, only
from haven.web.pages.acting import done
from haven.web.pages.showing import show
from haven.web.parts import parts_of
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)

Reader = Annotated[Principal, Depends(only(*Role))]
ResearcherForm = Annotated[Form, Depends(form_of(Role.RESEARCHER))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]


@router.get("/releases")
def releases(request: Request, who: Reader) -> Response:
    """Every release the reader may see."""
    parts = parts_of(request)
    return page(request, "releases.html", who, releases=parts.desk.releases_of(who, parts.clock()))


@router.get("/releases/{release}")
def one_release(request: Request, release: str, who: Reader, item: str | None = None) -> Response:
    """One release, one of its items in the middle."""
    return show(request, who, release, item)


@router.get("/releases/{release}/items/{item}/{name}")
def figure(request: Request, release: str, item: str, name: str, who: Reader) -> Response:
    """A figure, as haven drew it anew. Other forms are shown in the page itself."""
    parts = parts_of(request)
    if not name.endswith(".png"):
        raise Refused(Code.NOT_FOUND, "There is no such figure.", "Go back to the release.")
    return Response(parts.desk.file(who, release, item, name, parts.clock()), media_type="image/png")


@router.get("/releases/{release}/bundle.zip")
def bundle(request: Request, release: str, who: Reader) -> Response:
    """The signed bundle."""
    parts = parts_of(request)
    content = parts.desk.bundle(who, release, parts.clock())
    identity = parts.desk.view(who, release, parts.clock()).id
    return Response(content, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{identity}.zip"'})


@router.post("/releases/{release}/submit")
def submit(request: Request, release: str, form: ResearcherForm) -> Response:
    """The author hands a draft to the desk."""
    parts = parts_of(request)
    return done(request, release, form, lambda: parts.desk.submit(form.principal, release, parts.clock()))


@router.post("/releases/{release}/withdraw")
def withdraw(request: Request, release: str, form: ResearcherForm) -> Response:
    """The author takes a request back."""
    parts = parts_of(request)
    return done(request, release, form, lambda: parts.desk.withdraw(form.principal, release, parts.clock(), form.text("reason")))


@router.post("/releases/{release}/appeal")
def appeal(request: Request, release: str, form: ResearcherForm) -> Response:
    """The author asks that other checkers decide anew."""
    parts = parts_of(request)
    return done(request, release, form, lambda: parts.desk.appeal(form.principal, release, form.text("reason"), parts.clock()))


@router.post("/releases/{release}/revoke")
def revoke(request: Request, release: str, form: CustodianForm) -> Response:
    """A custodian takes a release back."""
    parts = parts_of(request)
    return done(request, release, form, lambda: parts.desk.revoke(form.principal, release, form.text("reason"), parts.clock()))
