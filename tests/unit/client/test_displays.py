"""What a notebook shows: escaped, in its own theme, without scripts or other hosts; and pictures as SVG and PNG."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import haven
from haven.client.answer import Answer
from haven.client.budget import Budget
from haven.client.catalogue import Catalogue
from haven.client.preview import Preview
from haven.client.release import Release
from haven.web.api.questions import answer_message, preview_json
from haven.wire.answers import AnswerMessage, CellType, Column
from haven.wire.arrow import encode
from tests.support import api_service

ALLOWED = {"table", "thead", "tbody", "tr", "th", "td", "p", "span", "strong", "br"}
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
HOSTILE = TEXT | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;", "'onload='x", "</td></table>", "{{x}}", "$x$"]
)


class Reader(HTMLParser):
    """Collects the tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words += data


def assert_harmless(page: str) -> Reader:
    read = Reader(page)
    assert read.tags <= ALLOWED
    assert read.attributes <= {"style", "scope"}
    assert "://" not in re.sub(r">[^<]*<", "><", page)
    return read


def hostile_answer(name: str, value: str) -> Answer:
    columns = (Column(name, CellType.TEXT), Column("n", CellType.INTEGER))
    receipt = {
        "id": "r",
        "epsilon": "0.1",
        "remaining": {"epsilon": value},
        "citation": value,
        "mechanisms": [{"of": value, "mechanism": value}],
    }
    return Answer.read(encode(AnswerMessage(columns, ((value, 1_234_567),), ((None, 2.5),), receipt)))


@settings(deadline=None)
@given(HOSTILE, HOSTILE)
def test_whatever_names_and_values_hold_they_are_only_text(name: str, value: str) -> None:
    answer = hostile_answer(name, value)
    read = assert_harmless(answer._repr_html_())
    assert value.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "�") in read.words or not value.isprintable()
    assert_harmless(answer.receipt._repr_html_())


@given(HOSTILE)
def test_catalogue_budget_preview_and_releases_are_only_text_too(words: str) -> None:
    facts = {"type": words, "keys": [words], "bounds": None, "nullable": True, "description": words}
    dataset = {
        **api_service.DATASET,
        "title": words,
        "attribution": {"citation": words},
        "tables": {words: {"unit_column": words, "columns": {words: facts}}},
    }
    budget = {"project": words, "datasets": [{**api_service.BUDGET["datasets"][0], "dataset": words}]}
    preview = {**preview_json(api_service.PREVIEW), "errors": {words: None}, "warnings": [words], "epsilon": words}
    release = {"id": "x", "status": words, "title": words, "items": [{"name": words, "form": words, "findings": [{"words": words}]}]}
    shown = [Catalogue([dataset]), Budget(budget), Preview(preview), Release(None, release)]  # type: ignore[arg-type]
    for one in shown:
        assert_harmless(one._repr_html_())


def test_each_number_has_its_half_width_beside_it_in_the_themes_quieter_colour() -> None:
    page = Answer.read(encode(answer_message(api_service.ANSWER)))._repr_html_()
    assert re.search(r'812 <span style="color:var\(--jp-ui-font-color2[^"]*">± 6\.3</span>', page)
    assert page.count("± ") == 5
    assert "cost ε 0.1 · left ε 0.9 · Allen et al. &lt;2018&gt;" in page


def test_a_long_answer_says_how_many_rows_it_leaves_out() -> None:
    rows = tuple((number,) for number in range(1000))
    message = AnswerMessage((Column("n", CellType.INTEGER),), rows, tuple((1.0,) for _ in rows), {"id": "r"})
    page = Answer.read(encode(message))._repr_html_()
    assert page.count("<tr>") == 61
    assert "940 more rows" in page


def test_columns_of_one_name_are_shown_but_not_framed() -> None:
    columns = (Column("n", CellType.INTEGER), Column("n", CellType.INTEGER))
    answer = Answer.read(encode(AnswerMessage(columns, ((1, 2),), ((1.0, 2.0),), {"id": "r"})))
    assert answer._repr_html_().count("± ") == 2
    for act in (answer.to_polars, answer.intervals):
        with pytest.raises(haven.Refused):
            act()


@settings(deadline=None, max_examples=25)
@given(HOSTILE, HOSTILE)
@example("constructor", "constructor")
@example("two\nlines", "\u2028")
@example("\x00", "\x1b\uffff")
def test_a_picture_is_svg_without_script_or_reference(name: str, value: str) -> None:
    svg = hostile_answer(name, value).plot(title=value).svg
    tags = set(re.findall(r"<([a-zA-Z:]+)", svg))
    assert tags <= {"svg", "g", "rect", "path", "text", "line", "defs", "clipPath", "circle", "tspan"}
    assert not re.search(r"\son\w+=|href|<!|javascript:", re.sub(r'"[^"]*"', '""', re.sub(r">[^<]*<", "><", svg)))


def test_a_picture_draws_every_point_with_its_error_bar() -> None:
    svg = Answer.read(encode(answer_message(api_service.ANSWER))).plot().svg
    # three counts, and two means (one is missing): five points, five bars, described for a screen reader
    assert len(re.findall(r'aria-roledescription="point"', svg)) == 5
    assert len(re.findall(r'aria-roledescription="rule mark"', svg)) == 5


@pytest.mark.parametrize("keys", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", [CellType.TEXT, CellType.INTEGER, CellType.BOOLEAN, CellType.DATE])
def test_any_number_and_type_of_keys_can_be_drawn(keys: int, kind: CellType) -> None:
    cell = {CellType.TEXT: "a", CellType.INTEGER: 3, CellType.BOOLEAN: True, CellType.DATE: "2024-01-01"}[kind]
    columns = (*(Column(f"k{i}", kind) for i in range(keys)), Column("n", CellType.NUMBER))
    message = AnswerMessage(columns, ((*[cell] * keys, 2.0), (*[None] * keys, None)), (((*[None] * keys, 1.0)),) * 2, {"id": "r"})
    assert "<svg" in Answer.read(encode(message)).plot().svg


def test_a_picture_is_saved_as_png_that_opens(tmp_path: Path) -> None:
    chart = Answer.read(encode(answer_message(api_service.ANSWER))).plot()
    with Image.open(chart.save(tmp_path / "figure.png")) as image:
        assert image.format == "PNG"
        assert min(image.size) > 200
    assert chart.save(str(tmp_path / "figure.svg")).read_text().startswith("<svg")


@pytest.mark.parametrize("name", ["figure.html", "figure", "figure.json", "no/such/folder/figure.png"])
def test_a_picture_that_cannot_be_saved_is_refused(tmp_path: Path, name: str) -> None:
    chart = Answer.read(encode(answer_message(api_service.ANSWER))).plot()
    with pytest.raises(haven.Refused):
        chart.save(tmp_path / name)


def test_a_column_that_is_not_there_cannot_be_drawn() -> None:
    answer = Answer.read(encode(answer_message(api_service.ANSWER)))
    for arguments in ({"x": "nothing"}, {"y": "nothing"}, {"y": ["n", "nothing"]}):
        with pytest.raises(haven.Refused):
            answer.plot(**arguments)


def test_an_altair_chart_of_ones_own_reaches_no_other_host(tmp_path: Path) -> None:
    import altair as alt  # noqa: PLC0415 - slow to import

    from haven.client.chart import svg_of  # noqa: PLC0415 - the same

    with pytest.raises(haven.Fault):
        svg_of(alt.Chart("http://127.0.0.1:9/data.csv").mark_point().encode(x="a:Q"))
    secret = tmp_path / "data.json"
    secret.write_text('[{"a": "local-file-content"}]')
    chart = alt.Chart(secret.as_uri()).mark_text().encode(text="a:N")
    try:
        assert "local-file-content" not in svg_of(chart)
    except haven.Fault:
        assert True
