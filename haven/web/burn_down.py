"""A dataset's budget and its questions day by day as pictures: drawn on the server, so that no browser runs a charting library."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from haven.web.custodian_facts import DayShare

COLOURS = {"light": ("#1f5f8b", "#3b4252", "#d8dee9"), "dark": ("#7fb8e0", "#d8dee9", "#4c566a")}
_WIDTH, _HEIGHT = 560, 200


@lru_cache(maxsize=64)
def burn_down_svg(title: str, series: tuple[DayShare, ...], exhausted: date | None = None, scheme: str = "light") -> bytes:
    """The share of the budget left, a step a day, as SVG on a transparent ground; `scheme` is light or dark.

    Where the budget is expected to be spent on a day, a dashed line leads there from the last day.
    """
    import altair as alt  # noqa: PLC0415 - a second of loading that only a page with a chart should pay

    line, _, _ = COLOURS.get(scheme, COLOURS["light"])
    x = alt.X("day:T", title="day", axis=alt.Axis(format="%d %b %Y", labelOverlap=True, tickCount=6))
    y = alt.Y("left:Q", title="budget left", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    spent = alt.Chart(_rows(series)).mark_line(interpolate="step-after", point=len(series) <= 60, color=line).encode(x=x, y=y)  # noqa: PLR2004 - points that still stand apart
    layers = [spent]
    if exhausted is not None and series and exhausted > series[-1].day:
        expected = (series[-1], DayShare(exhausted, 0.0))
        layers.append(alt.Chart(_rows(expected)).mark_line(strokeDash=[6, 4], color=line).encode(x=x, y=y))
    return _drawn(alt.layer(*layers, title=title, width=_WIDTH, height=_HEIGHT, background="transparent"), scheme)


@lru_cache(maxsize=64)
def questions_svg(title: str, counts: tuple[tuple[date, int], ...], scheme: str = "light") -> bytes:
    """The number of questions a day, as bars."""
    import altair as alt  # noqa: PLC0415 - the same

    line, _, _ = COLOURS.get(scheme, COLOURS["light"])
    rows = alt.InlineData(values=[{"day": day.isoformat(), "questions": count} for day, count in counts])
    x = alt.X("utcyearmonthdate(day):T", title="day", axis=alt.Axis(format="%d %b", labelOverlap=True, tickCount=6))
    y = alt.Y("questions:Q", title="questions", axis=alt.Axis(tickMinStep=1, format=",d"))
    bars = alt.Chart(rows, title=title, width=_WIDTH, height=_HEIGHT // 2, background="transparent").mark_bar(color=line).encode(x=x, y=y)
    return _drawn(bars, scheme)


def _rows(series: Sequence[DayShare]) -> Any:  # noqa: ANN401 - Altair's own
    import altair as alt  # noqa: PLC0415 - the same

    return alt.InlineData(values=[{"day": one.day.isoformat(), "left": one.left_share} for one in series])


def _drawn(chart: Any, scheme: str) -> bytes:  # noqa: ANN401 - any of Altair's charts
    import vl_convert  # noqa: PLC0415 - the same

    line, ink, grid = COLOURS.get(scheme, COLOURS["light"])
    finished = (
        chart.configure_axis(labelColor=ink, titleColor=ink, gridColor=grid, domainColor=ink, tickColor=ink)
        .configure_title(color=ink)
        .configure_view(stroke=None)
        .configure_point(color=line)
    )
    return str(vl_convert.vegalite_to_svg(finished.to_dict())).encode()
