"""An analyst's day: 200 questions on the NAFLD study under one (ε, δ), and how many of them each tool answers within ±5 %.

Everybody knows beforehand that 200 questions are coming, and gives every question the same share under their own accounting. A question is
answered within ±5 % if the median relative error over its figures is at most 5 %: over all columns of all groups with at least 20 persons
(by the exact data), against plain DuckDB on all rows, so that what bounding contributions loses counts too. A group that is not shown
is an error of 100 %, and so is a question that is not answered. Every answer is a real one; nothing is computed from formulas.
"""

import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from haven.cli.house import House, open_house
from haven.cli.sources import write_nafld
from haven.errors import Refused
from haven.mediator.answers import Answer, Question
from haven.mediator.batches import Batch, Item
from haven.privacy.accounting import price_of_epsilon
from haven.privacy.budget import Definition
from haven.privacy.gaussian_dp import largest_pico
from tests.bench.day_questions import DayQuestion, for_peers, read_day
from tests.bench.homes import BENCHER, make_home, rows_by_key
from tests.bench.peer_process import PEERS, Peer, PeerGone, installed

ROOT = Path(__file__).resolve().parents[2]
EPSILON, DELTA = 2.0, 1e-7
WITHIN = 0.05
LEAST_PERSONS = 20
TIMEOUT_S = 300.0
FORMS = {"smartnoise": "laplace", "qrlew": "gaussian", "opendp_polars": "gaussian", "pipelinedp": "laplace"}
ACCOUNTING = {
    "haven, one by one": "zCDP filter; what was free is shared among the questions left",
    "haven, in batches": "zCDP filter; forty questions a batch",
    "haven, gdp, one by one": "Gaussian DP filter; what was free is shared among the questions left",
    "haven, gdp, in batches": "Gaussian DP filter; forty questions a batch",
    "SmartNoise SQL": "its odometer (optimal composition, Kairouz et al.), the same epsilon a column",
    "Qrlew": "its list of Gaussian mechanisms, composed exactly",
    "OpenDP Polars": "its compositor under zCDP",
    "PipelineDP": "its naive accountant (the only one that its engine takes)",
}
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


class Day:
    """The questions with their exact answers, and the groups that are large enough to be counted."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_nafld(folder)
        self.folder = folder
        self.database = duckdb.connect()
        self.database.execute("CREATE MACRO clamp(x, low, high) AS greatest(low, least(high, x))")
        self.database.execute(
            "CREATE TABLE persons AS SELECT * REPLACE (male::BOOLEAN AS male, status::BOOLEAN AS status) "
            f"FROM '{folder / 'nafld_persons.parquet'}'"
        )
        for name in ("labs", "events"):
            self.database.execute(f"CREATE TABLE {name} AS FROM '{folder / f'nafld_{name}.parquet'}'")
        self.questions = read_day()
        self.told = [for_peers(question, self.database, folder) for question in self.questions]
        self.exact = [self._exact(question, told) for question, told in zip(self.questions, self.told, strict=True)]

    def error(self, place: int, answer: Rows | None) -> float:
        """The median relative error of an answer; 1 where there is none."""
        if answer is None:
            return 1.0
        parts = []
        for key, values in self.exact[place].items():
            shown = answer.get(key, (None,) * len(values))
            parts += [
                1.0 if got is None else abs(float(got) - value) / abs(value) for got, value in zip(shown, values, strict=True) if value
            ]
        return statistics.median(parts)

    def _exact(self, question: DayQuestion, told: Mapping[str, Any]) -> Rows:
        rows = self.database.execute(question.sql).fetchall()
        keys = ", ".join(told["keys"]) or "1"
        large = self.database.execute(
            f"SELECT {keys} FROM '{told['path']}' GROUP BY ALL HAVING COUNT(DISTINCT id) >= {LEAST_PERSONS}"
            if told["keys"]
            else f"SELECT 1 FROM '{told['path']}' HAVING COUNT(DISTINCT id) >= {LEAST_PERSONS}"
        ).fetchall()
        counted = {tuple(_text(part) for part in row) for row in large} if told["keys"] else {()}
        return {key: values for key, values in _by_key(rows, question.keys).items() if key in counted}


def measure_day(folder: Path, peers: Sequence[str], days: int = 5) -> dict[str, Any]:
    """How many of the 200 each tool answers within ±5 %, the mean over `days` days; printed and returned."""
    day = Day(folder / "nafld")
    errors: dict[str, list[list[float]]] = {}
    for number in range(days):
        for name, (definition, ask_all) in WAYS.items():
            with _opened(folder / f"{name.replace(', ', '-').replace(' ', '-')}-{number}", day, definition) as house:
                answers = ask_all(house, day, definition)
                errors.setdefault(name, []).append([day.error(place, answer) for place, answer in enumerate(answers)])
    missing = installed()
    for name in peers:
        if missing[name] is None:
            errors[PEERS[name]] = [[day.error(place, answer) for place, answer in enumerate(_peer_day(name, day))]]
    answered = {name: statistics.fmean(sum(error <= WITHIN for error in one) for one in each) for name, each in errors.items()}
    medians = {name: [statistics.median(each) for each in zip(*runs, strict=True)] for name, runs in errors.items()}
    print(f"\nan analyst's day: {len(day.questions)} questions at epsilon {EPSILON:g}, delta {DELTA:g}; answered within 5 %")
    for name, count in sorted(answered.items(), key=lambda item: -item[1]):
        unanswered = sum(error == 1.0 for error in medians[name])
        print(f"  {name:20} {count:6.1f}   ({unanswered} not answered or all lost)   {ACCOUNTING[name]}")
    titles = [question.title for question in day.questions]
    return {
        "epsilon": EPSILON,
        "delta": DELTA,
        "days": days,
        "answered": answered,
        "accounting": ACCOUNTING,
        "errors": medians,
        "titles": titles,
    }


@contextmanager
def _opened(folder: Path, day: Day, definition: Definition) -> Any:  # noqa: ANN401 - a context manager of a House
    """A fresh bench home whose budget is the day's, and no more."""
    folder.mkdir(parents=True)
    for source in day.folder.glob("nafld_*.parquet"):
        (folder / source.name).symlink_to(source.resolve())
    policy = (ROOT / "policies" / "datasets" / "nafld.yaml").read_text()
    policy = re.sub(
        r"(?m)^privacy:.*$", f"privacy: {{definition: {definition}, epsilon: {EPSILON:g}, delta: {DELTA:g}}}\ntiming: off", policy
    )
    policy = re.sub(r"(?m)^consent:.*$", "consent: {permission: DUO:0000042}", policy)
    with open_house(make_home(folder, {"nafld": policy}, epsilon=f"{EPSILON:g}")) as house:
        yield house


def _one_by_one(house: House, day: Day, definition: Definition) -> list[Rows | None]:
    """Every question gets an equal share of what is left."""
    left, answers = _whole(definition), []
    for place, question in enumerate(day.questions):
        share = (left / (len(day.questions) - place)).quantize(Decimal("1e-12"), ROUND_FLOOR)
        try:
            answer = house.mediator.ask(Question("bench", question.sql, **_paying(definition, share)), BENCHER)
        except Refused:
            answers.append(None)
            continue
        left -= Decimal(answer.receipt["cost"][definition.unit])
        answers.append(_rows(answer, question))
    return answers


def _in_batches(house: House, day: Day, definition: Definition) -> list[Rows | None]:
    """The questions in batches of forty, each with its share of what is left."""
    left, answers = _whole(definition), []
    for start in range(0, len(day.questions), 40):
        questions = day.questions[start : start + 40]
        share = left * len(questions) / (len(day.questions) - start)
        batch = Batch("bench", tuple(Item(question.sql) for question in questions), **_paying(definition, share))
        given = house.mediator.ask_batch(batch, BENCHER)
        left -= Decimal(given.proposal.cost[definition.unit])
        answers += [_rows(answer, question) for answer, question in zip(given.answers, questions, strict=True)]
    return answers


def _whole(definition: Definition) -> Decimal:
    """The day's ρ or μ²: what a promise of (ε, δ) holds."""
    return Decimal(price_of_epsilon(definition, Decimal(str(EPSILON)), Decimal(str(DELTA))).pico) / 10**12


def _paying(definition: Definition, share: Decimal) -> dict[str, Decimal]:
    """How a question asks for a share: as rho, or under `gdp` as the largest epsilon, of nine decimals, that is worth no more."""
    if definition is Definition.ZCDP:
        return {"rho": share.quantize(Decimal("1e-12"), ROUND_FLOOR)}
    pico, delta = int(share * 10**12), Decimal(str(DELTA))
    low, high = 0, int(EPSILON * 10**9)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if largest_pico(Decimal(middle).scaleb(-9), Fraction(delta) / 2) <= pico else (low, middle - 1)
    return {"epsilon": Decimal(low).scaleb(-9)}


WAYS = {
    "haven, one by one": (Definition.ZCDP, _one_by_one),
    "haven, in batches": (Definition.ZCDP, _in_batches),
    "haven, gdp, one by one": (Definition.GDP, _one_by_one),
    "haven, gdp, in batches": (Definition.GDP, _in_batches),
}
"""The definition and the manner of each of haven's own days."""


def _peer_day(name: str, day: Day) -> list[Rows | None]:
    """The day by one peer; a question that it cannot answer leaves its share unused, as nobody knows beforehand which those are."""
    shares = SHARES[name](day)
    answers: list[Rows | None] = []
    peer = Peer(name)
    for question, told in zip(day.questions, day.told, strict=True):
        try:
            peer.load_tables({"day": told["path"]})
            reply = peer.ask({**told, **shares}, FORMS[name], 1, TIMEOUT_S)
        except PeerGone:
            peer.end()
            peer, reply = Peer(name), {}
        rows = reply.get("answers", [None])[0]
        if rows is None:
            answers.append(None)
            continue
        spread = "STDDEV" in question.sql
        answers.append(
            {key: tuple(_root(value) if spread else value for value in row) for key, row in _by_key(rows, question.keys).items()}
        )
    peer.end()
    return answers


def _equal_basic(day: Day) -> dict[str, float]:
    """Basic composition: ε and δ divided."""
    return {"epsilon": EPSILON / len(day.questions), "delta": DELTA / len(day.questions)}


def _equal_zcdp(day: Day) -> dict[str, float]:
    """An equal share of the ρ that haven's conversion gives (ε, δ), without halving δ; private keys take their share of δ as well."""
    rho = float(price_of_epsilon(Definition.ZCDP, Decimal(str(EPSILON)), Decimal(str(2 * DELTA))).pico) / 1e12
    return {"rho": rho / len(day.questions), "epsilon": 0.0, "delta": DELTA / len(day.questions)}


def _equal_gaussian(day: Day) -> dict[str, float]:
    """An equal share of μ² under exact Gaussian composition, as the ε at δ that one question may cost."""
    low, high = 0.0, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _gaussian_delta(middle, EPSILON) <= DELTA else (low, middle)
    mu = low / math.sqrt(len(day.questions))
    near, far = 0.0, EPSILON
    for _ in range(100):
        middle = (near + far) / 2
        near, far = (near, middle) if _gaussian_delta(mu, middle) <= DELTA else (middle, far)
    return {"epsilon": far, "delta": DELTA}


def _equal_odometer(day: Day) -> dict[str, float]:
    """The ε of a noised column, all alike, at which SmartNoise's odometer (arXiv 1311.0776, theorem 3.5) has spent (ε, δ) in the end."""
    charges = {"count": 1, "units": 1, "sum": 1, "mean": 2, "variance": 3, "median": 0}
    columns = sum(charges[each["op"]] for told in day.told for each in told["aggregates"])
    low, high = 0.0, EPSILON
    for _ in range(100):
        middle = (low + high) / 2
        drift = columns * middle * math.expm1(middle) / (math.exp(middle) + 1)
        spread = [math.log(math.e + math.sqrt(columns) * middle / (DELTA / 2)), math.log(2 / DELTA)]
        spent = min(columns * middle, *(drift + math.sqrt(2 * columns * middle**2 * each) for each in spread))
        low, high = (middle, high) if spent <= EPSILON else (low, middle)
    each = DELTA / 2 / columns
    return {"epsilon": low, "delta": each, "epsilon_a_column": low, "delta_a_column": each}


def _gaussian_delta(mu: float, epsilon: float) -> float:
    """δ at ε of Gaussians composed to μ (Balle and Wang 2018, theorem 8)."""
    if not mu:
        return 0.0
    return _phi(mu / 2 - epsilon / mu) - math.exp(epsilon) * _phi(-mu / 2 - epsilon / mu)


def _phi(value: float) -> float:
    return math.erfc(-value / math.sqrt(2)) / 2


def _root(value: Any) -> float | None:  # noqa: ANN401 - a cell
    return None if value is None else math.sqrt(max(0.0, float(value)))


def _rows(answer: Answer, question: DayQuestion) -> Rows:
    return _by_key(answer.rows, question.keys)


def _by_key(rows: Sequence[Sequence[Any]], keys: int) -> Rows:
    return {tuple(_text(part) for part in key): values for key, values in rows_by_key(rows, keys).items()}


def _text(part: Any) -> str:  # noqa: ANN401 - a cell
    """A key as every tool writes it: 30, 30.0 and '30' are one key, and so are True and 'true'."""
    text = str(part).lower()
    return text.removesuffix(".0")


SHARES: Mapping[str, Callable[[Day], dict[str, float]]] = {
    "smartnoise": _equal_odometer,
    "qrlew": _equal_gaussian,
    "opendp_polars": _equal_zcdp,
    "pipelinedp": _equal_basic,
}
