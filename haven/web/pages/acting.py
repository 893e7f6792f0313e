"""What follows a form: back to the release's page, or the page again with what was refused on top."""

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from haven.errors import Code, Refused
from haven.web.guards import Form
from haven.web.pages.showing import show
from haven.web.parts import parts_of

SEE_OTHER = 303


def done(request: Request, release: str, form: Form, act: Callable[[], object], following: str | None = None) -> Response:
    """Do `act`, then go to the release's page (with item `following`). What the desk refuses is said there, beside what was written."""
    item = form.text("item") or None
    try:
        act()
    except Refused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return show(request, form.principal, release, item, refused=refused, said=form.fields)
    parts = parts_of(request)
    seen = parts.desk.view(form.principal, release, parts.clock())
    shown = next((one.id for one in seen.items if one.id == (following or item)), None)
    query = f"?item={shown}" if shown else ""
    return RedirectResponse(f"{parts.prefix}/releases/{seen.id}{query}", SEE_OTHER)
