"""The GA4GH Data Use Ontology (release 2021-02-23) as far as policies name it: permissions, modifiers, and what a modifier needs."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StrictStr, model_validator

from haven.catalog.dataset import Declared, Name
from haven.policy.quantities import Country, Day, UserName, Words


class Permission(StrEnum):
    """What participants allowed. Wider to narrower: NRES, GRU, HMB, DS; POA stands beside HMB."""

    NRES = "DUO:0000004"
    GRU = "DUO:0000042"
    HMB = "DUO:0000006"
    DS = "DUO:0000007"
    POA = "DUO:0000011"


class Modifier(StrEnum):
    """A condition on a permission. Each is decided by its own rule, never by the ontology's subclasses."""

    RS = "DUO:0000012"
    NMDS = "DUO:0000015"
    GSO = "DUO:0000016"
    NPUNCU = "DUO:0000018"
    PUB = "DUO:0000019"
    COL = "DUO:0000020"
    IRB = "DUO:0000021"
    GS = "DUO:0000022"
    MOR = "DUO:0000024"
    TS = "DUO:0000025"
    US = "DUO:0000026"
    PS = "DUO:0000027"
    IS = "DUO:0000028"
    RTN = "DUO:0000029"
    CC = "DUO:0000043"
    NPOA = "DUO:0000044"
    NPU = "DUO:0000045"
    NCU = "DUO:0000046"


LABELS: Mapping[Permission | Modifier, str] = {
    Permission.NRES: "no restriction",
    Permission.GRU: "general research use",
    Permission.HMB: "health or medical or biomedical research",
    Permission.DS: "disease specific research",
    Permission.POA: "population origins or ancestry research only",
    Modifier.RS: "research specific restrictions",
    Modifier.NMDS: "no general methods research",
    Modifier.GSO: "genetic studies only",
    Modifier.NPUNCU: "not for profit, non commercial use only",
    Modifier.PUB: "publication required",
    Modifier.COL: "collaboration required",
    Modifier.IRB: "ethics approval required",
    Modifier.GS: "geographical restriction",
    Modifier.MOR: "publication moratorium",
    Modifier.TS: "time limit on use",
    Modifier.US: "user specific restriction",
    Modifier.PS: "project specific restriction",
    Modifier.IS: "institution specific restriction",
    Modifier.RTN: "return to database or resource",
    Modifier.CC: "clinical care use",
    Modifier.NPOA: "population origins or ancestry research prohibited",
    Modifier.NPU: "not for profit organisation use only",
    Modifier.NCU: "non-commercial use only",
}
"""The ontology's labels."""

OWL_SPELLING = "DUO:00000044"
"""The ontology's OWL file spells NPOA with eight digits; both are read."""

NEEDED: Mapping[Modifier, str] = {
    Modifier.GS: "countries",
    Modifier.MOR: "until",
    Modifier.TS: "months",
    Modifier.US: "users",
    Modifier.PS: "projects",
    Modifier.IS: "institutions",
}
"""The one parameter without which a modifier cannot be decided."""


def term(value: Permission | Modifier) -> str:
    """A term as people read it: `DUO:0000006 (HMB, health or medical or biomedical research)`."""
    return f"{value} ({value.name}, {LABELS[value]})"


class Condition(Declared):
    """A modifier and its parameter: `DUO:0000021`, or `{id: DUO:0000022, countries: [NO, SE]}`."""

    id: Modifier
    countries: tuple[Country, ...] | None = Field(default=None, min_length=1)
    until: Day | None = None
    months: Annotated[int, Field(strict=True, ge=1, le=1200)] | None = None
    users: tuple[UserName, ...] | None = Field(default=None, min_length=1)
    projects: tuple[Name, ...] | None = Field(default=None, min_length=1)
    institutions: tuple[Words, ...] | None = Field(default=None, min_length=1)
    note: StrictStr = ""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needed = NEEDED.get(self.id)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"{term(self.id)} cannot be decided without `{needed}`; write {{id: {self.id}, {needed}: …}}.")
        for other in NEEDED.values():
            if other != needed and getattr(self, other) is not None:
                raise ValueError(f"`{other}` says nothing about {term(self.id)}; remove it.")
        return self


def _condition(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was written
    """A bare identifier is a condition without parameters."""
    if isinstance(value, str):
        value = {"id": value}
    if isinstance(value, dict) and value.get("id") == OWL_SPELLING:
        value = value | {"id": Modifier.NPOA.value}
    return value


ConditionEntry = Annotated[Condition, BeforeValidator(_condition, json_schema_input_type=Modifier | Condition)]
