"""Refusals that a page or an API route gives to someone known are noticed in the books, by their code alone."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from haven.errors import Refused
from haven.ledger.days import Whose
from haven.policy.roles import Principal
from haven.web.parts import WebParts, parts_of


async def notice(request: Request, error: Exception) -> None:
    """Notice a refusal of the person who asks, unless an inner room did. Of a stranger nothing is kept: nobody could be named."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if isinstance(error, Refused) and principal is not None:
        await run_in_threadpool(notice_now, parts_of(request), principal, error)


def notice_now(parts: WebParts, principal: Principal, refused: Refused) -> None:
    """The same, from a thread that may wait."""
    if not refused.noticed:
        parts.ledger.noticed.refused(Whose("", "", principal.name), refused.code, parts.clock())
        refused.noticed = True
