"""Qrlew rewrites the question; DuckDB runs what it wrote."""

import json
import math
from collections.abc import Iterator
from typing import Any

import duckdb
import sqlalchemy as sa
from protocol import Prepared, Rows, Told, Unsupported, serve
from pyqrlew import Dataset, Dialect

FUNCTIONS = {"count": "COUNT(*)", "units": "COUNT(DISTINCT {}.id)", "sum": "SUM({})", "mean": "AVG({})", "variance": "VARIANCE({})"}
KINDS = {"int": sa.Integer, "string": sa.String, "float": sa.Float}
STEPS = 40
database = duckdb.connect()
sizes: dict[str, int] = {}


def load(paths: dict[str, str]) -> None:
    """Tables of DuckDB, which it reads faster than Parquet."""
    for name, path in paths.items():
        database.execute(f"CREATE OR REPLACE TABLE {name} AS FROM '{path}'")
        rows = database.execute(f"SELECT COUNT(*) FROM {name}").fetchall()[0][0]
        sizes[name] = 10 ** len(str(rows))  # it cuts counts to the declared size: the true one would be the answer


def dataset(told: Told) -> Any:
    """The declared tables with a public bound on their sizes, public values and bounds: what Qrlew would read off a database."""
    engine, schema = sa.create_engine("sqlite://"), sa.MetaData()
    for name, columns in told["tables"].items():
        sa.Table(name, schema, *(sa.Column(column, KINDS[kind]) for column, kind in columns.items()))
    schema.create_all(engine)
    built = Dataset.from_str
    try:
        Dataset.from_str = staticmethod(lambda facts, types, counts: built(facts, types, json.dumps(_sized(json.loads(counts)))))
        made = Dataset.from_database("bench", engine)
    finally:
        Dataset.from_str = built
    for table, columns in told["tables"].items():
        for column in columns:
            if column in told["bounds"]:
                made = made.with_range(None, table, column, *told["bounds"][column])
            if column in (told["domains"] or {}):
                made = made.with_possible_values(None, table, column, told["domains"][column])
    return made.with_constraint(None, "people", "id", "UNIQUE") if "people" in told["tables"] else made


def _sized(counts: dict[str, Any]) -> dict[str, Any]:
    for table in counts["statistics"]["union"]["fields"]:
        rows = sizes[table["name"]]
        table["statistics"]["struct"]["size"] = str(rows)
        for column in table["statistics"]["struct"]["fields"]:
            next(value for value in column["statistics"].values() if isinstance(value, dict) and "distribution" in value)["size"] = rows
    return counts


def statement(told: Told) -> str:
    parts = [f"{_written(told, each)} AS {each['name']}" for each in told["aggregates"]]
    source = "visits JOIN people ON visits.id = people.id" if told["join"] else told["table"]
    where = "" if told["where"] is None else " WHERE {} {} {}".format(*told["where"])
    grouped = f" GROUP BY {', '.join(told['keys'])}" if told["keys"] else ""
    return f"SELECT {', '.join([*told['keys'], *parts])} FROM {source}{where}{grouped}"


def _written(told: Told, aggregate: dict[str, Any]) -> str:
    if aggregate["op"] not in FUNCTIONS:
        raise Unsupported("no medians")
    if aggregate["op"] == "units":
        return FUNCTIONS["units"].format(told["table"])
    column, declared = aggregate["column"], told["bounds"].get(aggregate["column"])
    narrowed = declared and [aggregate["low"], aggregate["high"]] != list(declared)
    return FUNCTIONS[aggregate["op"]].format(f"LEAST(GREATEST({column}, {aggregate['low']}), {aggregate['high']})" if narrowed else column)


def prepare(told: Told, noise: str) -> Prepared:
    if noise != "gaussian":
        raise Unsupported("Gaussian noise only")
    made, sql = dataset(told), statement(told)
    unit = ([(table, [], "id") for table in told["tables"]], False)

    def rewritten(epsilon: float, delta: float) -> Any:
        return made.relation(sql, Dialect.PostgreSql).rewrite_with_differential_privacy(
            made,
            unit,
            {"epsilon": epsilon, "delta": delta},
            max_multiplicity=float(told["rows"]),
            max_multiplicity_share=1.0,
            max_privacy_unit_groups=told["groups"],
        )

    share = told["delta"] / 2 if told["private"] else told["delta"]
    plain = _spent(rewritten(told["epsilon"], share).dp_event().to_dict(), told["delta"])
    low, high = 0.0, 20 * told["epsilon"]
    for _ in range(STEPS):
        middle = (low + high) / 2
        fits = _spent(rewritten(middle, share).dp_event().to_dict(), told["delta"]) <= told["epsilon"]
        low, high = (middle, high) if fits else (low, middle)
    paid = _spent(rewritten(low, share).dp_event().to_dict(), told["delta"])
    note = f"epsilon={told['epsilon']:g} costs {plain:.3g}" if plain > 1.001 * told["epsilon"] else ""

    def ask() -> Rows:
        query = rewritten(low, share).relation().to_query(Dialect.PostgreSql)
        return [list(row) for row in database.execute(query).fetchall()]

    return Prepared(ask, paid, told["delta"], note)


def _mechanisms(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for inner in event.get("events", []):
        yield from _mechanisms(inner)
    if "events" not in event:
        yield event


def _spent(event: dict[str, Any], delta: float) -> float:
    """The least ε at δ of the mechanisms that Qrlew lists: Gaussians composed exactly, the rest added. Infinite where none is enough."""
    mu2 = epsilon = 0.0
    for each in _mechanisms(event):
        if each["class_name"] == "GaussianDpEvent":
            mu2 += each["noise_multiplier"] ** -2 if each["noise_multiplier"] else math.inf
        elif each["class_name"] == "EpsilonDeltaDpEvent":
            epsilon, delta = epsilon + each["epsilon"], delta - each["delta"]
        elif each["class_name"] != "NoOpDpEvent":
            raise Unsupported(f"an event of kind {each['class_name']}")
    if delta <= 0 or mu2 == math.inf:
        return math.inf
    return epsilon + _gaussian_epsilon(math.sqrt(mu2), delta)


def _gaussian_epsilon(mu: float, delta: float) -> float:
    """The least ε of a Gaussian with Δ/σ = mu at δ (Balle and Wang 2018, theorem 8)."""
    if not mu:
        return 0.0
    low, high = 0.0, 200.0
    for _ in range(100):
        middle = (low + high) / 2
        above = _phi(mu / 2 - middle / mu) - math.exp(middle) * _phi(-mu / 2 - middle / mu)
        low, high = (middle, high) if above > delta else (low, middle)
    return high


def _phi(value: float) -> float:
    return math.erfc(-value / math.sqrt(2)) / 2


if __name__ == "__main__":
    serve(load, prepare)
