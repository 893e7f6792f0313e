"""Statistical disclosure control, pure: what a person must look at, and what is not given out, from noised values and policy alone."""

from haven.disclosure.release_findings import ItemFacts, ItemForm, release_findings
from haven.disclosure.rules import RULES, Rule, check
from haven.disclosure.thresholds import PlanFacts, Thresholds
from haven.disclosure.verdict import Finding, Outcome, Verdict

__all__ = [
    "RULES",
    "Finding",
    "ItemFacts",
    "ItemForm",
    "Outcome",
    "PlanFacts",
    "Rule",
    "Thresholds",
    "Verdict",
    "check",
    "release_findings",
]
