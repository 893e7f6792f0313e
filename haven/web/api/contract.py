"""The routers of /api/v1 and their OpenAPI description."""

from fastapi import APIRouter, Response
from fastapi.openapi.utils import get_openapi

from haven.web.api import audit, batches, catalogue, questions, releases, watching
from haven.web.api.routes import PREFIX, ApiRoute, json_reply

description = APIRouter(route_class=ApiRoute)
ROUTERS = (questions.router, batches.router, catalogue.router, releases.router, releases.uploads, watching.router, audit.router)


@description.get("/openapi.json", include_in_schema=False)
def openapi() -> Response:
    """The description of this interface (OpenAPI 3.1): public, and the same for everyone."""
    under = APIRouter(prefix=PREFIX)
    for router in ROUTERS:
        under.include_router(router)
    return json_reply(get_openapi(title="haven", version="1", summary="Questions, answers, releases.", routes=under.routes))


def routers() -> list[APIRouter]:
    """Everything under /api/v1. The app gives its rooms as `app.state.parts` (`haven.web.parts.WebParts`)."""
    under = APIRouter(prefix=PREFIX)
    for router in (description, *ROUTERS):
        under.include_router(router)
    return [under]
