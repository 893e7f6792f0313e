"""The pages, a module for each kind of reader."""

from fastapi import APIRouter

from haven.web.pages import (
    auditor,
    custodian,
    custodian_policy,
    custodian_proposals,
    custodian_questions,
    custodian_shares,
    custodian_standing,
    events,
    public,
    releases,
    review,
    statement,
)

ROUTERS: tuple[APIRouter, ...] = (
    public.router,
    statement.router,
    releases.router,
    review.router,
    custodian.router,
    custodian_questions.router,
    custodian_shares.router,
    custodian_standing.router,
    custodian_policy.router,
    custodian_proposals.router,
    auditor.router,
    events.router,
)

__all__ = ["ROUTERS"]
