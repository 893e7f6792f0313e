"""The pages, a module for each kind of reader."""

from fastapi import APIRouter

from haven.web.pages import auditor, custodian, public, releases, review

ROUTERS: tuple[APIRouter, ...] = (public.router, releases.router, review.router, custodian.router, auditor.router)

__all__ = ["ROUTERS"]
