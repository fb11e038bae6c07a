"""YAML becomes models, or an error that names file, line and field of every problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from coach.bank.yaml_files import load_model, parse_yaml, read_text
from coach.errors import BankError
from coach.schema import StrictModel


class Item(StrictModel):
    """One item of a list."""

    name: str
    weight: float = 1.0


class Document(StrictModel):
    """A file with a title and items."""

    title: str
    items: list[Item]


GOOD = """\
# comment
title: "Öffnung: 12:30"
items:
  - name: one
    weight: 1.5
  - name: >-
      two words
      on two lines
"""


def problems(text: str, **options: Any) -> list[str]:
    """Return the lines of the error that a document gives."""
    with pytest.raises(BankError) as caught:
        load_model(Document, text, "my.yaml", **options)
    assert caught.value.hint
    return caught.value.message.splitlines()


def test_a_good_document_becomes_a_model() -> None:
    """Values are read, folded text is joined, and each position is known."""
    document, positions = load_model(Document, GOOD, "my.yaml")

    assert document == Document(
        title="Öffnung: 12:30", items=[Item(name="one", weight=1.5), Item(name="two words on two lines")]
    )
    assert positions.find(("items", 1, "name"), "") == (6, 11)


def test_words_that_look_like_something_else_stay_words() -> None:
    """A teacher's no, yes, times and dates are not turned into booleans, numbers and dates."""
    data, _ = parse_yaml("a: no\nb: yes\nc: 12:30\nd: 2026-11-01\ne: 017\nf: 1.5\ng: true\nh: ~", "my.yaml")

    assert data == {"a": "no", "b": "yes", "c": "12:30", "d": "2026-11-01", "e": 17, "f": 1.5, "g": True, "h": None}


def test_every_problem_is_named_with_its_place() -> None:
    """One line for each problem: file, line, column, field and what is wrong."""
    text = "titel: x\nitems:\n  - name: one\n    weight: heavy\n  - weight: 2\n"

    assert problems(text) == [
        "my.yaml:1:1: title: Field required",
        "my.yaml:4:13: items.0.weight: Input should be a valid number, unable to parse string as a number",
        "my.yaml:5:5: items.1.name: Field required",
        "my.yaml:1:1: titel: Extra inputs are not permitted",
    ]


def test_a_problem_may_be_told_in_words() -> None:
    """A caller turns data and location into the name that people use."""
    text = "title: x\nitems:\n  - name: one\n    weight: heavy\n"

    def describe(data: Any, location: tuple[str | int, ...]) -> str:
        return f"item {data['items'][location[1]]['name']!r}: "

    [line] = problems(text, describe=describe)
    assert line.startswith("my.yaml:4:13: item 'one': items.0.weight: ")


def test_an_aliased_block_is_reported_once() -> None:
    """A mistake in a block that is used twice is one mistake."""
    text = "title: x\nitems:\n  - &a\n    name: one\n    weight: heavy\n  - *a\n"

    assert len(problems(text)) == len(set(problems(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", "my.yaml:3: the key 'a' stands twice"),
        ("a:\n  b: 1\n  b: 2", "my.yaml:3: the key 'b' stands twice"),
        ("a: b: c", "my.yaml:1: not valid YAML: mapping values are not allowed in this context"),
        ("a:\n\t- b", "my.yaml:2: not valid YAML: found character that cannot start any token"),
        ("a: [1, 2", "my.yaml:2: not valid YAML: did not find expected ',' or ']'"),
        ("a: 1\n---\nb: 2", "my.yaml:2: not valid YAML: expected a single document in the stream but found another"),
        ("a: &x [*x]", "my.yaml: an alias refers to itself"),
        ("a: *unknown", "my.yaml:1: not valid YAML: found undefined alias"),
        ("? [a, b]\n: c", "my.yaml:1: a key must be a plain word"),
        ("? {a: b}\n: c", "my.yaml:1: a key must be a plain word"),
        ("a: !!python/object/apply:os.getcwd []", "my.yaml:1: not valid YAML: could not determine a constructor"),
        ("a: !!set {x, y}", "my.yaml:1: not valid YAML: could not determine a constructor"),
        ("a: \x00", "my.yaml: not valid YAML: unacceptable character #x0000"),
        pytest.param("a: " + "1" * 5000, "my.yaml: not valid YAML: Exceeds the limit", id="digits"),
        ("a: \ud800", "my.yaml: not valid YAML: 'utf-8' codec can't encode"),
        ("", "my.yaml: the file is empty"),
        ("# only a comment\n", "my.yaml: the file is empty"),
        pytest.param("[" * 100_000, "my.yaml:1: nested more than 50 levels deep", id="brackets"),
        pytest.param("- " * 100_000, "my.yaml:1: nested more than 50 levels deep", id="dashes"),
        pytest.param("{a: " * 100_000, "my.yaml:1: nested more than 50 levels deep", id="braces"),
    ],
)
def test_what_is_no_proper_yaml_is_refused_with_its_line(text: str, expected: str) -> None:
    """Syntax errors, double keys, tags that run code, loops and bottomless nesting are all bank errors."""
    with pytest.raises(BankError) as caught:
        parse_yaml(text, "my.yaml")

    assert caught.value.message.startswith(expected)
    assert "\n" not in caught.value.message


def test_an_alias_bomb_is_refused() -> None:
    """Nested aliases that would unfold to millions of nodes end at once."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]

    with pytest.raises(BankError, match="too many nodes"):
        parse_yaml("\n".join(lines), "my.yaml")


@given(st.text(max_size=80) | st.text(st.sampled_from("a: -\n[]{}&*!?|>'\"#,%@`~ 1"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than with a bank error, and it reads plain data only."""
    try:
        data, positions = parse_yaml(text, "my.yaml")
    except BankError as error:
        refused = error.message
    else:
        refused = "my.yaml: read"
        assert positions.values
        assert isinstance(data, dict | list | str | int | float | bool | None)
    assert refused.startswith("my.yaml:")


PLAIN = st.recursive(
    st.integers(-99, 99) | st.booleans() | st.text("abc: -#'\"é\n", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), PLAIN, min_size=1, max_size=4))
def test_what_was_written_is_read_again(data: dict[str, Any]) -> None:
    """Data written by an ordinary YAML library comes back as it was, with a position for every value."""
    read, positions = parse_yaml(yaml.safe_dump(data, allow_unicode=True), "my.yaml")

    assert read == data
    assert {(key,) for key in data} <= set(positions.keys)


def test_a_file_is_read_as_utf8_with_or_without_a_mark(tmp_path: Path) -> None:
    """The byte-order mark that some editors write is no part of the text."""
    path = tmp_path / "bank.yaml"
    path.write_bytes(b"\xef\xbb\xbftitle: \xc3\x96l")

    assert read_text(path, "question bank") == "title: Öl"


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "there is no such question bank"), (b"t: \xff", "not UTF-8 text (byte 3)"), ("folder", "cannot be read")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | str | None, expected: str) -> None:
    """The error says which file, why, and what to do."""
    path = tmp_path / "bank.yaml"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()

    with pytest.raises(BankError) as caught:
        read_text(path, "question bank")

    assert caught.value.message.startswith(f"{path}: {expected}")
    assert caught.value.hint
