"""Roles of people and risk tiers of questions."""

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
