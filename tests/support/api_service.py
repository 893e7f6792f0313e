"""The API around a stand-in mediator: real routes, real release desk, answers written here. For tests of messages, never of privacy."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from starlette.routing import BaseRoute

from haven.errors import Code, Fault, HavenError, Refused, question_fault
from haven.ledger.events import Kind
from haven.mediator.answers import Answer, AnswerColumn, BatchAnswer, Consistent, Preview, Proposal, Question
from haven.mediator.batches import Batch
from haven.mediator.in_flight import Calling, InFlight, Station
from haven.policy.roles import Principal, Role
from haven.query.private_plan import OutputType
from haven.web.app import create_app
from haven.web.parts import HomeKind
from tests.support import release_world
from tests.support.release_world import RECEIPT

TOKENS = {
    "anna-token": release_world.AUTHOR,
    "cleo-token": release_world.CHECKER,
    "carl-token": release_world.SECOND,
    "aude-token": release_world.AUDITOR,
    "custos-token": release_world.CUSTODIAN,
    "nobody-token": Principal("nobody", Role.RESEARCHER),
}

RECEIPT_DOCUMENT: dict[str, Any] = {
    "id": RECEIPT,
    "dataset": "nafld",
    "project": "liver",
    "sql": "SELECT test, COUNT(*) AS n FROM nafld.labs GROUP BY test",
    "plan_digest": "a" * 64,
    "policy_digest": "b" * 64,
    "snapshot": 1,
    "mechanisms": [
        {"of": "rows in each group", "mechanism": "discrete Gaussian", "scale": 3.2, "half_width_95": 6.3, "cost": {"rho": "0.001"}}
    ],
    "cost": {"rho": "0.001", "delta": "0"},
    "epsilon": "0.1",
    "remaining": {"rho": "0.02", "delta": "0", "epsilon": "0.9"},
    "replayed": False,
    "citation": "Allen et al. <2018>",
    "words": ["At most 6 groups a person."],
    "warnings": ["Counts of fewer than 10 are mostly noise."],
    "plan": {
        "unit": "id",
        "source": '"labs"',
        "bounds": {"rows_per_unit": 60, "groups_per_unit": 6, "rows_per_group": 20, "filters": ['"rk" <= 60']},
        "keys": [{"name": "test", "values": 6}, {"name": "site", "values": None}],
        "targets": [
            {"of": "rows in each group", "mechanism": "discrete Gaussian", "scale": 3.2, "grid": 1.0, "sensitivity": 2.5, "norm": "L2"}
            | {"half_width_95": 6.3, "cost": {"rho": "0.001"}}
        ],
        "threshold": 31,
        "price": {"rho": "0.001", "delta": "0"},
        "sql": 'SELECT k0, count(*) AS t0 FROM (SELECT "test" AS k0 FROM "labs") GROUP BY k0',
    },
}
ANSWER = Answer(
    (AnswerColumn("test", OutputType.TEXT), AnswerColumn("n", OutputType.INTEGER), AnswerColumn("mean", OutputType.NUMBER)),
    (("chol", 812, 201.5), ("<script>alert(1)</script>", 95, None), (None, -3, 88.25)),
    ((None, 6.3, 1.5), (None, 6.3, None), (None, 6.3, 4.0)),
    RECEIPT_DOCUMENT,
)
PREVIEW = Preview(
    columns=ANSWER.columns,
    cost={"rho": "0.001", "delta": "0"},
    epsilon="0.1",
    share_of_budget=0.041,
    left={"rho": "0.02", "delta": "0", "epsilon": "0.9"},
    errors={"n": 6.3, "mean": None, "wild": float("inf")},
    mechanisms=tuple(RECEIPT_DOCUMENT["mechanisms"]),
    warnings=("Counts of fewer than 10 are mostly noise.",),
    words=("At most 6 groups a person.",),
    free=False,
    plan=RECEIPT_DOCUMENT["plan"],
    expected={"n": {"half_width": 6.3, "relative": 0.0063}, "mean": {"half_width": 0.4, "relative": None}},
)
PROPOSAL = Proposal(
    cost={"rho": "0.001", "delta": "0"},
    epsilon="0.1",
    share_of_budget=0.041,
    left={"rho": "0.02", "delta": "0", "epsilon": "0.9"},
    releases=({"questions": [0], "keys": ["test"], "cost": {"rho": "0.001", "delta": "0"}, "epsilon": "0.1", "free": False},),
    questions=({"release": 0, "groups": 1, "columns": [], "errors": {"n": 6.3, "wild": float("inf")}, "warnings": []},),
)
DATASET: dict[str, Any] = {
    "name": "nafld",
    "title": "Liver <b>disease</b>",
    "description": "",
    "custodian": "liver-registry",
    "population": "nafld",
    "paused": None,
    "privacy": {"definition": "zcdp", "epsilon": "4", "delta": "1e-7"},
    "consent": {"permission": "DUO:0000006", "disease": None, "modifiers": [{"id": "DUO:0000019"}]},
    "attribution": {"citation": "Allen et al. <2018>", "producers": []},
    "policy_digest": "b" * 64,
    "tables": {
        "persons": {
            "public": False,
            "description": "",
            "unit_column": "id",
            "rows_per_unit": 1,
            "groups_per_unit": 1,
            "rows_per_group": 1,
            "columns": {
                "age": {"type": "integer", "bounds": [18, 98], "nullable": False, "keys": None, "description": "years <i>"},
                "male": {"type": "boolean", "bounds": None, "nullable": False, "keys": None, "description": ""},
                "bmi": {"type": "number", "bounds": [10, 80], "nullable": True, "keys": None, "description": ""},
                "site": {"type": "category", "bounds": None, "nullable": False, "keys": None, "description": ""},
                "seen": {"type": "date", "bounds": None, "nullable": False, "keys": None, "description": ""},
            },
        },
        "icd": {"public": True, "description": "", "unit_column": None, "rows_per_unit": None, "columns": {"code": {"type": "category"}}},
    },
}
BUDGET: dict[str, Any] = {
    "project": "liver",
    "datasets": [
        {
            "dataset": "nafld",
            "definition": "zcdp",
            "total": {"rho": "0.02", "delta": "0.00000001", "epsilon": "1"},
            "spent": {"rho": "0.005", "delta": "0", "epsilon": "0.45"},
            "left": {"rho": "0.015", "delta": "0.00000001", "epsilon": "0.85"},
        }
    ],
}


@dataclass
class StandIn:
    """Answers every question with ANSWER, but for the SQL texts in `errors`. Keeps what it was asked."""

    errors: dict[str, Exception] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    in_flight: InFlight = field(default_factory=InFlight)

    def ask(self, question: Question, principal: Principal) -> Answer:
        self._note(question, principal)
        return ANSWER

    def preview(self, question: Question, principal: Principal) -> Preview:
        self._note(question, principal)
        return PREVIEW

    def propose(self, batch: Batch, principal: Principal) -> Proposal:
        for item in batch.items:
            self._note(batch.question(item.sql), principal)
        return PROPOSAL

    def ask_batch(self, batch: Batch, principal: Principal) -> BatchAnswer:
        proposal = self.propose(batch, principal)
        consistent = Consistent(tuple((key, float(n or 0), mean) for key, n, mean in ANSWER.rows), ANSWER.errors)
        return BatchAnswer((ANSWER,) * len(batch.items), (consistent, *[None] * (len(batch.items) - 1)), proposal)

    def station(self, key: str, principal: Principal) -> Station:
        return self._in_flight(principal).station(principal.name, key)

    def call_back(self, key: str, principal: Principal) -> Calling:
        return self._in_flight(principal).call_back(principal.name, key)

    def _in_flight(self, principal: Principal) -> InFlight:
        if principal.role is not Role.RESEARCHER:
            raise Refused(Code.AUTH_FORBIDDEN, "Only researchers ask.", "")
        return self.in_flight

    def _note(self, question: Question, principal: Principal) -> None:
        if principal.role is not Role.RESEARCHER:
            raise Refused(Code.AUTH_FORBIDDEN, "Only researchers ask.", "")
        self.asked.append(question)
        if question.sql in self.errors:
            raise self.errors[question.sql]


class Books:
    """What may be read without asking, written above."""

    def datasets(self, principal: Principal) -> list[dict[str, Any]]:
        return [DATASET] if principal else []

    def dataset(self, name: str, principal: Principal) -> dict[str, Any]:
        if name != "nafld" or not principal:
            raise Refused(Code.NOT_FOUND, "There is no such dataset.", "List them.")
        return DATASET

    def projects(self, principal: Principal) -> list[dict[str, Any]]:
        return {
            "anna": [{"project": "liver", "title": "Liver"}],
            "nobody": [{"project": name, "title": name} for name in ("one", "two")],
        }.get(principal.name, [])

    def budget(self, project: str, principal: Principal) -> dict[str, Any]:
        if project != "liver" or not principal:
            raise Refused(Code.POLICY_UNKNOWN_PROJECT, "There is no such project.", "")
        return BUDGET

    def receipt(self, receipt_id: str, principal: Principal) -> dict[str, Any]:
        if receipt_id != RECEIPT or not principal:
            raise Refused(Code.NOT_FOUND, "There is no such receipt.", "")
        return RECEIPT_DOCUMENT

    def audit(self, principal: Principal, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        if principal.role is not Role.AUDITOR:
            raise Refused(Code.AUTH_FORBIDDEN, "A researcher may not read the audit.", "Who may: auditor.")
        return [{"seq": after + number} for number in range(1, min(limit, 3) + 1)]

    def events(self, principal: Principal, before: int | None = None, kind: Kind | None = None, limit: int = 50) -> dict[str, Any]:
        told = {"kind": str(kind or Kind.LOGGED_IN), "actor": principal.name, "at": "2026-03-01T12:00:00+00:00", "detail": {}}
        numbers = range((before or 4) - 1, 0, -1)[: min(limit, 3)]
        return {"events": [told | {"seq": number, "words": "Somebody logged in."} for number in numbers], "older": None}


class TokenTable:
    """Tokens by a table."""

    def login_url(self, next_path: str, /) -> str:
        return next_path

    def routes(self) -> list[BaseRoute]:
        return []

    async def of_request(self, request: Request) -> Principal | None:
        header = request.headers.get("authorization")
        if header is None:
            return None
        if header.removeprefix("Bearer ") not in TOKENS:
            raise Refused(Code.AUTH_INVALID, "This token is not known.", "Ask for a new one.")
        return TOKENS[header.removeprefix("Bearer ")]


ERRORS: dict[str, HavenError] = {
    "refuse": Refused(Code.QUERY_UNKNOWN_COLUMN, "There is no such column.", "Write bmi."),
    "exhausted": Refused(Code.BUDGET_EXHAUSTED, "The budget does not hold this.", "Ask for less."),
    "fault": question_fault(),
    "ledger": Fault(Code.FAULT_LEDGER, "The books cannot be written."),
}


@dataclass
class Service:
    """The app and what stands behind it."""

    app: FastAPI
    mediator: StandIn
    world: release_world.World
    socket: Path


def build(folder: Path) -> Service:
    """The app, its desk at `folder`."""
    world = release_world.build(folder)
    mediator = StandIn(errors={**ERRORS, "bug": ValueError("secret cell 42")})
    parts = SimpleNamespace(
        mediator=mediator,
        enquiries=Books(),
        desk=world.desk,
        ledger=world.ledger,
        identity=TokenTable(),
        clock=world.clock,
        kind=HomeKind.NORMAL,
        title="haven",
        prefix="",
        secret=b"0" * 32,
    )
    app = create_app(parts)  # type: ignore[arg-type]
    return Service(app, mediator, world, folder / "api.sock")


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """The app on its Unix socket."""
    with listening(service.app, service.socket):
        yield service


@contextmanager
def listening(app: FastAPI, path: Path) -> Iterator[None]:
    """Any app on a Unix socket, by uvicorn in a thread."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
