"""haven and its peers as one kind of thing: a tool is asked a shared question some times, and gives rows and seconds."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb

from haven.cli.house import House, open_house
from haven.errors import Fault, Refused
from tests.bench.homes import ask, make_home, rows_by_key
from tests.bench.peer_process import PEERS, Peer, PeerGone, installed
from tests.bench.shared_data import policies, write_tables
from tests.bench.shared_queries import SharedQuery


@dataclass(frozen=True)
class Asked:
    """What came of asking: rows by key and seconds of each run; or, where there is no answer, why."""

    answers: tuple[dict[tuple[Any, ...], tuple[Any, ...]], ...] = ()
    seconds: tuple[float, ...] = ()
    why: str = ""
    note: str = ""


class Tool(Protocol):
    """Anything that answers shared questions, in one or more forms (kinds of noise)."""

    name: str
    forms: tuple[str, ...]

    def ask(self, query: SharedQuery, form: str, runs: int, timeout_s: float) -> Asked:
        """Asks the question `runs` times."""
        ...


class Haven:
    """The mediator in this process, its timing slots off; its forms are its definitions of privacy."""

    name = "haven"
    forms = ("zcdp", "pure")

    def __init__(self, house: House) -> None:
        self._house = house

    def ask(self, query: SharedQuery, form: str, runs: int, timeout_s: float) -> Asked:
        """Stops early past `timeout_s`."""
        sql = query.sql
        for table in ("people", "visits"):
            for word in ("FROM", "JOIN"):
                sql = sql.replace(f"{word} {table}", f'{word} "shared-{form}".{table}')
        answers, seconds, started = [], [], time.perf_counter()
        try:
            for _ in range(runs):
                began = time.perf_counter()
                answer = ask(self._house, sql, options=query.options)
                seconds.append(time.perf_counter() - began)
                answers.append(rows_by_key(answer.rows, len(query.keys)))
                if time.perf_counter() - started > timeout_s:
                    break
        except (Refused, Fault) as refusal:
            return Asked(why=f"not yet answered: {refusal.reason}" if isinstance(refusal, Refused) else "fault")
        return Asked(tuple(answers), tuple(seconds))


class PeerTool:
    """A peer's process as a tool; one that ends, or answers too late, is started anew for the next question."""

    forms = ("laplace", "gaussian")

    def __init__(self, peer: str, folder: Path, stack: ExitStack) -> None:
        self.name = PEERS[peer]
        self._peer, self._folder, self._stack = peer, folder, stack
        self._process = self._started()

    def _started(self) -> Peer:
        process = self._stack.enter_context(Peer(self._peer))
        process.load(self._folder)
        return process

    def ask(self, query: SharedQuery, form: str, runs: int, timeout_s: float) -> Asked:
        """No answer within `timeout_s` is none."""
        try:
            reply = self._process.ask(query.told(), form, runs, timeout_s)
        except PeerGone as gone:
            self._process = self._started()
            return Asked(why=str(gone))
        if "answers" not in reply:
            return Asked(why=str(reply.get("unsupported") or reply.get("failed")))
        return Asked(tuple(rows_by_key(rows, len(query.keys)) for rows in reply["answers"]), tuple(reply["seconds"]), note=reply["note"])


class Plain:
    """DuckDB without privacy, on the Parquet files loaded as tables: the exact answers."""

    def __init__(self, folder: Path) -> None:
        self._database = duckdb.connect()
        self._database.execute("CREATE MACRO clamp(x, low, high) AS greatest(low, least(high, x))")
        for name in ("people", "visits"):
            self._database.execute(f"CREATE TABLE {name} AS FROM '{folder / name}.parquet'")

    def exact(self, query: SharedQuery) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """The exact rows by key."""
        return rows_by_key(self._database.execute(query.sql).fetchall(), len(query.keys))


@contextmanager
def opened(folder: Path, rows: int, peers: Sequence[str]) -> Iterator[tuple[list[Tool], Plain]]:
    """This build, and those of `peers` that are installed, all with the same tables of `rows` rows; and DuckDB with them."""
    write_tables(folder, rows)
    home = make_home(folder, policies())
    with ExitStack() as stack:
        tools: list[Tool] = [Haven(stack.enter_context(open_house(home)))]
        for name, missing in installed().items():
            if name in peers and missing is None:
                tools.append(PeerTool(name, folder, stack))
        yield tools, Plain(folder)
