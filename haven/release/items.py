"""Items: what a researcher asks to take out, turned into what haven would let out, and frozen by its content."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haven.disclosure import Finding, ItemFacts, ItemForm, Outcome, Thresholds, release_findings
from haven.errors import Code, Refused
from haven.release.facts import AnswerFacts, DatasetFacts, ReleaseFacts
from haven.release.figures import SIGNATURE, redraw
from haven.release.names import safe_name
from haven.release.objects import ObjectStore, sha256
from haven.release.tables import canonical_json, render
from haven.release.texts import clean_text

MOST_ITEMS = 50
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """An answer to release, by its receipt. `name` is what the author calls it, `note` what they say about it."""

    receipt: str
    name: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class FileDraft:
    """A file to release: its name (a label, never trusted) and its bytes, which decide its form."""

    name: str
    content: bytes = field(repr=False)
    note: str = ""


Draft = AnswerDraft | FileDraft


@dataclass(frozen=True, slots=True)
class Item:
    """A frozen item. `files` maps each file's name to its SHA-256; `content` is the SHA-256 of form, receipt, digests and files together.

    Votes bind to `content`: an item with other bytes is another item.
    """

    id: str
    form: ItemForm
    name: str
    note: str
    receipt: str | None
    dataset: str | None
    policy_digest: str | None
    files: Mapping[str, str]
    findings: tuple[Finding, ...]
    content: str


def freeze(number: int, draft: Draft, project: str, facts: ReleaseFacts, store: ObjectStore) -> Item:
    """The item that `draft` stands for, its files in the store. Raises Refused `release.item` or `release.receipt`."""
    if isinstance(draft, AnswerDraft):
        return _freeze_answer(f"i{number}", draft, project, facts, store)
    if draft.content.startswith(SIGNATURE):
        content, form, ending, text = redraw(draft.content), ItemForm.FIGURE, ".png", ""
    else:
        text = clean_text(draft.content)
        content, form, ending = text.encode(), ItemForm.TEXT, ".md"
    name = safe_name(draft.name, ending)
    findings = release_findings(ItemFacts(form, text=text), Thresholds())
    return _sealed(f"i{number}", form, name, draft.note, {name: store.put(content)}, findings)


def _freeze_answer(item: str, draft: AnswerDraft, project: str, facts: ReleaseFacts, store: ObjectStore) -> Item:
    answer = facts.answer(draft.receipt)
    if answer is None or answer.project != project:
        raise Refused(Code.RELEASE_RECEIPT, "This project has no answer under that receipt.", "Use the receipt id of one of its answers.")
    dataset = facts.dataset(answer.dataset)
    if dataset is None:
        raise Refused(Code.RELEASE_RECEIPT, "The dataset behind this receipt is no longer registered.", "Ask its custodian.")
    _check_answer(answer)
    stem = safe_name(draft.name or draft.receipt, "")
    files = {stem + ending: store.put(content) for ending, content in render(answer).items()}
    facts_of_item = ItemFacts(ItemForm.TABLE, columns=answer.key_columns, recorded=answer.findings)
    findings = release_findings(facts_of_item, dataset.thresholds)
    return _sealed(item, ItemForm.TABLE, stem, draft.note, files, findings, origin=(draft.receipt, dataset))


def _check_answer(answer: AnswerFacts) -> None:
    if len(answer.rows) > MOST_ROWS:
        raise Refused(Code.RELEASE_ITEM, "This answer has more than 100,000 rows.", "Ask a coarser question, and release its answer.")
    if any(finding.outcome is Outcome.WITHHOLD for finding in answer.findings):
        raise Refused(Code.RELEASE_ITEM, "A disclosure rule withholds this answer.", "Ask the question again.")


def _sealed(
    item: str,
    form: ItemForm,
    name: str,
    note: str,
    files: dict[str, str],
    findings: tuple[Finding, ...],
    *,
    origin: tuple[str, DatasetFacts] | None = None,
) -> Item:
    receipt, dataset = origin or (None, None)
    policy_digest = dataset.policy_digest if dataset else None
    content = sha256(canonical_json({"files": files, "form": form, "policy": policy_digest, "receipt": receipt}))
    return Item(item, form, name, note, receipt, dataset.name if dataset else None, policy_digest, files, findings, content)


def findings_to_json(findings: tuple[Finding, ...]) -> str:
    """Findings as JSON text, for the books."""
    return json.dumps([{"rule": f.rule, "outcome": f.outcome, "words": f.words, "rows": list(f.rows)} for f in findings])


def findings_from_json(text: str) -> tuple[Finding, ...]:
    """Findings from JSON text."""
    found: list[dict[str, Any]] = json.loads(text)
    return tuple(Finding(one["rule"], Outcome(one["outcome"]), one["words"], tuple(one["rows"])) for one in found)
