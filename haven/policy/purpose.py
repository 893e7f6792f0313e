"""What a project is for, and who stands behind it, as declared; and the purposes and users that no dataset may serve."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from haven.catalog.dataset import Declared, Flag
from haven.policy.quantities import Country, Disease, Ror, Words


class PurposeKind(StrEnum):
    """What the research is about. The last three are prohibited; they have names so that they are refused by name."""

    GENERAL = "general"
    HEALTH = "health"
    DISEASE = "disease"
    ANCESTRY = "ancestry"
    CRIMINAL_INVESTIGATION = "criminal-investigation"
    INSURANCE = "insurance"
    EMPLOYMENT = "employment"


class Sector(StrEnum):
    """Where an institution works. The last three are prohibited users."""

    ACADEMIC = "academic"
    HEALTH_CARE = "health-care"
    GOVERNMENT = "government"
    NON_PROFIT = "non-profit"
    INDUSTRY = "industry"
    LAW_ENFORCEMENT = "law-enforcement"
    INSURANCE = "insurance"
    EMPLOYMENT = "employment"


PROHIBITED_PURPOSES = frozenset({PurposeKind.CRIMINAL_INVESTIGATION, PurposeKind.INSURANCE, PurposeKind.EMPLOYMENT})
PROHIBITED_SECTORS = frozenset({Sector.LAW_ENFORCEMENT, Sector.INSURANCE, Sector.EMPLOYMENT})


class Purpose(Declared):
    """The declared purpose. `disease` goes with kind `disease`, and only with it; a flag that is left out is false."""

    kind: PurposeKind
    disease: Disease | None = None
    commercial: Flag = False
    ancestry: Flag = False
    methods: Flag = False
    control_set: Flag = False
    genetic: Flag = False

    @model_validator(mode="after")
    def _names_its_disease(self) -> Self:
        if self.kind is PurposeKind.DISEASE and self.disease is None:
            raise ValueError("a purpose of kind `disease` names it; write disease: MONDO:0013209 (its MONDO identifier).")
        if self.kind is not PurposeKind.DISEASE and self.disease is not None:
            raise ValueError("only a purpose of kind `disease` names one; write kind: disease, or remove `disease`.")
        return self

    @property
    def studies_ancestry(self) -> bool:
        """True where population origins or ancestry are studied, as the aim or beside it."""
        return self.ancestry or self.kind is PurposeKind.ANCESTRY


class Institution(Declared):
    """Who employs the researchers."""

    name: Words
    sector: Sector
    for_profit: Flag
    ror: Ror | None = None
    country: Country | None = None


def prohibition(purpose: Purpose, institution: Institution | None) -> str | None:
    """Why no dataset may serve this purpose or this user, whatever its consent; None where nothing prohibits it.

    Anti-discrimination: nobody may be investigated, insured or employed on what they gave for research.
    """
    if purpose.kind in PROHIBITED_PURPOSES:
        return f"The purpose `{purpose.kind}` is prohibited by the code of conduct, whatever participants consented to."
    if institution is not None and institution.sector in PROHIBITED_SECTORS:
        return f"An institution of the sector `{institution.sector}` is prohibited by the code of conduct from using research data."
    return None
