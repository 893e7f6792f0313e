"""haven beside its peers: the same questions on the same rows at the same (ε, δ), in turns.

Errors are measured where every tool can be asked many times (100,000 rows); times at a million rows and more. Each tool stands with the
form (Laplace or Gaussian noise; for haven, pure or zcdp) that has the smaller error on the question; both are in artifacts/bench.json.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.peer_process import PEERS, installed
from tests.bench.shared_queries import SHARED, SharedQuery
from tests.bench.tools import Asked, Tool, opened

ERROR_ROWS = 100_000
ERROR_RUNS = 20
ONE_CELL_RUNS = 100
ROUNDS = 5
Rows = Mapping[tuple[Any, ...], tuple[Any, ...]]
Table = dict[str, dict[str, dict[str, Any]]]


def measure_peers(folder: Path, sizes: Sequence[int], cap_s: float, peers: Sequence[str], only: Sequence[str] = ()) -> dict[str, Any]:
    """Errors, then seconds at each size, of every tool on every shared question; printed and returned."""
    missing = {PEERS[name]: reason for name, reason in installed().items() if reason is not None and name in peers}
    for name, reason in missing.items():
        print(f"\n{name} is not in this run: {reason}")
    queries = [query for query in SHARED if not only or query.name in only]
    errors = _errors(folder / f"errors-{ERROR_ROWS}", cap_s, peers, queries)
    seconds = {}
    for rows in sizes:
        seconds[str(rows)] = _seconds(folder / f"times-{rows}", rows, cap_s, peers, queries, errors)
    result = {"missing": missing, "error_rows": ERROR_ROWS, "cap_s": cap_s, "errors": errors, "seconds": seconds}
    show(result)
    return result


def mean_relative_error(answer: Rows, exact: Rows) -> float:
    """Over keys and columns; a key that the tool did not show was answered with nothing, an error of 1."""
    parts = []
    for key, values in exact.items():
        shown = answer.get(key, (0.0,) * len(values))
        parts += [abs(float(got or 0) - float(value)) / abs(float(value)) for got, value in zip(shown, values, strict=True)]
    return statistics.fmean(parts)


def told_apart(mine: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether `mine` is larger than the other by more than chance: two standard errors of their difference."""
    return bool(mine["error"] > other["error"] + 2 * math.hypot(mine["standard_error"], other["standard_error"]))


def best_form(errors: Table, query: str, tool: str) -> str | None:
    """The form in which a tool's error on a question is least; None where it has no answer."""
    found = {form: each["error"] for form, each in errors[query].get(tool, {}).items() if "error" in each}
    return min(found, key=lambda form: found[form]) if found else None


def _errors(folder: Path, cap_s: float, peers: Sequence[str], queries: Sequence[SharedQuery]) -> Table:
    with opened(folder, ERROR_ROWS, peers) as (tools, plain):
        return {
            query.name: {tool.name: {form: _error(tool, query, form, plain.exact(query), cap_s) for form in tool.forms} for tool in tools}
            for query in queries
        }


def _error(tool: Tool, query: SharedQuery, form: str, exact: Rows, cap_s: float) -> dict[str, Any]:
    """One form's error, and the standard error of it, over as many runs as fit in the cap, up to a number that ends chance."""
    first = tool.ask(query, form, 1, 30 + cap_s)
    if not first.answers:
        return {"why": first.why}
    more = min((ERROR_RUNS if query.keys else ONE_CELL_RUNS) - 1, int(cap_s / 4 / max(first.seconds)))
    rest = tool.ask(query, form, more, 30 + 2 * cap_s) if more > 0 else Asked()
    errors = [mean_relative_error(answer, exact) for answer in (*first.answers, *rest.answers)]
    spread = statistics.stdev(errors) / math.sqrt(len(errors)) if len(errors) > 1 else errors[0]
    return {"error": statistics.fmean(errors), "standard_error": spread, "runs": len(errors), "note": first.note}


def _seconds(
    folder: Path, rows: int, cap_s: float, peers: Sequence[str], queries: Sequence[SharedQuery], errors: Table
) -> dict[str, dict[str, Any]]:
    """Median seconds by question and tool, the tools taking turns; a tool leaves a question's rounds once they took it `cap_s`."""
    table: dict[str, dict[str, Any]] = {}
    with opened(folder, rows, peers) as (tools, _):
        for query in queries:
            taken: dict[str, list[float]] = {}
            reasons: dict[str, str] = {}
            for turn in range(ROUNDS + 1):
                for tool in tools:
                    form = best_form(errors, query.name, tool.name)
                    if form is None or tool.name in reasons or sum(taken.get(tool.name, [])) > cap_s:
                        continue
                    asked = tool.ask(query, form, 1, 3 * cap_s)
                    if asked.why:
                        reasons[tool.name] = asked.why
                    elif turn or asked.seconds[0] > cap_s / 4:  # the first turn warms up, unless it is dear
                        taken.setdefault(tool.name, []).extend(asked.seconds)
            table[query.name] = {name: {"seconds": statistics.median(each), "runs": len(each)} for name, each in taken.items()}
            table[query.name] |= {name: {"why": reason} for name, reason in reasons.items()}
    return table


def verdicts(result: Mapping[str, Any], size: str) -> list[dict[str, Any]]:
    """One row a question: haven's seconds and error, the best peer's, and the median peer's seconds; None where there is none."""
    rows = []
    for query, tools in result["seconds"][size].items():
        forms = {name: best_form(result["errors"], query, name) for name in result["errors"][query]}
        errors = {name: result["errors"][query][name][form] for name, form in forms.items() if form is not None}
        times = {name: each["seconds"] for name, each in tools.items() if "seconds" in each}
        peer_times = sorted(each for name, each in times.items() if name != "haven")
        peer_errors = {name: each for name, each in errors.items() if name != "haven"}
        rows.append(
            {
                "query": query,
                "seconds": times,
                "errors": errors,
                "form": forms.get("haven"),
                "fastest_peer_s": peer_times[0] if peer_times else None,
                "median_peer_s": statistics.median(peer_times) if peer_times else None,
                "best_peer": min(peer_errors.values(), key=lambda each: float(each["error"])) if peer_errors else None,
            }
        )
    return rows


def show(result: Mapping[str, Any]) -> None:
    """Prints one table a size."""
    names = ["haven", *PEERS.values()]
    for size in result["seconds"]:
        print(f"\nshared questions, {int(size):,} rows: milliseconds (mean relative error at {ERROR_ROWS:,} rows); epsilon 1, delta 1e-6")
        print(f"  {'':18}" + "".join(f"{name:>22}" for name in names))
        for row in verdicts(result, size):
            cells = []
            for name in names:
                seconds, error = row["seconds"].get(name), row["errors"].get(name)
                cells.append("-" if error is None else f"{'-' if seconds is None else f'{1000 * seconds:.1f}'} ({error['error']:.1e})")
            print(f"  {row['query']:18}" + "".join(f"{cell:>22}" for cell in cells))
