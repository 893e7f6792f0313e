"""The measured figures as the tables and plots of docs/performance.md: what stands between its marks is written anew by `make bench`."""

import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt

from tests.bench.noise import noise_table
from tests.bench.peer_process import PEERS
from tests.bench.shared_queries import SHARED
from tests.bench.side_by_side import ERROR_ROWS, told_apart, verdicts

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "performance.md"
PLOTS = DOCS / "screenshots"
TITLES = {query.name: query.title for query in SHARED}
TOOLS = ["haven", *PEERS.values()]


def write_report(figures: Mapping[str, Any]) -> None:
    """Replaces each marked part of the page for which there are figures; draws the plots."""
    page = PAGE.read_text(encoding="utf-8")
    for name, text in _parts(figures).items():
        marked = f"<!-- {name} -->\n{text}\n<!-- end of {name} -->"
        page = re.sub(rf"<!-- {name} -->.*?<!-- end of {name} -->", lambda _, marked=marked: marked, page, flags=re.DOTALL)
    PAGE.write_text(page, encoding="utf-8")
    _plot(figures)


def _parts(figures: Mapping[str, Any]) -> dict[str, str]:
    parts = {}
    if peers := figures.get("peers"):
        for size in peers["seconds"]:
            parts[f"seconds at {size}"] = _seconds(peers, size)
        parts["errors"] = _errors(peers)
        parts["verdict"] = _verdict(peers)
    if against := figures.get("against_duckdb"):
        parts["against DuckDB"] = "\n\n".join(_against(one) for one in against)
    if noise := figures.get("noise"):
        parts["noise"] = _table(*noise_table(noise))
    if day := figures.get("day"):
        parts["day"] = _day(day)
    if ledger := figures.get("ledger"):
        parts["ledger"] = _ledger(ledger)
    if pages := figures.get("pages"):
        parts["pages"] = _pages(pages)
    if books := figures.get("books"):
        parts["books"] = _books(books)
    if questions := figures.get("questions"):
        parts["questions"] = _questions(questions)
    return parts


def _pages(pages: Mapping[str, Any]) -> str:
    rows = [[f"`{page}`", f"{taken:.0f} ms"] for page, taken in pages["pages_ms"].items()]
    return _table([f"page, over {pages['entries']:,} entries", "median"], rows)


def _books(books: Mapping[str, Any]) -> str:
    rows = [
        ["`haven audit verify`: chain, tree, every total and table", f"{books['verified_s']:.0f} s ({books['verify_cpu_s']:.0f} s of CPU)"],
        ["memory of the process that did", f"{books['memory_mib']:.0f} MiB"],
        ["opening the books", f"{books['opened_ms']:.0f} ms"],
        ["an entry, then a checkpoint signed and witnessed in a file", f"{books['checkpoint_ms']:.0f} ms"],
        ["an inclusion proof, made and checked", f"{books['inclusion_ms']:.1f} ms"],
        ["a consistency proof, made and checked", f"{books['consistency_ms']:.1f} ms"],
        ["the file", f"{books['file_mib']:.0f} MiB"],
    ]
    return _table([f"books of {books['entries']:,} entries", ""], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _seconds(peers: Mapping[str, Any], size: str) -> str:
    rows = []
    for row in verdicts(peers, size):
        mine = row["seconds"].get("haven")
        cells = [_against_mine(row["seconds"].get(tool), mine) for tool in PEERS.values()]
        rows.append([TITLES[row["query"]], "not answered" if mine is None else f"{1000 * mine:.1f} ms", *cells])
    return _table(["question", *TOOLS], rows)


def _against_mine(theirs: float | None, mine: float | None) -> str:
    if theirs is None:
        return "–"
    shown = f"{1000 * theirs:.0f} ms" if theirs < 10 else f"{theirs:.0f} s"
    return shown if mine is None else f"{shown} ({theirs / mine:.1f} ×)"


def _errors(peers: Mapping[str, Any]) -> str:
    """Bold: what is not told apart from the least by more than chance."""
    rows = []
    for name, tools in peers["errors"].items():
        found = {tool: [each for each in forms.values() if "error" in each] for tool, forms in tools.items()}
        least = min((each for forms in found.values() for each in forms), key=lambda each: float(each["error"]))
        mine = tools["haven"]
        cells = [_error(mine[form], least) for form in ("zcdp", "pure")]
        for tool in PEERS.values():
            best = min(found.get(tool, []), key=lambda each: float(each["error"]), default={})
            cells.append(_error(best, least))
        rows.append([TITLES[name], *cells])
    return _table(["question", "haven, zcdp", "haven, pure", *PEERS.values()], rows)


def _error(each: Mapping[str, Any], least: Mapping[str, Any]) -> str:
    if "error" not in each:
        return "–"
    return f"{each['error']:.1e}" if told_apart(each, least) else f"**{each['error']:.1e}**"


def _verdict(peers: Mapping[str, Any]) -> str:
    """Where haven is not best, in words."""
    lines = []
    for size in peers["seconds"]:
        rows = [row for row in verdicts(peers, size) if row["fastest_peer_s"] is not None]
        asked = [row for row in rows if "haven" in row["seconds"]]
        slower = [TITLES[row["query"]] for row in asked if row["seconds"]["haven"] > row["fastest_peer_s"]]
        ratios = [row["median_peer_s"] / row["seconds"]["haven"] for row in asked]
        below = [TITLES[row["query"]] for row, ratio in zip(asked, ratios, strict=True) if ratio < 5]
        lines.append(
            f"* {int(size):,} rows: faster than the fastest peer on {len(asked) - len(slower)} of {len(rows)} questions{_listed(slower)}; "
            f"at least five times faster than the median peer on {len(asked) - len(below)}{_listed(below)}; "
            f"median {statistics.median(ratios):.0f} times faster than it."
        )
    first = next(iter(peers["seconds"]))
    judged = [row for row in verdicts(peers, first) if row["best_peer"] is not None]
    worse = [TITLES[row["query"]] for row in judged if "haven" not in row["errors"] or told_apart(row["errors"]["haven"], row["best_peer"])]
    lines.append(
        f"* Error at or below the best peer's (told apart by two standard errors) on {len(judged) - len(worse)} of {len(judged)} questions "
        f"at {ERROR_ROWS:,} rows{_listed(worse)}."
    )
    notes = [
        (tool, name, form["note"])
        for name, tools in peers["errors"].items()
        for tool, forms in tools.items()
        for form in forms.values()
        if form.get("note")
    ]
    by_tool: dict[str, list[str]] = {}
    for tool, name, note in notes:
        by_tool.setdefault(tool, []).append(f"{TITLES[name]}: {note}")
    lines += [
        f"* {tool} charges more than its `epsilon=` says ({'; '.join(each)}); it was asked with less, so that it charged 1."
        for tool, each in by_tool.items()
    ]
    lines += [f"* {name} is not in this run: {reason}" for name, reason in peers["missing"].items()]
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    return f" (not: {'; '.join(names)})" if names else ""


def _against(one: Mapping[str, Any]) -> str:
    rows = []
    for each in one["contests"]:
        if "ratio" not in each:
            rows.append([each["name"], "–", "–", "–", "not answered", f"{each['goal']:g}"])
            continue
        met = "" if each["ratio"] <= each["goal"] else " **missed**"
        times = [f"{1000 * each[name]:.1f}" for name in ("plain", "haven")]
        rows.append([each["name"], *times, f"{each['query_ratio']:.2f}", f"{each['ratio']:.2f}{met}", f"{each['goal']:g}"])
    title = f"{one['rows']:,} rows a table (generated by SQL and taken in by the real ingest, in {one['ingest_s']:.0f} s together)"
    return f"{title}\n\n" + _table(["question", "DuckDB, ms", "haven, ms", "query alone", "whole", "goal"], rows)


def _day(day: Mapping[str, Any]) -> str:
    ordered = sorted(day["answered"].items(), key=lambda item: -item[1])
    rows = [[name, f"{count:.0f}", day["accounting"][name]] for name, count in ordered]
    return _table(["", f"of {len(day['titles'])}", "accounting"], rows)


def _ledger(ledger: Mapping[str, Any]) -> str:
    names = ("clients", "spends a second", "p50 ms", "p99 ms")
    rows = [
        [row["store"], str(row["clients"]), f"{row[names[1]]:.0f}", *(f"{row[name]:.1f}" for name in names[2:])] for row in ledger["rows"]
    ]
    missing = [f"\n\n{name} is not in this run: {reason}" for name, reason in ledger["missing"].items()]
    return _table(["books in", *names], rows) + "".join(missing)


def _questions(questions: Sequence[Mapping[str, Any]]) -> str:
    names = [name for name in questions[0] if name != "timing"]
    rows = [
        [one["timing"], *(f"{one[name]:.1f}" if isinstance(one[name], float) else str(one[name]) for name in names)] for one in questions
    ]
    return _table(["", *(name.replace("_", " ") for name in names)], rows)


def _plot(figures: Mapping[str, Any]) -> None:
    """Seconds at the first size and errors, a dot a tool and question, both on logarithmic axes."""
    peers = figures.get("peers")
    if not peers or not peers["seconds"]:
        return
    size = next(iter(peers["seconds"]))
    dots = [
        {"question": TITLES[row["query"]], "tool": tool, "seconds": row["seconds"][tool], "error": row["errors"][tool]["error"]}
        for row in verdicts(peers, size)
        for tool in TOOLS
        if tool in row["seconds"] and tool in row["errors"]
    ]
    order = [query.title for query in SHARED]
    colour = alt.Color("tool:N", sort=TOOLS, title=None, scale=alt.Scale(range=["#c1121f", "#4c78a8", "#f58518", "#54a24b", "#b279a2"]))
    charts = [
        alt.Chart(alt.InlineData(values=dots))
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=alt.X(f"{field}:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g", tickCount=6), title=title),
            y=alt.Y("question:N", sort=order, title=None),
            color=colour,
            shape=alt.Shape("tool:N", sort=TOOLS, legend=None),
        )
        .properties(width=330, height=400)
        for field, title in (("seconds", f"seconds, {int(size):,} rows"), ("error", f"mean relative error, {ERROR_ROWS:,} rows"))
    ]
    alt.hconcat(*charts).save(str(PLOTS / "performance-peers.svg"))
