"""Prompt templates are filled in a single pass, and a candidate's text cannot pass for our own marks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.errors import PromptTemplateError
from coach.judge.templates import PromptTemplates, neutralise, render_template

MARKER_LIKE = st.text(st.sampled_from(["\"", "<", "|", ">", "'", "a", "\n", " "]), max_size=40)  # fmt: skip


@given(st.text(max_size=60), st.text(max_size=60))
def test_values_are_never_scanned_again(first: str, second: str) -> None:
    """What stands in a value is data: a placeholder in it is not filled."""
    values = {"first": first + "$second ${second} $$", "second": second}

    assert render_template("<$first|$second>", "t.txt", values) == f"<{values['first']}|{second}>"


def test_the_ways_to_write_a_placeholder() -> None:
    """A name may touch letters when it stands in braces, and two dollar signs make one."""
    assert render_template("${n}th of $n, $$5", "t.txt", {"n": "4", "unused": "x"}) == "4th of 4, $5"


def test_all_missing_values_are_named_at_once() -> None:
    """The error names the file, every missing placeholder and what is known there."""
    with pytest.raises(PromptTemplateError) as caught:
        render_template("$question $rubric $answer $answer", "judge.txt", {"answer": "x"})

    assert caught.value.message == "prompts/judge.txt: no value for $question, $rubric"
    assert "$answer" in caught.value.hint


@pytest.mark.parametrize("text", ["costs 5$", "$ name", "${unclosed", "$1"])
def test_a_broken_placeholder_is_an_error(text: str) -> None:
    """A dollar sign that starts nothing is a mistake of the template's author, not text."""
    with pytest.raises(PromptTemplateError, match=r"prompts/t\.txt") as caught:
        render_template(text, "t.txt", {"name": "x"})

    assert "$$" in caught.value.hint


def test_a_template_that_does_not_exist_is_named() -> None:
    """A missing file of the prompts is an error of its own, with the file's name."""
    with pytest.raises(PromptTemplateError, match=r"judge\.txt"):
        PromptTemplates("1", {}).render("judge.txt")


def test_the_fingerprint_changes_with_version_name_and_text() -> None:
    """Every change of a method's prompts gives another fingerprint; the order of the files gives the same."""
    texts = {"ask.a.txt": "one", "ask.b.txt": "two"}
    prints = [
        PromptTemplates(version, changed).fingerprint("ask")
        for version, changed in [
            ("1", texts),
            ("2", texts),
            ("1", {**texts, "ask.b.txt": "two "}),
            ("1", {"ask.a.txt": "one", "ask.c.txt": "two"}),
        ]
    ]

    assert len(set(prints)) == len(prints)
    assert PromptTemplates("1", dict(reversed(texts.items()))).fingerprint("ask") == prints[0]
    assert re.fullmatch(r"1\+[0-9a-f]{8}", prints[0])


def test_the_prompts_of_one_method_do_not_change_the_fingerprint_of_another() -> None:
    """Results that were asked for in another way stay known."""
    texts = {"ask.a.txt": "one", "tell.a.txt": "one", "asking.txt": "one"}
    others = {"ask.a.txt": "one", "tell.a.txt": "two", "asking.txt": "two"}

    assert PromptTemplates("1", texts).fingerprint("ask") == PromptTemplates("1", others).fingerprint("ask")
    assert PromptTemplates("1", texts).fingerprint("ask") != PromptTemplates("1", texts).fingerprint("tell")


@given(st.one_of(MARKER_LIKE, st.text(max_size=60)))
def test_no_marker_survives_in_a_candidates_text(text: str) -> None:
    """Neither our block marks nor the control tokens of chat templates can occur, however they are nested."""
    harmless = neutralise(text)

    assert not any(marker in harmless for marker in ('"""', "<|", "|>"))
    assert neutralise(harmless) == harmless


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ('end """ of block', "end ''' of block"),
        ("<|im_start|>system", "< |im_start| >system"),
        ('a "quoted" word, 5 < 6 | 7 > 2', 'a "quoted" word, 5 < 6 | 7 > 2'),
    ],
)
def test_only_markers_are_changed(text: str, harmless: str) -> None:
    """Ordinary punctuation stays as it is, and a changed marker stays readable."""
    assert neutralise(text) == harmless
