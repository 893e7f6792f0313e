"""An answer as a researcher holds it: a small table with error bars and a receipt, in the frame they like."""

from collections.abc import Mapping
from functools import cached_property
from math import log
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from haven.client import display
from haven.client.connection import unreadable
from haven.client.receipt import Receipt
from haven.errors import Code, Refused
from haven.wire.arrow import DecodedAnswer, MalformedAnswerError, decode

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from haven.client.chart import Chart
    from haven.client.picture import PlanPicture

LEVEL = 0.95
SHOWN_ROWS = 60


class Answer:
    """A noised answer: one row a group, one column a select item, in the order asked. Never holds anything but what was paid for."""

    def __init__(self, decoded: DecodedAnswer) -> None:
        self._table = decoded.table
        self._errors = decoded.errors
        self.receipt = Receipt.of(decoded.receipt)

    @classmethod
    def read(cls, stream: bytes) -> "Answer":
        """The answer in an Arrow stream. Raises Fault where there is none."""
        try:
            return cls(decode(stream))
        except MalformedAnswerError:
            raise unreadable() from None

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order asked."""
        return list(self._table.column_names)

    def __len__(self) -> int:
        """How many rows it has."""
        return int(self._table.num_rows)

    def to_arrow(self) -> "pa.Table":
        """The answer as an Arrow table; its schema's metadata holds the receipt."""
        return self._table

    def to_pandas(self) -> "pd.DataFrame":
        """The answer as a pandas frame."""
        return self._table.to_pandas()

    def to_polars(self) -> "pl.DataFrame":
        """The answer as a Polars frame. Refused where Polars is not installed."""
        try:
            import polars as pl  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise Refused(Code.REQUEST_INVALID, "Polars is not installed here.", "Use to_pandas() or to_arrow().") from None
        self._check_names()
        frame = pl.from_arrow(self._table)
        if not isinstance(frame, pl.DataFrame):
            raise unreadable()
        return frame

    @cached_property
    def errors(self) -> "pd.DataFrame":
        """The 95 % half-width of each cell, in the answer's shape; missing for keys and where none can be said."""
        import pandas as pd  # noqa: PLC0415 - slow to import

        return pd.DataFrame(self._errors, columns=self.columns, dtype="float64")

    def intervals(self, level: float = LEVEL) -> "pd.DataFrame":
        """The keys, and `low` and `high` of each noised column at `level` (0 < level < 1); from the noise alone, never narrower than it.

        Half-widths scale as Gaussian quantiles do where all noise is Gaussian; else by the wider of the Gaussian's and the Laplace's.
        """
        if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
            raise Refused(Code.REQUEST_INVALID, "A confidence level lies between 0 and 1.", "Write intervals(0.95).")
        self._check_names()
        frame, widths, factor = self.to_pandas(), self.errors, self._scale(level)
        for position in self.noised:
            name, half = self.columns[position], widths.iloc[:, position] * factor
            frame[f"{name} low"], frame[f"{name} high"] = frame.iloc[:, position] - half, frame.iloc[:, position] + half
        return frame

    def _check_names(self) -> None:
        if len(set(self.columns)) < len(self.columns):
            raise Refused(Code.REQUEST_INVALID, "Two columns of this answer have one name.", "Give each its own with AS, and ask again.")

    def _scale(self, level: float) -> float:
        gaussian = NormalDist().inv_cdf((1 + level) / 2) / NormalDist().inv_cdf((1 + LEVEL) / 2)
        names = [str(one.get("mechanism", "")).lower() for one in self.receipt.mechanisms]
        if names and all("gaussian" in name for name in names):
            return gaussian
        return max(gaussian, log(1 / (1 - level)) / log(1 / (1 - LEVEL)))

    def half_widths(self, position: int) -> list[float | None]:
        """The 95 % half-widths of the column at `position`, row by row."""
        return [row[position] for row in self._errors]

    @cached_property
    def noised(self) -> list[int]:
        """The positions of the columns that carry error bars."""
        return [index for index in range(self._table.num_columns) if any(row[index] is not None for row in self._errors)]

    def plot(self, x: str | None = None, y: str | list[str] | None = None, title: str = "") -> "Chart":
        """A picture with 95 % error bars, one panel a noised column (or those named in `y`), along `x` (else the first key)."""
        from haven.client.chart import draw  # noqa: PLC0415 - Altair is slow to import

        return draw(self, x=x, y=[y] if isinstance(y, str) else y, title=title)

    def explain(self) -> str:
        """What was done to the question, in words, and the SQL that ran (generated from the plan; it holds no data)."""
        return explain(self.receipt.document, self.receipt.line())

    def plan_picture(self) -> "PlanPicture":
        """The same as a picture: unit, rows, bounds, groups, noise, price, SQL."""
        from haven.client.picture import PlanPicture  # noqa: PLC0415 - not every answer is drawn

        return PlanPicture(self.receipt.document)

    def __repr__(self) -> str:
        """The table as text, and the footer."""
        return f"{self.to_pandas().to_string(max_rows=SHOWN_ROWS)}\n{self.receipt.line()}"

    def _repr_html_(self) -> str:
        """The table with each number's half-width beside it in a quieter colour, and one line: price, left, citation."""
        columns = [column.to_pylist() for column in self._table.slice(0, SHOWN_ROWS).columns]
        rows = zip(zip(*columns, strict=True), self._errors[:SHOWN_ROWS], strict=True)
        cells = [[_cell(value, error) for value, error in zip(row, errors, strict=True)] for row, errors in rows]
        numeric = [str(kind) in {"int64", "double"} for kind in self._table.schema.types]
        hidden = len(self) - len(cells)
        more = display.footer(f"and {hidden:,} more rows: to_pandas() has them all") if hidden > 0 else ""
        return display.table(self.columns, cells, numeric=numeric) + more + display.footer(self.receipt.line())


def explain(document: Any, price: str) -> str:  # noqa: ANN401 - a receipt's or a preview's JSON object
    """The words (else the mechanisms) and warnings of a receipt or preview, and its price, one a line."""
    lines = [str(word) for word in document.get("words") or ()]
    lines = lines or [_mechanism_words(one) for one in document.get("mechanisms") or () if isinstance(one, dict)]
    lines += [f"Mind: {warning}" for warning in document.get("warnings") or ()]
    plan = document.get("plan")
    ran = [f"SQL that runs: {plan['sql']}"] if isinstance(plan, dict) and plan.get("sql") else []
    return "\n".join([*lines, *ran, price])


def _mechanism_words(one: Mapping[str, Any]) -> str:
    what, how = one.get("of", "a value"), one.get("mechanism", "noise")
    return f"{what}: {how} of scale {display.number(one.get('scale'))} ({display.off_by(one)} at 95 %)"


def _cell(value: object, error: float | None) -> str:
    if value is None:
        return display.quiet("–")
    shown = display.text(display.number(value))
    return shown if error is None else f"{shown} {display.quiet(f'± {display.number(error)}')}"
