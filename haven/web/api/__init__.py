"""The HTTP interface of haven, version 1: every route of the contract under /api/v1."""

from haven.web.api.contract import routers

__all__ = ["routers"]
