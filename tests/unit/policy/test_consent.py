"""Consent against purpose: a truth table written by hand from the ontology's definitions, and properties that hold for every project."""

import csv
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven.errors import Code, Refused
from haven.policy.consent import check_consent, match_consent, months_after
from haven.policy.dataset_policy import Consent
from haven.policy.diseases import NO_DISEASES, Diseases
from haven.policy.duo import LABELS, NEEDED, Condition, Modifier, Permission
from haven.policy.project_policy import ProjectPolicy
from haven.policy.purpose import PROHIBITED_PURPOSES, PROHIBITED_SECTORS, Institution, Purpose, PurposeKind, Sector
from tests.support.policy_files import project

LIVER, FATTY, CANCER = "MONDO:0005154", "MONDO:0004790", "MONDO:0004992"
NAFLD, NASH = "MONDO:0013209", "MONDO:0007027"
DISEASES = Diseases.from_pairs([(NASH, NAFLD), (NAFLD, FATTY), (FATTY, LIVER), (CANCER, "MONDO:0000001")])
TODAY = date(2027, 5, 17)
HEALTH = {"kind": "health"}
CLINIC = {"name": "Clinic", "sector": "health-care", "for_profit": False, "country": "NO", "ror": "https://ror.org/02qp3tb03"}


def consent(permission: Permission, *modifiers: object, disease: str | None = None) -> Consent:
    return Consent.model_validate({"permission": permission, "modifiers": list(modifiers), "disease": disease})


def allows(given: Consent, asking: ProjectPolicy, today: date = TODAY) -> bool:
    return match_consent(given, asking, today, DISEASES).allowed


PURPOSES = {
    "general": {"kind": "general"},
    "health": HEALTH,
    "disease": {"kind": "disease", "disease": NAFLD},
    "ancestry": {"kind": "ancestry"},
    "health and ancestry": {"kind": "health", "ancestry": True},
}
TRUTH = {
    Permission.NRES: {"general", "health", "disease", "ancestry", "health and ancestry"},
    Permission.GRU: {"general", "health", "disease", "ancestry", "health and ancestry"},
    Permission.HMB: {"health", "disease"},
    Permission.DS: {"disease"},
    Permission.POA: {"ancestry"},
}


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_permission_allows_the_purposes_of_its_definition_and_no_other(permission: Permission, purpose: str) -> None:
    disease = LIVER if permission is Permission.DS else None
    decision = match_consent(consent(permission, disease=disease), project(purpose=PURPOSES[purpose]), TODAY, DISEASES)
    assert decision.allowed is (purpose in TRUTH[permission])
    assert all(reason.endswith(".") for reason in decision.reasons)
    assert any(str(permission) in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("family", "asked", "allowed", "words"),
    [
        (LIVER, NASH, True, "a kind of it"),
        (NAFLD, NAFLD, True, "a kind of it"),
        (NASH, NAFLD, False, "is not a kind of it"),
        (LIVER, CANCER, False, "is not a kind of it"),
        (LIVER, "MONDO:9999999", False, "is not known here"),
    ],
)
def test_a_disease_is_covered_where_it_descends_from_the_consented_one(family: str, asked: str, allowed: bool, words: str) -> None:  # noqa: FBT001 - a row of a table
    asking = project(purpose={"kind": "disease", "disease": asked})
    decision = match_consent(consent(Permission.DS, disease=family), asking, TODAY, DISEASES)
    assert decision.allowed is allowed
    assert words in " ".join(decision.reasons)


def test_without_an_ancestry_only_the_very_disease_is_covered() -> None:
    given_consent = consent(Permission.DS, disease=NAFLD)
    assert match_consent(given_consent, project(purpose={"kind": "disease", "disease": NAFLD}), TODAY, NO_DISEASES).allowed
    assert not match_consent(given_consent, project(purpose={"kind": "disease", "disease": NASH}), TODAY, NO_DISEASES).allowed


@pytest.mark.parametrize("flag", ["methods", "control_set"])
def test_ancestry_only_consent_covers_nothing_beside_ancestry(flag: str) -> None:
    assert not allows(consent(Permission.POA), project(purpose={"kind": "ancestry", flag: True}))


def test_disease_specific_consent_excludes_ancestry_beside_the_disease() -> None:
    asking = project(purpose={"kind": "disease", "disease": NAFLD, "ancestry": True})
    assert not allows(consent(Permission.DS, disease=NAFLD), asking)


@pytest.mark.parametrize(
    ("modifier", "changes", "met"),
    [
        (Modifier.NMDS, {}, True),
        (Modifier.NMDS, {"purpose__methods": True}, False),
        (Modifier.GSO, {}, False),
        (Modifier.GSO, {"purpose__genetic": True}, True),
        (Modifier.NCU, {}, True),
        (Modifier.NCU, {"purpose__commercial": True}, False),
        (Modifier.NPU, {}, False),
        (Modifier.NPU, {"institution": CLINIC}, True),
        (Modifier.NPU, {"institution": CLINIC, "purpose__commercial": True}, True),
        (Modifier.NPU, {"institution": CLINIC | {"for_profit": True}}, False),
        (Modifier.NPUNCU, {"institution": CLINIC}, True),
        (Modifier.NPUNCU, {"institution": CLINIC, "purpose__commercial": True}, False),
        (Modifier.NPUNCU, {"institution": CLINIC | {"for_profit": True}}, False),
        (Modifier.COL, {}, False),
        (Modifier.COL, {"agreements": ["DUO:0000020"]}, True),
        (Modifier.IRB, {}, False),
        (Modifier.IRB, {"ethics": {"approval": "A", "expires": "2027-12-31"}}, True),
        (Modifier.NPOA, {}, True),
        (Modifier.NPOA, {"purpose__ancestry": True}, False),
        (Modifier.NPOA, {"purpose__kind": "ancestry"}, False),
        (Modifier.PUB, {}, True),
        (Modifier.RTN, {}, True),
        (Modifier.CC, {}, True),
        (Modifier.RS, {}, False),
        ({"id": Modifier.MOR, "until": "2028-01-01"}, {}, True),
        ({"id": Modifier.GS, "countries": ["NO", "SE"]}, {}, True),
        ({"id": Modifier.GS, "countries": ["SE"]}, {}, False),
        ({"id": Modifier.GS, "countries": ["NO"]}, {"institution": CLINIC}, True),
        ({"id": Modifier.GS, "countries": ["NO"]}, {"institution": CLINIC | {"country": "US"}}, False),
        ({"id": Modifier.TS, "months": 12}, {}, False),
        ({"id": Modifier.TS, "months": 12}, {"starts": "2026-06-01"}, True),
        ({"id": Modifier.TS, "months": 12}, {"starts": "2026-05-17"}, False),
        ({"id": Modifier.TS, "months": 12}, {"starts": "2027-06-01"}, False),
        ({"id": Modifier.US, "users": ["ada", "ben", "eve"]}, {}, True),
        ({"id": Modifier.US, "users": ["ada"]}, {}, False),
        ({"id": Modifier.PS, "projects": ["study"]}, {}, True),
        ({"id": Modifier.PS, "projects": ["other"]}, {}, False),
        ({"id": Modifier.IS, "institutions": ["Clinic"]}, {}, False),
        ({"id": Modifier.IS, "institutions": ["Clinic"]}, {"institution": CLINIC}, True),
        ({"id": Modifier.IS, "institutions": ["https://ror.org/02qp3tb03"]}, {"institution": CLINIC}, True),
        ({"id": Modifier.IS, "institutions": ["Other"]}, {"institution": CLINIC}, False),
    ],
)
def test_each_modifier_is_decided_by_its_own_rule(modifier: Modifier | dict[str, Any], changes: dict[str, Any], met: bool) -> None:  # noqa: FBT001 - the same
    decision = match_consent(consent(Permission.GRU, modifier), project(**changes), TODAY, DISEASES)
    assert decision.allowed is met
    identifier = modifier["id"] if isinstance(modifier, dict) else modifier
    assert any(identifier.name in reason for reason in decision.reasons)


def test_ethics_approval_holds_until_its_last_day() -> None:
    asking = project(ethics={"approval": "A", "expires": "2027-05-17"})
    assert allows(consent(Permission.GRU, Modifier.IRB), asking, date(2027, 5, 17))
    assert not allows(consent(Permission.GRU, Modifier.IRB), asking, date(2027, 5, 18))


def test_obligations_are_recorded_with_their_dates() -> None:
    given_consent = consent(Permission.GRU, Modifier.PUB, {"id": Modifier.MOR, "until": "2028-01-01"}, Modifier.RTN, Modifier.NCU)
    obligations = match_consent(given_consent, project(), TODAY).obligations
    assert [identifier for identifier in ("0000019", "0000024", "0000029") if any(identifier in one for one in obligations)] == [
        "0000019",
        "0000024",
        "0000029",
    ]
    assert any("2028-01-01" in one for one in obligations)
    assert len(obligations) == 3


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("kind", sorted(PROHIBITED_PURPOSES))
def test_prohibited_purposes_are_refused_whatever_the_consent(permission: Permission, kind: PurposeKind) -> None:
    disease = NAFLD if permission is Permission.DS else None
    decision = match_consent(consent(permission, disease=disease), project(purpose={"kind": kind}), TODAY)
    assert not decision.allowed
    assert "prohibited" in decision.reasons[0]


@pytest.mark.parametrize("sector", sorted(PROHIBITED_SECTORS))
def test_prohibited_users_are_refused_whatever_the_purpose(sector: Sector) -> None:
    asking = project(institution={"name": "I", "sector": sector, "for_profit": False})
    assert not allows(consent(Permission.NRES), asking)


def test_a_refusal_shows_every_reason_and_a_code() -> None:
    given_consent = consent(Permission.HMB, Modifier.IRB, Modifier.NCU)
    with pytest.raises(Refused) as failure:
        check_consent(given_consent, project(purpose={"kind": "general", "commercial": True}), TODAY)
    assert failure.value.code is Code.POLICY_PURPOSE
    assert all(name in failure.value.reason for name in ("HMB", "IRB", "NCU"))
    assert failure.value.suggestion


def test_what_is_allowed_passes_the_check() -> None:
    assert check_consent(consent(Permission.GRU), project(), TODAY).allowed


# every project and every consent there can be, from small parts
INSTITUTIONS = st.none() | st.builds(
    Institution,
    name=st.sampled_from(["Clinic", "Other"]),
    sector=st.sampled_from(Sector),
    for_profit=st.booleans(),
    country=st.sampled_from([None, "NO", "US"]),
)
FLAGS = ("commercial", "ancestry", "methods", "control_set")
PURPOSE = st.builds(
    lambda kind, disease, flags: Purpose(kind=kind, disease=disease if kind is PurposeKind.DISEASE else None, **flags),
    st.sampled_from(PurposeKind),
    st.sampled_from([NAFLD, NASH, CANCER, "MONDO:9999999"]),
    st.fixed_dictionaries({flag: st.booleans() for flag in (*FLAGS, "genetic")}),
)
PROJECTS = st.builds(
    lambda **changes: project().model_copy(update=changes),
    purpose=PURPOSE,
    institution=INSTITUTIONS,
    country=st.sampled_from(["NO", "US"]),
    starts=st.sampled_from([None, TODAY - timedelta(days=40), TODAY + timedelta(days=1)]),
    agreements=st.sampled_from([(), (Modifier.COL,)]),
)
PARAMETERS: dict[str, Any] = {
    "countries": ("NO",),
    "until": TODAY,
    "months": 1,
    "users": ("ada", "ben"),
    "projects": ("study",),
    "institutions": ("Clinic",),
}
CONDITIONS = st.sampled_from(Modifier).map(
    lambda modifier: Condition(id=modifier, **({NEEDED[modifier]: PARAMETERS[NEEDED[modifier]]} if modifier in NEEDED else {}))
)
CONSENTS = st.builds(
    lambda permission, modifiers: Consent(
        permission=permission, modifiers=tuple(modifiers), disease=NAFLD if permission is Permission.DS else None
    ),
    st.sampled_from(Permission),
    st.lists(CONDITIONS, max_size=3, unique_by=lambda condition: condition.id),
)


@given(CONSENTS, PROJECTS, CONDITIONS)
def test_a_further_modifier_never_turns_a_refusal_into_leave(given_consent: Consent, asking: ProjectPolicy, further: Condition) -> None:
    stricter = given_consent.model_copy(update={"modifiers": (*given_consent.modifiers, further)})
    assert allows(given_consent, asking) or not allows(stricter, asking)


@given(CONSENTS, PROJECTS, st.sampled_from(FLAGS))
def test_a_further_use_never_turns_a_refusal_into_leave(given_consent: Consent, asking: ProjectPolicy, flag: str) -> None:
    more = asking.model_copy(update={"purpose": asking.purpose.model_copy(update={flag: True})})
    assert allows(given_consent, asking) or not allows(given_consent, more)


@given(CONSENTS, PROJECTS)
def test_what_a_narrower_permission_allows_a_wider_one_does(given_consent: Consent, asking: ProjectPolicy) -> None:
    if allows(given_consent, asking):
        for wider in (Permission.NRES, Permission.GRU):
            assert allows(given_consent.model_copy(update={"permission": wider, "disease": None}), asking)


@given(CONSENTS, PROJECTS)
def test_prohibition_outweighs_every_consent(given_consent: Consent, asking: ProjectPolicy) -> None:
    employer = asking.institution is not None and asking.institution.sector in PROHIBITED_SECTORS
    if employer or asking.purpose.kind in PROHIBITED_PURPOSES:
        assert not allows(given_consent, asking)


@given(CONSENTS, PROJECTS, st.permutations(range(3)))
def test_the_order_of_modifiers_does_not_matter(given_consent: Consent, asking: ProjectPolicy, order: list[int]) -> None:
    shuffled = tuple(given_consent.modifiers[i] for i in order if i < len(given_consent.modifiers))
    assert allows(given_consent, asking) is allows(given_consent.model_copy(update={"modifiers": shuffled}), asking)


def test_the_terms_are_those_of_the_published_ontology() -> None:
    with (files("haven.policy") / "data" / "duo_terms.csv").open(encoding="utf-8") as file:
        published = {row["id"]: row for row in csv.DictReader(file) if row["shorthand"]}
    known: list[Permission | Modifier] = [*Permission, *Modifier]
    assert {term.value for term in known} == set(published)
    assert {term.name: (term.value, LABELS[term]) for term in known} == {
        row["shorthand"]: (identifier, row["label"]) for identifier, row in published.items()
    }
    assert {row["id"] for row in published.values() if row["kind"] == "permission"} == {term.value for term in Permission}


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 5, 17), 12, date(2027, 5, 17)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_end_where_a_calendar_says(day: date, months: int, after: date) -> None:
    assert months_after(day, months) == after


def test_a_circle_in_the_ancestry_ends() -> None:
    circle = Diseases.from_pairs([("a", "b"), ("b", "a")])
    assert circle.is_kind_of("a", "b")
    assert not circle.is_kind_of("a", "c")
