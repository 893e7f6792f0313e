"""Signatures of the one writer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from haven.ledger.entries import Entry


class Transaction:
    """One atomic write: `connection` is a SQLAlchemy Core connection inside it; `append` adds an entry in the same transaction."""

    connection: Connection

    def append(self, kind: str, actor: str, detail: Mapping[str, Any], now: datetime) -> Entry:
        raise NotImplementedError
