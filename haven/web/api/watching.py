"""What operators watch: the metrics, for auditors and custodians and for a scraper that holds a token of one."""

from fastapi import APIRouter, Request, Response

from haven.policy.permissions import Act, check_may
from haven.web.api.routes import PROBLEMS, ApiRoute, Asker
from haven.web.metrics import MEDIA_TYPE, Metrics

router = APIRouter(route_class=ApiRoute, tags=["watching"])
TEXT = {**PROBLEMS, 200: {"description": "Metrics in Prometheus' text form.", "content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.get("/metrics", responses=TEXT, response_class=Response)
def metrics(request: Request, principal: Asker) -> Response:
    """Requests, books and budgets as numbers, without any datum or name of a person."""
    check_may(principal, Act.READ_AUDIT)
    held: Metrics = request.app.state.metrics
    return Response(held.text(), media_type=MEDIA_TYPE)
