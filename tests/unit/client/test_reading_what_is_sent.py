"""Parts of an answer that are not the contract's are a fault; what they say is read as it stands."""

from collections.abc import Callable

import pytest

import haven
from haven.client.answer import Answer
from haven.client.budget import Budget
from haven.client.catalogue import Catalogue
from haven.client.preview import Preview
from haven.client.questions import sql_of
from haven.errors import Code
from haven.web.api.questions import preview_json
from haven.wire.answers import AnswerMessage, CellType, Column
from haven.wire.arrow import encode
from tests.support import api_service

LINE = api_service.BUDGET["datasets"][0]
TABLE = api_service.DATASET["tables"]["persons"]


@pytest.mark.parametrize(
    "read",
    [
        lambda: Budget({"datasets": {}}),
        lambda: Budget({"datasets": [7]}),
        lambda: Budget({"datasets": [{**LINE, "left": None}]}),
        lambda: Budget({"datasets": [{**LINE, "left": {}}]})["nafld"].share_left,
        lambda: Budget({"datasets": [{**LINE, "total": {"rho": "many"}}]})["nafld"].share_left,
        lambda: Catalogue({}),
        lambda: Catalogue([{"name": 7}]),
        lambda: Catalogue([{"name": "a", "tables": []}]),
        lambda: Catalogue([{"name": "a", "tables": {"t": {"columns": []}}}]),
        lambda: Preview([]),
        lambda: Preview({"cost": {}, "errors": None}),
        lambda: Answer.read(encode(AnswerMessage((Column("n", CellType.INTEGER),), (), (), {"no": "id"}))),
    ],
)
def test_what_is_not_the_contracts_is_a_fault(read: Callable[[], object]) -> None:
    with pytest.raises(haven.Fault) as fault:
        read()
    assert fault.value.code is Code.FAULT_SERVICE


def test_a_budget_is_a_mapping_in_words() -> None:
    budget = Budget(api_service.BUDGET)
    assert list(budget) == ["nafld"]
    assert len(budget) == 1
    assert "nafld" in budget
    assert repr(budget) == "Budget of liver\n  nafld: ε 0.85 of 1 left (75%)"


def test_a_catalogue_is_a_mapping_that_refuses_in_words() -> None:
    catalogue = Catalogue([api_service.DATASET, {**api_service.DATASET, "name": "twin"}])
    assert list(catalogue) == ["nafld", "twin"]
    assert "twin" in catalogue
    assert repr(catalogue).splitlines()[1].startswith("twin: ")
    with pytest.raises(haven.Refused) as refused:
        catalogue["other"]
    assert "nafld, twin" in refused.value.suggestion
    with pytest.raises(haven.Refused) as ambiguous:
        catalogue.table("persons")
    assert ambiguous.value.code is Code.QUERY_UNKNOWN_TABLE
    assert repr(Catalogue([])) == "No datasets yet."


def test_a_dataset_without_credit_or_promise_is_still_shown() -> None:
    bare = Catalogue([{"name": "bare", "tables": {"t": TABLE}, "consent": None}])["bare"]
    assert (bare.citation, bare.consent, bare.promise) == ("", "", "")
    assert "age" in bare._repr_html_()


def test_a_free_preview_says_free() -> None:
    preview = Preview({**preview_json(api_service.PREVIEW), "free": True})
    assert preview.line() == "free: this question was answered before"
    assert "At most 6 groups a person." in preview.explain()


def test_an_ibis_expression_without_sql_is_refused() -> None:
    import ibis  # noqa: PLC0415 - slow to import

    table = ibis.table({"word": "string", "moment": "timestamp"}, name="t")
    for expression in (table.word.hashbytes("sha512"), table.moment.truncate("ns")):
        with pytest.raises(haven.Refused) as refused:
            sql_of(expression)
        assert refused.value.code is Code.QUERY_SYNTAX
