"""Parsing: bounded before the parser sees a word, never slow, never recursive beyond its limits."""

import pytest

from haven.errors import Code, Refused
from haven.query import parse

BASE = "SELECT COUNT(*) FROM persons WHERE "


def code_of(text: str) -> Code:
    with pytest.raises(Refused) as caught:
        parse(text)
    return caught.value.code


@pytest.mark.parametrize(
    "text",
    [
        BASE + " OR ".join(["age = 1"] * 20_000),
        BASE + " OR ".join(["a"] * 30_000),
        BASE + "+".join(["age"] * 4_000) + " > 1",
        BASE + "(" * 200 + "age > 1" + ")" * 200,
        BASE + "CASE WHEN " * 200 + "age > 1",
        BASE + "NOT " * 5_000 + "male",
        BASE + "- " * 5_000 + "age > 1",
        BASE + "age IN (" + ", ".join("1" for _ in range(20_000)) + ")",
        "SELECT COUNT(*) FROM " + "(SELECT * FROM " * 200 + "persons" + ") AS t" * 200,
        "[" * 5_000,
        "{" * 5_000,
        "SELECT " + "x" * 200_000,
    ],
)
@pytest.mark.timeout(60)  # one that is worked through instead would not end
def test_enormous_questions_are_refused_at_once(text: str) -> None:
    assert code_of(text) is Code.QUERY_TOO_LARGE or text[0] in "[{"


def test_a_long_chain_within_the_limits_is_parsed_without_recursion() -> None:
    assert parse(BASE + " OR ".join(f"age = {i}" for i in range(1_500))).tree.args["where"] is not None


@pytest.mark.parametrize("word", ["ANY ", "ARRAY ", "INTERVAL ", "DESCRIBE ", "~ ", "x -> ", "DATE ", "DISTINCT ", "CASE ", "EXISTS "])
def test_repeated_words_never_break_out_of_a_refusal(word: str) -> None:
    assert code_of("SELECT " + word * 3_000) in {Code.QUERY_TOO_LARGE, Code.QUERY_SYNTAX, Code.QUERY_FUNCTION}


def test_a_parser_that_trips_over_hostile_text_is_no_sql() -> None:
    assert code_of("SELECT -> 1") is Code.QUERY_SYNTAX


def test_no_refusal_repeats_a_text_constant_of_the_question() -> None:
    for text in ("SELECT COUNT(*) FROM persons WHERE town = 'secret' AND", "SELECT 'secret", "SELECT regexp_matches(a, 'secret') FROM t"):
        with pytest.raises(Refused) as caught:
            parse(text)
        assert "secret" not in str(caught.value)


def test_names_are_bounded() -> None:
    assert code_of("SELECT COUNT(*) FROM " + "p" * 256) is Code.QUERY_SYNTAX


def test_brackets_around_the_whole_question_are_nothing() -> None:
    assert parse("((SELECT COUNT(*) FROM persons))").tree.args["from_"] is not None


@pytest.mark.parametrize("text", ["((SELECT 1 UNION SELECT 2))", "(SELECT 1) UNION (SELECT 2)"])
def test_set_operations_in_brackets_are_refused(text: str) -> None:
    assert code_of(text) is Code.QUERY_CLAUSE
