"""`%%haven` in a notebook, and what importing haven brings with it."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

import haven
from haven.client.answer import Answer
from haven.client.preview import Preview
from tests.support import api_service

SERVER = (
    "cli",
    "web",
    "hub",
    "mediator",
    "release",
    "statistics",
    "genomics",
    "engines",
    "ledger",
    "query",
    "disclosure",
    "policy",
    "catalog",
    "privacy",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_service.Service]:
    with api_service.serving(api_service.build(tmp_path_factory.mktemp("api"))) as running:
        yield running
    running.world.ledger.close()


@pytest.fixture
def shell(service: api_service.Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("HAVEN_SOCKET", str(service.socket))
    haven.connect(token="anna-token")  # noqa: S106 - a test's token
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "haven")
    yield made
    made.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_the_magic_asks_the_cell_and_names_the_answer(shell: InteractiveShell, service: api_service.Service) -> None:
    given = shell.run_cell_magic("haven", "--epsilon 0.1 --rows-per-unit 2 -o answer", "SELECT 1\nFROM persons")
    assert isinstance(given, Answer)
    assert shell.user_ns["answer"] is given
    asked = service.mediator.asked[-1]
    assert (asked.sql, str(asked.epsilon), asked.rows_per_unit, asked.replay) == ("SELECT 1\nFROM persons", "0.1", 2, True)


def test_the_magic_previews_and_pays_for_a_fresh_draw(shell: InteractiveShell, service: api_service.Service) -> None:
    assert isinstance(shell.run_cell_magic("haven", "--error 10 --preview", "SELECT 1"), Preview)
    shell.run_cell_magic("haven", "--rho 0.01 --fresh", "SELECT 1")
    assert service.mediator.asked[-1].replay is False


@pytest.mark.parametrize(
    "line", ["--epsilon", "--wrong 1", "--epsilon 1 extra", "--epsilon 1 -o 1x", "--epsilon '", "--rows-per-unit two", "", "-h"]
)
def test_a_line_that_cannot_be_read_is_refused(shell: InteractiveShell, line: str) -> None:
    with pytest.raises(haven.Refused):
        shell.run_cell_magic("haven", line, "SELECT 1")


def test_a_refusal_in_a_notebook_is_three_lines_without_a_traceback(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("import haven\nhaven.connect(token='anna-token').query('refuse', epsilon=1)")
    shown = capsys.readouterr().out.strip().splitlines()
    assert shown == ["Refused (query.unknown_column)", "There is no such column.", "Write bmi."]


def test_altair_charts_of_ones_own_show_as_svg(shell: InteractiveShell) -> None:
    import altair as alt  # noqa: PLC0415 - slow to import

    chart = alt.Chart(alt.InlineData(values=[{"a": 1}])).mark_point().encode(x="a:Q")
    data, _ = shell.display_formatter.format(chart)
    assert set(data) == {"image/svg+xml", "text/plain"}


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import haven",
        "import haven; haven.connect; haven.Answer; haven.Refused; haven.load_ipython_extension; haven.__version__",
        "import haven.client.chart",
    ],
)
def test_the_client_brings_none_of_the_server(statement: str) -> None:
    loaded = modules_after(statement)
    assert not {f"haven.{room}" for room in SERVER} & loaded
    assert not {"opendp", "duckdb", "fastapi", "sqlalchemy", "uvicorn", "jupyterhub", "pydantic"} & loaded


def test_importing_haven_brings_nothing_slow() -> None:
    assert not {"pandas", "pyarrow", "ibis", "altair", "polars", "httpx", "IPython"} & modules_after("import haven")
    assert not {"ibis", "altair", "polars", "IPython", "vl_convert"} & modules_after("import haven; haven.connect")


def test_importing_haven_takes_less_than_a_second_and_a_half() -> None:
    def seconds() -> float:
        started = time.perf_counter()
        modules_after("import haven; haven.connect")
        return time.perf_counter() - started

    modules_after("import haven; haven.connect")  # whatever is not compiled yet
    assert min(seconds() for _ in range(3)) < 1.5


def test_haven_names_what_it_offers_and_nothing_else() -> None:
    assert {"connect", "Refused", "Fault", "Answer", "load_ipython_extension", "__version__"} <= set(dir(haven))
    with pytest.raises(AttributeError):
        _ = haven.nothing
