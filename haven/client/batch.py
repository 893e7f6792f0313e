"""Several questions with one price: what haven proposes, and the answers with their receipts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from haven.client import display
from haven.client.answer import Answer
from haven.client.connection import unreadable
from haven.wire.answers import AnswerMessage, CellType, Column
from haven.wire.arrow import encode

if TYPE_CHECKING:
    import pandas as pd


class Proposal:
    """A batch as the releases it would be answered from, and what is due. `errors[i]` maps columns to their expected 95 % half-widths."""

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict) or not all(isinstance(document.get(part), list) for part in ("releases", "questions")):
            raise unreadable()
        self.document: Mapping[str, Any] = document
        self.cost: Mapping[str, str] = document.get("cost") or {}
        self.epsilon = str(document.get("epsilon", ""))
        self.share_of_budget = float(document.get("share_of_budget") or 0.0)
        self.releases: list[Mapping[str, Any]] = document["releases"]
        self.questions: list[Mapping[str, Any]] = document["questions"]
        self.errors: list[Mapping[str, float | None]] = [question.get("errors") or {} for question in self.questions]

    def line(self) -> str:
        """The price in one line."""
        return (
            f"{len(self.questions)} questions as {len(self.releases)} releases: ε {display.quantity(self.epsilon)}"
            f" · {self.share_of_budget:.1%} of the budget"
        )

    def __repr__(self) -> str:
        """The price, and of which release each question is answered."""
        return "\n".join(
            [f"Proposal({self.line()})", *(f"  {place + 1}: {_from(question)}" for place, question in enumerate(self.questions))]
        )

    def _repr_html_(self) -> str:
        """A line a question: its release, and the expected half-widths."""
        rows = [
            (str(place + 1), display.text(_from(question)), display.quiet(_widths(question)))
            for place, question in enumerate(self.questions)
        ]
        return display.heading(self.line()) + display.table(("question", "answered from", "expected 95 %"), rows)


def _from(question: Mapping[str, Any]) -> str:
    groups, release = question.get("groups", 1), question.get("release", 0)
    said = f"release {int(release) + 1}" if isinstance(release, int) else "a release"
    return said if groups == 1 else f"{said}, sums of {groups} groups"


def _widths(question: Mapping[str, Any]) -> str:
    errors = question.get("errors") or {}
    return ", ".join(f"{name} ± {display.number(width)}" for name, width in errors.items() if width is not None)


class BatchAnswers(Sequence[Answer]):
    """The answers of a batch, in the order asked; `proposal` says how they were made.

    `consistent(i)` is answer i as a frame whose totals and parts agree, where both were released: moved by least squares, each number by
    no more than its noise suggests; None where there was nothing to agree with.
    """

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict) or not isinstance(document.get("answers"), list):
            raise unreadable()
        self.proposal = Proposal(document.get("proposal"))
        self._documents = [one for one in document["answers"] if isinstance(one, dict)]
        self._answers = [_answer(one) for one in document["answers"]]

    def consistent(self, place: int) -> "pd.DataFrame | None":
        """The consistent form of one answer, a column `NAME ±` beside each number."""
        import pandas as pd  # noqa: PLC0415 - slow to import

        moved = self._documents[place].get("consistent")
        if not isinstance(moved, dict):
            return None
        answer = self._answers[place]
        frame = pd.DataFrame(moved.get("rows") or [], columns=answer.columns)
        errors = pd.DataFrame(moved.get("errors") or [], columns=answer.columns, dtype="float64")
        for position in answer.noised:
            name = answer.columns[position]
            frame[f"{name} ±"] = errors.iloc[:, position]
        return frame

    @overload
    def __getitem__(self, place: int) -> Answer: ...
    @overload
    def __getitem__(self, place: slice) -> list[Answer]: ...
    def __getitem__(self, place: int | slice) -> Answer | list[Answer]:
        """The answer at a place."""
        return self._answers[place]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._answers)

    def __iter__(self) -> Iterator[Answer]:
        """In the order asked."""
        return iter(self._answers)

    def __repr__(self) -> str:
        """Every answer, and what they cost together."""
        return "\n\n".join([*map(repr, self._answers), self.proposal.line()])

    def _repr_html_(self) -> str:
        """Every answer, and what they cost together."""
        return "".join(answer._repr_html_() for answer in self._answers) + display.footer(self.proposal.line())


def _answer(document: object) -> Answer:
    """The answer in its JSON form. Raises Fault where it is none."""
    try:
        if not isinstance(document, dict):
            raise unreadable()
        columns = tuple(Column(str(column["name"]), CellType(column["type"])) for column in document["columns"])
        rows = tuple(map(tuple, document["rows"]))
        errors = tuple(map(tuple, document["errors"]))
        return Answer.read(encode(AnswerMessage(columns, rows, errors, document["receipt"])))
    except (KeyError, TypeError, ValueError):
        raise unreadable() from None
