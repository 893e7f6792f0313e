"""YAML 1.2 as haven reads it: plain values with lines, and nothing clever."""

import pytest

from haven.policy.document import Unreadable, read_document


def test_values_are_plain_and_typed_as_yaml_1_2_says() -> None:
    text = (
        "country: NO\non: off\ndelta: 1e-7\nhalf: .5\nn: 010\nday: 2027-12-31\nyes: true\nnone: ~\nempty:\nlist: [1, -2, 'x']\nwhole: 5.\n"
    )
    assert read_document(text).value == {
        "country": "NO",
        "on": "off",
        "delta": 1e-7,
        "half": 0.5,
        "n": 10,
        "day": "2027-12-31",
        "yes": True,
        "none": None,
        "empty": None,
        "list": [1, -2, "x"],
        "whole": 5.0,
    }


def test_each_value_knows_its_line() -> None:
    document = read_document("# a comment\na: 1\nb:\n  c: 2\n  d:\n    - 3\n    - 4\n")
    lines = [document.line_of(path) for path in (("a",), ("b",), ("b", "c"), ("b", "d", 1), ("b", "missing"), ("missing",))]
    assert lines == [2, 3, 4, 7, 3, 2]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\na: 2\n", 2, "there twice"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "there twice"),
        ("a: [1\n", 2, "not YAML"),
        ("a: 1\n b: 2\n", 2, "not YAML"),
        ("\ta: 1\n", 1, "not YAML"),
        ('a: "\x00"', 1, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
        ("%YAML 1.1\n---\na: NO\n", 1, "directives"),
        ("", 1, "mapping"),
        ("- a\n- b\n", 1, "mapping"),
        ("a: &x 1\nb: *x\n", 1, "anchors"),
        ("a: 1\n<<: {b: 2}\n", 2, "a key is a plain word"),
        ("? [a, b]\n: 1\n", 1, "a key is a plain word"),
        ("1: a\n", 1, "a key is a plain word"),
        ("a: !!python/object:os.system x\n", 1, "tags"),
        ("a: !!binary aGk=\n", 1, "tags"),
        ("a: .nan\n", 1, "finite"),
        ("a: -.inf\n", 1, "finite"),
        ("a: 1e999\n", 1, "finite"),
        ("a: 0.10000000000000000001\n", 1, "more digits"),
        ("a: 1_000\n", 1, "decimal digits"),
        ("a: 0x10\n", 1, "decimal digits"),
        (f"a: {'9' * 31}\n", 1, "decimal digits"),
        (f"a: {'[' * 30}{']' * 30}\n", 1, "too deeply"),
        (f"a: {'[' * 5000}{']' * 5000}\n", 1, "too deeply"),
        ("a: " + "x" * 1_000_001, 1, "longer"),
    ],
)
def test_what_is_not_plain_is_refused_at_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as failure:
        read_document(text)
    assert failure.value.line == line
    assert failure.value.suggestion
