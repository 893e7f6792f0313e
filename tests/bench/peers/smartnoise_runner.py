"""SmartNoise SQL over DuckDB, through its reader for a database connection."""

import warnings
from collections.abc import Iterator
from typing import Any

import duckdb
from protocol import Prepared, Rows, Told, Unsupported, serve
from snsql import Privacy, from_connection
from snsql.sql._mechanisms.base import Mechanism
from snsql.sql.privacy import Mechanisms, Stat

warnings.filterwarnings("ignore")
FUNCTIONS = {"count": "COUNT(*)", "units": "COUNT(DISTINCT id)", "sum": "SUM({})", "mean": "AVG({})", "variance": "VARIANCE({})"}
database = duckdb.connect()


class Cursor:
    """A cursor as the reader's PostgreSQL driver has it."""

    def __init__(self) -> None:
        self._cursor = database.cursor()
        self.description: Any = None

    def execute(self, sql: str) -> None:
        self._cursor.execute(sql)
        self.description = self._cursor.description

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows."""
        return iter(self._cursor.fetchall())


class Connection:
    """DuckDB as a PostgreSQL connection; reads need no transactions."""

    def cursor(self) -> Cursor:
        return Cursor()

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass


def load(paths: dict[str, str]) -> None:
    """Tables of DuckDB, which it reads faster than Parquet."""
    database.execute("CREATE SCHEMA IF NOT EXISTS bench")
    for name, path in paths.items():
        database.execute(f"CREATE OR REPLACE TABLE bench.{name} AS FROM '{path}'")


def metadata(told: Told) -> dict[str, Any]:
    bounds = {name: list(between) for name, between in told["bounds"].items()}
    for aggregate in told["aggregates"]:
        if aggregate["low"] is not None:
            bounds[aggregate["column"]] = [aggregate["low"], aggregate["high"]]
    columns: dict[str, Any] = {}
    for name, kind in told["tables"][told["table"]].items():
        columns[name] = {"type": kind}
        if name in bounds:
            columns[name] |= {"lower": bounds[name][0], "upper": bounds[name][1]}
    columns["id"]["private_id"] = True
    settings = {"max_ids": told["rows"], "censor_dims": told["private"], "clamp_counts": False, "clamp_columns": True}
    return {"": {"bench": {told["table"]: settings | columns}}}


def statement(told: Told) -> str:
    parts = [f"{FUNCTIONS[each['op']].format(each['column'])} AS {each['name']}" for each in told["aggregates"]]
    where = "" if told["where"] is None else " WHERE {} {} {}".format(*told["where"])
    grouped = f" GROUP BY {', '.join(told['keys'])}" if told["keys"] else ""
    return f"SELECT {', '.join([*told['keys'], *parts])} FROM bench.{told['table']}{where}{grouped}"


def mechanisms(noise: str) -> Mechanisms:
    """Its defaults (Laplace), or Gaussian noise everywhere."""
    chosen = Mechanisms()
    if noise == "gaussian":
        chosen.map = dict.fromkeys(Stat, Mechanism.gaussian)
    return chosen


def prepare(told: Told, noise: str) -> Prepared:
    if told["join"]:
        raise Unsupported("joins are switched off")
    if any(each["op"] not in FUNCTIONS for each in told["aggregates"]):
        raise Unsupported("no medians")
    if noise == "gaussian" and any(each["op"] in {"sum", "mean", "variance"} for each in told["aggregates"]):
        raise Unsupported("searches for a Gaussian scale for sums of decimals, and finds none")
    facts, sql = metadata(told), statement(told)

    def reader(epsilon: float, delta: float) -> Any:
        privacy = Privacy(epsilon=epsilon, delta=delta, mechanisms=mechanisms(noise))
        return from_connection(Connection(), privacy=privacy, metadata=facts, engine="postgres")

    epsilon, delta = told["epsilon"], told["delta"]
    plain = [float(part) for part in reader(epsilon, delta).get_privacy_cost(sql)]
    note = f"epsilon={epsilon:g} charges {plain[0]:.3g}" if plain[0] > epsilon * 1.001 else ""
    epsilon, delta = epsilon * epsilon / plain[0], delta * min(1.0, delta / max(plain[1], 1e-30))
    if "epsilon_a_column" in told:  # one question of many: the odometer has set what every column may cost
        epsilon, delta = told["epsilon_a_column"], told["delta_a_column"]
    paid = [float(part) for part in reader(epsilon, delta).get_privacy_cost(sql)]

    def ask() -> Rows:
        return [list(row) for row in reader(epsilon, delta).execute(sql)[1:]]

    return Prepared(ask, paid[0], paid[1], note)


if __name__ == "__main__":
    serve(load, prepare)
