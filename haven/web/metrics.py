"""What operators watch, in the form that Prometheus reads: requests by route, and how the books are.

No datum, no name of a person, no question and no path as it was sent: a label is a route's template, a method, a status, or the name of a
dataset, which the catalogue publishes.
"""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from haven.errors import Refused
from haven.ledger.vitals import vitals_of
from haven.policy.caps import total_of
from haven.web.parts import WebParts

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ELSEWHERE = "elsewhere"
PREFIX = "/api/v1"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counters of one application, and its books read anew at each scrape."""

    def __init__(self, parts: WebParts) -> None:
        """Count from now on."""
        self.registry = CollectorRegistry()
        self.requests = Counter("haven_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry)
        self.seconds = Histogram(
            "haven_request_seconds", "Time to answer, slots included.", ("route", "method"), buckets=SECONDS, registry=self.registry
        )
        self.registry.register(_Books(parts))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it. Fault (FAULT_LEDGER) where the books cannot be read."""
        return generate_latest(self.registry)


class Measuring:
    """Counts every request and its time by the template of its route; what no route takes is `elsewhere`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap `app`."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        finally:
            route = _template(scope)
            method = scope["method"] if route != ELSEWHERE else ELSEWHERE  # a method can be any word
            self._metrics.requests.labels(route, method, str(status)).inc()
            self._metrics.seconds.labels(route, method).observe(time.perf_counter() - began)


def _template(scope: Scope) -> str:
    """The route's template in full: a page and a part of the interface may share its last words."""
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        return ELSEWHERE
    return f"{PREFIX}{route}" if f"{PREFIX}/" in scope["path"] and not route.startswith(PREFIX) else str(route)


class _Books(Collector):
    """Gauges that are read from the books when they are asked for."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    def describe(self) -> list[Metric]:
        """Nothing is read to register."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        vitals, now = vitals_of(self._parts.ledger), self._parts.clock()
        yield _gauge("haven_books_entries", "Entries in the chain.", vitals.entries)
        yield _gauge("haven_books_spends_in_flight", "Questions reserved and not yet posted.", vitals.in_flight)
        yield _gauge("haven_books_proposals_waiting", "Acts that wait for a second custodian.", vitals.waiting)
        yield _gauge("haven_books_checkpoint_entries", "Entries that the newest signed checkpoint covers.", vitals.checkpoint_size)
        if vitals.checkpoint_at is not None:
            age_s = (now - vitals.checkpoint_at).total_seconds()
            yield _gauge("haven_books_checkpoint_age_seconds", "Time since the newest signed checkpoint.", age_s)
        yield _gauge("haven_books_current", "1 while the books answer, 0 while they are behind their witness.", self._current())
        yield from self._budgets()

    def _current(self) -> int:
        try:
            self._parts.ledger.check_current(self._parts.clock())
        except Refused:
            return 0
        return 1

    def _budgets(self) -> Iterator[Metric]:
        left = GaugeMetricFamily("haven_budget_left_ratio", "Share of a population's budget that is left.", labels=("population",))
        stopped = GaugeMetricFamily("haven_dataset_stopped", "1 while a dataset answers nothing.", labels=("dataset",))
        now, seen = self._parts.policies.now(), set()
        for name, policy in now.datasets.items():
            stopped.add_metric((name,), 1 if now.halt(name) else 0)
            if policy.budget_owner in seen:
                continue
            seen.add(policy.budget_owner)
            total = total_of(policy.privacy)
            taken = self._parts.ledger.population_balance(policy.budget_owner, definition=total.definition).taken
            left.add_metric((policy.budget_owner,), total.minus(taken).pico / total.pico)
        yield left
        yield stopped


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)
