"""What the machine can say of an item before a person looks at it: findings by named rules, from the item's form and provenance."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from haven.disclosure.thresholds import Thresholds
from haven.disclosure.verdict import Finding, Outcome


class ItemForm(StrEnum):
    """The forms in which a result may leave."""

    TABLE = "table"
    FIGURE = "figure"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is known of an item: its form, its words (text only), and for a table its question's columns and station 8's findings."""

    form: ItemForm
    text: str = ""
    columns: Sequence[str] = ()
    recorded: Sequence[Finding] = ()


NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?%?(?![\w.])")


def release_findings(item: ItemFacts, thresholds: Thresholds) -> tuple[Finding, ...]:
    """Every finding on `item`; empty means that nothing in it needs a person.

    A table by receipt brings the findings of station 8 and is looked at again under the thresholds of today. A figure or a text with
    numbers carries values without receipts, which no machine can vouch for.
    """
    if item.form is ItemForm.FIGURE:
        return (Finding("item.figure", Outcome.REVIEW, "A figure carries no receipt: compare what it shows with the tables beside it."),)
    if item.form is ItemForm.TEXT:
        return _text_findings(item.text)
    return (*item.recorded, *_protected_now(item, thresholds))


def _text_findings(text: str) -> tuple[Finding, ...]:
    count = len(NUMBER.findall(text))
    if not count:
        return ()
    words = f"The text holds {count} number{'s' if count > 1 else ''} without a receipt: compare each with the tables beside it."
    return (Finding("item.numbers", Outcome.REVIEW, words),)


def _protected_now(item: ItemFacts, thresholds: Thresholds) -> tuple[Finding, ...]:
    known = {finding.rule for finding in item.recorded}
    if "dp.protected" in known or not any(thresholds.protects(column) for column in item.columns):
        return ()
    return (Finding("dp.protected", Outcome.REVIEW, "A protected column is broken down: could this stigmatise a group?"),)
