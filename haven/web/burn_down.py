"""The burn-down of a budget as a picture: drawn on the server, so that no browser runs a charting library."""

from collections.abc import Sequence
from typing import Any

from haven.web.facts import DayShare

COLOURS = {"light": ("#1f5f8b", "#3b4252", "#d8dee9"), "dark": ("#7fb8e0", "#d8dee9", "#4c566a")}


def burn_down_svg(title: str, series: Sequence[DayShare], scheme: str = "light") -> bytes:
    """The share of the budget left, a step a day, as SVG on a transparent ground; `scheme` is light or dark."""
    import altair as alt  # noqa: PLC0415 - a second of loading that only a page with a chart should pay
    import vl_convert  # noqa: PLC0415 - the same

    line, words, grid = COLOURS.get(scheme, COLOURS["light"])
    rows = [{"day": one.day.isoformat(), "left": one.left_share} for one in series]
    chart = (
        alt.Chart(alt.InlineData(values=rows), title=title, width=560, height=200, background="transparent")
        .mark_line(interpolate="step-after", point=True, color=line)
        .encode(
            x=alt.X("day:T", title="day", axis=alt.Axis(format="%d %b", tickCount="day", labelOverlap=True)),
            y=alt.Y("left:Q", title="budget left", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
        )
        .configure_axis(labelColor=words, titleColor=words, gridColor=grid, domainColor=words, tickColor=words)
        .configure_title(color=words)
        .configure_view(stroke=None)
        .configure_point(color=line)
    )
    specification: dict[str, Any] = chart.to_dict()
    return str(vl_convert.vegalite_to_svg(specification)).encode()
