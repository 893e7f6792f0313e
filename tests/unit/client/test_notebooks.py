"""The notebooks as they are shipped: clean, short, and without anything that loads a script."""

import ast
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_those_of_the_first_day_and_of_several_tables() -> None:
    names = {path.name for path in NOTEBOOKS}
    assert {"01_first_question.ipynb", "02_asking_for_a_release.ipynb", "03_several_tables.ipynb", "04_public_tables.ipynb"} <= names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_stores_no_output(path: Path) -> None:
    nbformat.validate(nbformat.read(path, as_version=4))
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_code_cell_is_short_python_or_one_cell_of_sql(path: Path) -> None:
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= 16
        if not cell.source.startswith("%"):
            ast.parse(cell.source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_comes_first_and_never_more_than_three_code_cells_in_a_row(path: Path) -> None:
    kinds = "".join(cell.cell_type[0] for cell in nbformat.read(path, as_version=4).cells)
    assert kinds.startswith("m")
    assert "cccc" not in kinds
