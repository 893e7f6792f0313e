"""Roles of people and risk tiers of questions."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may be in a haven. One account has one role, so that no one checks their own work."""

    RESEARCHER = "researcher"
    CUSTODIAN = "custodian"
    CHECKER = "checker"
    AUDITOR = "auditor"


class Tier(StrEnum):
    """The risk class of a use, computed from the policy by stated rules; it sets reviewers and clocks."""

    DE_MINIMIS = "de-minimis"
    STANDARD = "standard"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone who has proved who they are. `server` names the hub server a kernel speaks from, None outside a sandbox."""

    name: str
    role: Role
    server: str | None = None
