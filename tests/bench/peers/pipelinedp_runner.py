"""PipelineDP on its local backend, over rows in a Python list."""

import operator
from typing import Any

import pipeline_dp
import pyarrow.parquet as pq
from pipeline_dp import Metrics, NoiseKind
from protocol import Prepared, Rows, Told, Unsupported, serve

METRICS = {
    "count": Metrics.COUNT,
    "units": Metrics.PRIVACY_ID_COUNT,
    "sum": Metrics.SUM,
    "mean": Metrics.MEAN,
    "variance": Metrics.VARIANCE,
    "median": Metrics.PERCENTILE(50),
}
FIELDS = {"count": "count", "units": "privacy_id_count", "sum": "sum", "mean": "mean", "variance": "variance", "median": "percentile_50"}
OPERATORS = {">": operator.gt, "<": operator.lt, "=": operator.eq}
paths: dict[str, str] = {}
columns: dict[tuple[str, str], list[Any]] = {}


def load(given: dict[str, str]) -> None:
    """Columns are read when a question first needs them, before it is timed."""
    paths.update(given)
    columns.clear()


def column(table: str, name: str) -> list[Any]:
    if (table, name) not in columns:
        columns[table, name] = pq.read_table(paths[table], columns=[name]).column(0).to_pylist()
    return columns[table, name]


def prepare(told: Told, noise: str) -> Prepared:
    if told["join"]:
        raise Unsupported("no joins")
    table, where = told["table"], told["where"]
    bounded = next((each for each in told["aggregates"] if each["low"] is not None), None)
    values = column(table, bounded["column"] if bounded else "id")
    if len(told["keys"]) == 1:
        keys: list[Any] = column(table, told["keys"][0])
    else:
        keys = list(zip(*(column(table, key) for key in told["keys"]), strict=True)) if told["keys"] else [0] * len(values)
    conditions = values if where is None else column(table, where[0])
    rows = list(zip(column(table, "id"), keys, values, conditions, strict=True))
    public = _product(told)
    extractors = pipeline_dp.DataExtractors(
        privacy_id_extractor=operator.itemgetter(0), partition_extractor=operator.itemgetter(1), value_extractor=operator.itemgetter(2)
    )

    def ask() -> Rows:
        accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=told["epsilon"], total_delta=told["delta"])
        engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
        parameters = pipeline_dp.AggregateParams(
            metrics=[METRICS[each["op"]] for each in told["aggregates"]],
            noise_kind=NoiseKind.LAPLACE if noise == "laplace" else NoiseKind.GAUSSIAN,
            max_partitions_contributed=told["groups"],
            max_contributions_per_partition=told["rows_in_group"],
            min_value=bounded["low"] if bounded else None,
            max_value=bounded["high"] if bounded else None,
        )
        asked = rows if where is None else [row for row in rows if OPERATORS[where[1]](row[3], where[2])]
        answer = engine.aggregate(asked, parameters, extractors, public_partitions=public)
        accountant.compute_budgets()
        return [[*_key(told, key), *(getattr(metrics, FIELDS[each["op"]]) for each in told["aggregates"])] for key, metrics in answer]

    return Prepared(ask, told["epsilon"], told["delta"])


def _product(told: Told) -> list[Any] | None:
    """The public partitions; None where keys are private."""
    if told["private"]:
        return None
    if not told["keys"]:
        return [0]
    first, *others = (told["domains"][key] for key in told["keys"])
    return [(a, b) for a in first for b in others[0]] if others else list(first)


def _key(told: Told, key: Any) -> list[Any]:
    if not told["keys"]:
        return []
    return list(key) if len(told["keys"]) > 1 else [key]


if __name__ == "__main__":
    serve(load, prepare)
