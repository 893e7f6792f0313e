"""Every proof page says what it claims, on what it rests, and which tests try to break it; those tests exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "haven" / "privacy").glob("*.proof.md"))


def test_every_mechanism_and_rule_has_its_page() -> None:
    names = {page.name.removesuffix(".proof.md") for page in PAGES}
    assert names >= {"discrete_gaussian", "discrete_laplace", "partition_selection", "composition", "contribution_bounds", "grid"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_a_statement_and_names_tests_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"tests/[\w/]+\.py", text[text.index("**Tests that try to break it.**") :])
    assert "**Statement.**" in text
    assert named
    assert all((ROOT / path).is_file() for path in named)
