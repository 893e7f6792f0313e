"""The query room: SQL text to a private plan, and a plan's noisy integers to an answer. Pure."""

from haven.query.finishing import Finished, expected_errors, finish
from haven.query.parse import ParsedQuery, parse
from haven.query.planning import plan
from haven.query.pricing import Asked, PlanContext
from haven.query.private_plan import PrivatePlan
from haven.query.resolve import ResolvedQuery, resolve

__all__ = [
    "Asked",
    "Finished",
    "ParsedQuery",
    "PlanContext",
    "PrivatePlan",
    "ResolvedQuery",
    "expected_errors",
    "finish",
    "parse",
    "plan",
    "resolve",
]
