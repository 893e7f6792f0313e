"""`haven.connect()` and what it gives: one researcher's way to one service, for one project."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from haven.client.answer import Answer
from haven.client.batch import BatchAnswers, Proposal
from haven.client.budget import Budget
from haven.client.catalogue import Catalogue
from haven.client.connection import Connection, open_connection, unreadable
from haven.client.preview import Preview
from haven.client.progress import watched
from haven.client.questions import Amount, Payment, batch_message, query_message, sql_of
from haven.client.release import Content, Release, request_release
from haven.errors import Code, Refused

if TYPE_CHECKING:
    import ibis.expr.types as ir

_latest: list["Haven"] = []


class Haven:
    """A haven, as one researcher's project sees it. Every method raises `haven.Refused` or `haven.Fault`, and nothing else."""

    def __init__(self, connection: Connection, project: str | None = None) -> None:
        self._connection = connection
        self._project = project

    @property
    def projects(self) -> list[str]:
        """The names of your projects."""
        documents = self._connection.get("/api/v1/projects")
        if not isinstance(documents, list) or not all(isinstance(one, dict) and isinstance(one.get("project"), str) for one in documents):
            raise unreadable()
        return [one["project"] for one in documents]

    @property
    def project(self) -> str:
        """The project that questions are asked for: the one named, else the only one. Refused where there are several, or none."""
        if self._project is None:
            names = self.projects
            if not names:
                raise Refused(
                    Code.POLICY_UNKNOWN_PROJECT, "You are not a member of any project.", "Ask your data custodian to add you to one."
                )
            if len(names) > 1:
                raise Refused(
                    Code.POLICY_UNKNOWN_PROJECT,
                    "You belong to several projects, and haven does not choose between their budgets.",
                    f"Write haven.connect(project=…) with one of: {', '.join(names)}.",
                )
            self._project = names[0]
        return self._project

    @property
    def datasets(self) -> Catalogue:
        """The catalogue: tables, columns, bounds, keys, consent, citation. Free."""
        return Catalogue(self._connection.get("/api/v1/datasets"))

    @property
    def budget(self) -> Budget:
        """What the project has, spent and has left, dataset by dataset."""
        return Budget(self._connection.get(f"/api/v1/projects/{_segment(self.project)}/budget"))

    def table(self, name: str) -> "ir.Table":
        """`dataset.table` as an Ibis table of the right schema, with no data behind it: build on it, then `query` the expression."""
        return self.datasets.table(name)

    def query(  # noqa: PLR0913 - the options of the contract, all by name
        self,
        question: "str | ir.Expr",
        *,
        epsilon: Amount | None = None,
        rho: Amount | None = None,
        error: Amount | None = None,
        relative_error: Amount | None = None,
        size_hint: int | None = None,
        rows_per_unit: int | None = None,
        groups_per_unit: int | None = None,
        weights: Mapping[str, float] | None = None,
        replay: bool = True,
    ) -> Answer:
        """The answer to SQL or an Ibis expression, paid with exactly one of `epsilon`, `rho`, `error` (± at 95 %: haven finds the price).

        `relative_error=0.05` is the same as a fraction of the answer: its size is known from `size_hint` (a public number of rows that
        every figure has at least) or from an earlier answer of yours. `replay=False` pays for a fresh draw and uses no earlier answer.
        An interrupt calls the question back: free before haven looks at anything, spent after that.
        """
        options = {"rows_per_unit": rows_per_unit, "groups_per_unit": groups_per_unit, "weights": weights, "replay": replay}
        options |= {"size_hint": size_hint}
        body = self._message(question, Payment(epsilon, rho, error, relative_error), options, preview=False)
        return Answer.read(watched(self._connection, body["idempotency_key"], lambda: self._connection.ask("/api/v1/queries", body)))

    def preview(  # noqa: PLR0913 - the same
        self,
        question: "str | ir.Expr",
        *,
        epsilon: Amount | None = None,
        rho: Amount | None = None,
        error: Amount | None = None,
        relative_error: Amount | None = None,
        size_hint: int | None = None,
        rows_per_unit: int | None = None,
        groups_per_unit: int | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> Preview:
        """What the question would cost and how exact it would be. Free; nothing is looked at.

        With `size_hint` it says what that error is in groups of so many rows.
        """
        options = {"rows_per_unit": rows_per_unit, "groups_per_unit": groups_per_unit, "weights": weights, "size_hint": size_hint}
        payment = Payment(epsilon, rho, error, relative_error)
        return Preview(self._connection.post("/api/v1/queries", self._message(question, payment, options, preview=True)))

    def batch(
        self,
        questions: "Sequence[str | ir.Expr]",
        *,
        epsilon: Amount | None = None,
        rho: Amount | None = None,
        weights: Sequence[float] | None = None,
        rows_per_unit: int | None = None,
        groups_per_unit: int | None = None,
        replay: bool = True,
    ) -> BatchAnswers:
        """The answers to a list of questions about one dataset, paid together: as few shared releases as serve best, the price split best.

        `weights` (one a question) says whose exactness counts more. `propose` shows the releases and the errors first, for free.
        """
        options = {"rows_per_unit": rows_per_unit, "groups_per_unit": groups_per_unit, "replay": replay}
        body = batch_message(self.project, [*map(sql_of, questions)], Payment(epsilon, rho), weights, options, preview=False)
        return BatchAnswers(watched(self._connection, body["idempotency_key"], lambda: self._connection.post("/api/v1/batches", body)))

    def propose(
        self,
        questions: "Sequence[str | ir.Expr]",
        *,
        epsilon: Amount | None = None,
        rho: Amount | None = None,
        weights: Sequence[float] | None = None,
        rows_per_unit: int | None = None,
        groups_per_unit: int | None = None,
        replay: bool = True,
    ) -> Proposal:
        """What `batch` would do: the releases, what is due, and the expected error of every answer. Free; nothing is looked at."""
        options = {"rows_per_unit": rows_per_unit, "groups_per_unit": groups_per_unit, "replay": replay}
        body = batch_message(self.project, [*map(sql_of, questions)], Payment(epsilon, rho), weights, options, preview=True)
        return Proposal(self._connection.post("/api/v1/batches", body))

    def request_release(self, items: Iterable[Content], *, title: str, context: str) -> Release:
        """Ask that `items` (answers, and paths of PNG or Markdown files) may leave: frozen by content, checked, decided, signed."""
        return request_release(self._connection, self.project, items, title, context)

    def releases(self) -> list[Release]:
        """The release requests you may see, newest first."""
        documents = self._connection.get("/api/v1/releases")
        if not isinstance(documents, list):
            raise unreadable()
        return [Release(self._connection, document) for document in documents]

    def _message(self, question: "str | ir.Expr", payment: Payment, options: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        return query_message(self.project, sql_of(question), payment, options, preview=preview)

    def __repr__(self) -> str:
        """Where it leads."""
        return f"Haven({self._connection.words}, project={self._project or 'your only one'})"


def connect(url: str | None = None, token: str | None = None, project: str | None = None) -> Haven:
    """A haven to ask. In one of its notebooks `connect()` needs nothing; elsewhere give `url`, `token` and, with several, `project`.

    Raises Refused where there is no haven at hand or no token. Nothing is sent before the first question.
    """
    haven = Haven(open_connection(url, token), project or os.environ.get("HAVEN_PROJECT") or None)
    _latest[:] = [haven]
    return haven


def latest() -> Haven:
    """The haven connected to last, else `connect()`."""
    return _latest[0] if _latest else connect()


def _segment(name: str) -> str:
    """A project's name as one segment of a path."""
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise Refused(Code.POLICY_UNKNOWN_PROJECT, "There is no such project.", "List yours with h.projects.")
    return name
