"""OpenDP Polars: a context over a frame in memory, keys joined where they are public."""

import math
import warnings
from typing import Any

import opendp.prelude as dp
import polars as pl
from protocol import Prepared, Rows, Told, Unsupported, serve

warnings.filterwarnings("ignore")
dp.enable_features("contrib")
CANDIDATES = 1001
OPERATORS = {">": pl.Expr.gt, "<": pl.Expr.lt, "=": pl.Expr.eq}
frames: dict[str, pl.DataFrame] = {}


def load(paths: dict[str, str]) -> None:
    """Frames in memory, which it reads faster than Parquet."""
    for name, path in paths.items():
        frames[name] = pl.read_parquet(path)


def expression(aggregate: dict[str, Any], *, one_row: bool) -> Any:
    """`one_row`: rows were cut to one a person and key, so that counting rows counts persons, as its choice of private keys needs."""
    column = pl.col(aggregate["column"] or "id")
    filled = column.fill_null(0.0).fill_nan(0.0)
    between = (aggregate["low"], aggregate["high"])
    match aggregate["op"]:
        case "count":
            made = dp.len(signed=True)
        case "units":
            made = dp.len(signed=True) if one_row else column.dp.n_unique(signed=True)
        case "sum":
            made = filled.dp.sum(between)
        case "mean":
            made = filled.dp.mean(between)
        case "median":
            step = (between[1] - between[0]) / (CANDIDATES - 1)
            made = filled.dp.median([between[0] + place * step for place in range(CANDIDATES)])
        case other:
            raise Unsupported(f"no {other}")
    return made.alias(aggregate["name"])


def context(told: Told, noise: str) -> Any:
    several = told["rows"] > 1
    unit = dp.unit_of(contributions=1, identifier="id") if several else dp.unit_of(contributions=1)
    if noise == "laplace":
        loss = dp.loss_of(epsilon=told["epsilon"], delta=told["delta"]) if told["private"] else dp.loss_of(epsilon=told["epsilon"])
    else:
        loss = dp.loss_of(
            rho=told.get("rho") or _rho(told["epsilon"], told["delta"] / 2), delta=told["delta"] / 2 if told["private"] else 0.0
        )
    cap = 10 ** math.ceil(math.log10(frames[told["table"]].height))  # a public bound on rows: float sums get noisier as it grows
    margins = [dp.polars.Margin(max_length=cap, max_groups=1)]
    if told["keys"]:
        margins.append(dp.polars.Margin(by=list(told["keys"]), max_length=cap))
    return dp.Context.compositor(
        data=frames[told["table"]].lazy(), privacy_unit=unit, privacy_loss=loss, split_evenly_over=1, margins=margins
    )


def _rho(epsilon: float, delta: float) -> float:
    """The largest ρ whose ε at δ, by OpenDP's own profile, is within `epsilon`."""
    low, high = 0.0, epsilon
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if dp_epsilon(middle, delta) <= epsilon else (low, middle)
    return low


def dp_epsilon(rho: float, delta: float) -> float:
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    profiled = dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale=math.sqrt(1 / (2 * rho))))
    return float(profiled.map(1.0).epsilon(delta))


def prepare(told: Told, noise: str) -> Prepared:
    if told["join"]:
        raise Unsupported("no joins of private frames")
    made = [expression(aggregate, one_row=told["private"]) for aggregate in told["aggregates"]]
    keys = None
    if told["keys"] and told["domains"]:
        keys = pl.LazyFrame({told["keys"][0]: told["domains"][told["keys"][0]]})
        for key in told["keys"][1:]:
            keys = keys.join(pl.LazyFrame({key: told["domains"][key]}), how="cross")

    def ask() -> Rows:
        query = context(told, noise).query()
        if told["where"] is not None:
            column, operator, constant = told["where"]
            query = query.filter(OPERATORS[operator](pl.col(column), constant))
        if told["rows"] > 1:
            query = bounded(query, told)
        query = query.group_by(*told["keys"]).agg(*made) if told["keys"] else query.select(*made)
        if keys is not None:
            query = query.with_keys(keys)
        released = query.release().collect()
        return [list(row) for row in released.select([*told["keys"], *(each["name"] for each in told["aggregates"])]).rows()]

    return Prepared(ask, told["epsilon"], told["delta"])


def bounded(query: Any, told: Told) -> Any:
    """At most so many groups a person, and so many rows in each."""
    if not told["keys"]:
        return query.truncate_per_group(told["rows"])
    by = list(told["keys"])
    rows = 1 if any(each["op"] == "units" for each in told["aggregates"]) else told["rows_in_group"]
    # in this release keep="sample", the default, fails ("multiple fields with name"), and a bound of k groups keeps k - 1
    return query.truncate_per_group(rows, by=by).truncate_num_groups(told["groups"] + 1, by=by, keep="first")


if __name__ == "__main__":
    serve(load, prepare)
