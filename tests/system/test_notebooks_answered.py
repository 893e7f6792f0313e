"""The notebooks on several tables, cell by cell, against the demonstration haven: real data, real prices, real noise."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haven.cli.demonstration import create_demonstration
from haven.cli.house import House, open_house
from haven.cli.serving import web_parts
from haven.web.app import create_app
from haven.web.identity import TokenIdentity
from tests.support.api_service import listening

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("demonstration") / "home"
    create_demonstration(root)
    with open_house(root) as opened:
        yield opened


def shown_of(house: House, path: Path, who: str, notebook: str) -> list[Any]:
    """What each code cell of a notebook shows to `who`, as Jupyter would: the value of its last line."""
    token = house.ledger.people.issue_token(who, datetime.now(UTC), actor="operator")
    names: dict[str, Any] = {}
    cells = json.loads((NOTEBOOKS / notebook).read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    with listening(create_app(web_parts(house, TokenIdentity(house.ledger.people), "")), path), pytest.MonkeyPatch.context() as environment:
        environment.delenv("HAVEN_URL", raising=False)
        environment.setenv("HAVEN_SOCKET", str(path))
        environment.setenv("JUPYTERHUB_API_TOKEN", token)
        return [_value_of(ast.parse(source), names) for source in sources]


def _value_of(cell: ast.Module, names: dict[str, Any]) -> Any:  # noqa: ANN401 - a cell shows anything
    last = cell.body[-1]
    kept = cell.body[:-1] if isinstance(last, ast.Expr) else cell.body
    exec(compile(ast.Module(kept, []), "cell", "exec"), names)  # noqa: S102 - the notebooks are the project's own
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None  # noqa: S307 - the same


def test_several_tables_are_asked_about_within_a_twentieth_of_the_budget(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = shown_of(house, tmp_path / "gw.sock", "researcher1", "03_several_tables.ipynb")
    rows, persons = shown[1].errors["n"], shown[2].errors["n"]
    assert 19 * persons < rows < 21 * persons
    assert all(value is not None and value._repr_html_() for value in shown[1:4])
    assert shown[9].releases
    assert len(shown[10]) == 3
    said = capsys.readouterr().out
    assert "query.ownership" in said
    assert "discrete Gaussian" in said
    assert shown[-1]["nafld"].share_left > 0.95


def test_public_tables_are_joined_to_genotypes(house: House, tmp_path: Path) -> None:
    shown = shown_of(house, tmp_path / "gw.sock", "researcher2", "04_public_tables.ipynb")
    people = shown[1].to_pandas().set_index("region")["people"]
    assert set(people.index) >= {"African", "European", "East Asian", "South Asian"}
    assert abs(people.sum() - 2504) < 500
    frequency = shown[2].to_pandas().set_index("region")["frequency"]
    assert frequency["European"] > frequency["African"]
    assert abs(int(shown[3].to_pandas()["people"][0]) - 661) < 300
