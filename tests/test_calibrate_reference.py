"""Tests of coach.calibrate.reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.answer.sentences import clean
from coach.calibrate.reference import (
    MAX_POINTS,
    REFERENCE_RUBRIC,
    reference_bank,
    reference_points,
    reference_question,
)
from coach.errors import InputError
from coach.judge.evidence import advice_examples
from coach.submit.scoring import score_answer

QUESTION = "What is a stack?"
REFERENCE = "A stack is a list with one open end. Items are added and removed at the top."


def test_each_sentence_becomes_one_point() -> None:
    """The statement is the sentence itself, and the advice quotes it as an example."""
    checks = reference_question(QUESTION, REFERENCE).checks

    assert [(c.id, c.kind, c.weight, c.statement) for c in checks] == [
        ("ref-1", "point", 1.0, "A stack is a list with one open end."),
        ("ref-2", "point", 1.0, "Items are added and removed at the top."),
    ]
    assert checks[0].advice == 'Say this in your own words: "A stack is a list with one open end."'


def test_quotes_in_a_reference_do_not_end_the_example() -> None:
    """What a judge takes for the example is the whole sentence, whatever marks stand in it."""
    (check,) = reference_question(QUESTION, 'The word "pop" removes, and “push” adds an item.').checks

    assert advice_examples(check) == ["The word 'pop' removes, and 'push' adds an item."]


@pytest.mark.parametrize(
    ("reference", "points"),
    [
        ("Iteration.", ["Iteration."]),
        ("Use recursion. Split the list in two halves.", ["Use recursion. Split the list in two halves."]),
        ("Split the list in two. Then merge.", ["Split the list in two. Then merge."]),
        ("One two three four. Never. Five six seven eight.", ["One two three four. Never.", "Five six seven eight."]),
        ("++", ["++"]),
        ("- adds an item on top\n- takes an item from the top", ["adds an item on top", "takes an item from the top"]),
    ],
)
def test_short_sentences_join_their_neighbour(reference: str, points: list[str]) -> None:
    """Fewer than four words are no observable point of their own."""
    assert reference_points(reference) == points


def test_a_long_reference_has_ten_points_that_hold_all_its_words() -> None:
    """Neighbours are joined until ten are left, the shortest first, and nothing is dropped."""
    sentences = [f"Sentence number {n} says{' very' * (n % 4)} much." for n in range(14)]

    points = reference_points(" ".join(sentences))

    assert len(points) == MAX_POINTS
    assert " ".join(points) == " ".join(sentences)


@given(st.text(max_size=300))
def test_any_reference_makes_a_valid_question_or_a_clear_error(reference: str) -> None:
    """No text breaks the rule; only one that shows nothing is refused."""
    if not clean(reference):
        with pytest.raises(InputError, match="the reference answer is empty"):
            reference_question(QUESTION, reference)
    else:
        assert 1 <= len(reference_question(QUESTION, reference).checks) <= MAX_POINTS


@given(st.text(min_size=1, max_size=80))
def test_any_question_has_a_valid_id(text: str) -> None:
    """Ids are plain words and a hash in any language; only a text that shows nothing is refused."""
    if not clean(text):
        with pytest.raises(InputError, match="the question is empty"):
            reference_question(text, REFERENCE)
    else:
        assert len(reference_question(text, REFERENCE).id) <= 60


def test_an_id_tells_questions_apart_by_text_and_reference() -> None:
    """The same question with another reference is another question; outer spaces do not matter."""
    base = reference_question(QUESTION, REFERENCE)

    assert base.id.startswith("what-is-a-stack-")
    assert reference_question(f" {QUESTION}\n", f" {REFERENCE} ") == base
    assert reference_question(QUESTION, "Something else altogether here.").id != base.id
    assert reference_question("Что такое стек?", REFERENCE).id.startswith("question-")


@pytest.mark.parametrize(
    ("text", "reference", "message"),
    [
        ("", REFERENCE, "the question is empty"),
        ("x" * 5000, REFERENCE, "the question is too long"),
        (QUESTION, " \n ", "the reference answer is empty"),
        (QUESTION, "word " * 1000, "a sentence of the reference answer is too long"),
    ],
)
def test_what_makes_no_question_is_refused(text: str, reference: str, message: str) -> None:
    """The error says what is wrong; nothing is cut silently."""
    with pytest.raises(InputError, match=message):
        reference_question(text, reference)


def test_the_score_is_the_mean_credit_of_the_points() -> None:
    """Half of the reference said in full is worth half."""
    question = reference_question(QUESTION, REFERENCE)

    assert score_answer(REFERENCE_RUBRIC, question.checks, {"ref-1": 1.0, "ref-2": 0.0}) == 50


def test_a_bank_holds_each_question_once() -> None:
    """A bank of such questions is complete: every question finds its rubric and its checks."""
    question = reference_question(QUESTION, REFERENCE)
    bank = reference_bank([question, question, reference_question("What is a queue?", REFERENCE)])

    assert len(bank.questions) == 2
    assert bank.rubric_of(question) is REFERENCE_RUBRIC
    assert bank.checks_of(question) == list(question.checks)
