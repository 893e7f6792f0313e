"""What the machine says of an item before a person looks."""

import pytest

from haven.disclosure import Finding, ItemFacts, ItemForm, Outcome, Thresholds, release_findings

PLAIN = Thresholds(10)
PROTECTING = Thresholds(10, frozenset({"ethnicity"}))


def test_a_figure_is_always_looked_at() -> None:
    assert [f.rule for f in release_findings(ItemFacts(ItemForm.FIGURE), PLAIN)] == ["item.figure"]


@pytest.mark.parametrize(("text", "count"), [("We saw 12 of 30 (40%).", 3), ("about 1,204.5 persons", 1)])
def test_numbers_in_a_text_are_counted(text: str, count: int) -> None:
    (finding,) = release_findings(ItemFacts(ItemForm.TEXT, text=text), PLAIN)
    assert f" {count} number" in finding.words


def test_a_text_without_numbers_needs_nobody() -> None:
    assert release_findings(ItemFacts(ItemForm.TEXT, text="No effect was found in H1N1 strata."), PLAIN) == ()


def test_a_table_brings_the_findings_of_its_question() -> None:
    low = Finding("dp.low-count", Outcome.REVIEW, "small", (1,))
    assert release_findings(ItemFacts(ItemForm.TABLE, recorded=(low,)), PLAIN) == (low,)


def test_a_column_protected_since_the_question_is_found() -> None:
    item = ItemFacts(ItemForm.TABLE, columns=("persons.ethnicity",))
    assert [f.rule for f in release_findings(item, PROTECTING)] == ["dp.protected"]
    assert release_findings(item, PLAIN) == ()


def test_a_recorded_protected_finding_is_not_said_twice() -> None:
    recorded = Finding("dp.protected", Outcome.REVIEW, "protected", (0,))
    item = ItemFacts(ItemForm.TABLE, columns=("ethnicity",), recorded=(recorded,))
    assert release_findings(item, PROTECTING) == (recorded,)
