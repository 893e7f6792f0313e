"""A service in the mediator's place, behind haven's own identity checks: it says who it believes is asking."""

import os
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from haven.errors import Fault, Refused
from haven.hub.config import SERVICE_PREFIX
from haven.hub.identity import HubIdentity
from haven.hub.listening import private_socket
from haven.hub.settings import HOME_VARIABLE
from haven.ledger.ledger import Ledger


def application(identity: HubIdentity) -> Starlette:
    async def who(request: Request) -> Response:
        try:
            principal = await identity.of_request(request)
        except (Refused, Fault) as refusal:
            return JSONResponse({"code": refusal.code, "detail": refusal.reason}, status_code=403)
        if principal is None:
            return JSONResponse({"code": "auth.missing"}, status_code=401)
        sent = {name: value for name, value in request.headers.items() if name.startswith("x-")}
        return JSONResponse({"name": principal.name, "role": principal.role, "server": principal.server, "sent": sorted(sent)})

    async def page(request: Request) -> Response:
        principal = await identity.of_request(request)
        if principal is None:
            return RedirectResponse(identity.login_url(request.url.path), status_code=303)
        return JSONResponse({"name": principal.name, "role": principal.role})

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    api = [
        Route("/healthz", healthz),
        Route("/api/v1/datasets", who),
        Route("/api/v1/queries", who, methods=["POST"]),
        Route("/api/v1/releases/{name}/approve", who, methods=["POST"]),
    ]
    return Starlette(routes=[Mount(SERVICE_PREFIX.rstrip("/"), routes=[Route("/", page), *identity.routes(), *api]), *api])


def main() -> None:
    ledger = Ledger.open(Path(os.environ[HOME_VARIABLE]) / "books.sqlite")
    config = uvicorn.Config(application(HubIdentity.from_environment(ledger.people)), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[private_socket(Path(os.environ["HAVEN_SERVICE_SOCKET"]))])


if __name__ == "__main__":
    main()
