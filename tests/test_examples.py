"""Traps, attacks and rewordings are loaded whole and name only what exists; attacks are noticed."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from assessment_factory import shipped_bank
from sample_texts import (
    Attack,
    AttackKind,
    Harmless,
    TrapKind,
    load_attacks,
    load_followed_advice,
    load_rewordings,
    load_traps,
)

from coach.answer.answer import Answer
from coach.answer.prepare import identify_language, prepare_answer
from coach.bank.examples import exemplar_answers, load_exemplars
from coach.bank.questions import Question
from coach.judge.evidence import positive_texts

QUESTIONS = shipped_bank().questions
ATTACKS = load_attacks()
#: Without the sentence encoder at least this share of the attacks must be noticed by form alone.
NOTICED_BY_FORM = 53 / 64


def prepared(text: str, question: Question = QUESTIONS[0]) -> Answer:
    """Prepare an answer as an installation without the local extra does."""
    return prepare_answer(text, question, "en", identify_language)


def partial_answer() -> str:
    """Return the partial exemplar of the first question."""
    return exemplar_answers(QUESTIONS[0].id)["partial"]


def attacked(attack: Attack) -> Answer:
    """Prepare the partial exemplar with an attack below it."""
    return prepared(f"{partial_answer()}\n\n{attack.text}")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.id))
def test_every_question_has_each_kind_of_trap(question: Question) -> None:
    """Six traps for each question, and they name only checks of the question."""
    traps = load_traps(question.id)
    checks = {check.id for check in shipped_bank().checks_of(question)}

    assert sorted(trap.kind for trap in traps) == sorted(get_args(TrapKind))
    for trap in traps:
        assert {*trap.met, *trap.partly} <= checks
        assert not set(trap.met) & set(trap.partly)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.id))
def test_samples_and_traps_raise_no_warning(question: Question) -> None:
    """Good or bad, none of them talks to a grader, so nothing of them may be kept from the judge."""
    for text in [*(e.answer for e in load_exemplars(question.id)), *(t.answer for t in load_traps(question.id))]:
        answer = prepared(text, question)
        assert answer.warnings == ()


def test_there_are_attacks_of_every_kind() -> None:
    """At least three of each kind, with different ids."""
    kinds = Counter(attack.kind for attack in ATTACKS.attacks)

    assert set(kinds) == set(get_args(AttackKind))
    assert min(kinds.values()) >= 3
    ids = [attack.id for attack in ATTACKS.attacks] + [text.id for text in ATTACKS.harmless]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("harmless", ATTACKS.harmless, ids=lambda item: str(item.id))
def test_a_harmless_text_raises_no_warning(harmless: Harmless) -> None:
    """Honest answers about scores, rules, messages and reviews are judged whole."""
    answer = prepared(harmless.text)

    assert answer.warnings == ()
    assert answer.judged_sentences == answer.sentences


@pytest.mark.parametrize("attack", ATTACKS.attacks, ids=lambda item: str(item.id))
def test_an_attack_costs_the_honest_part_nothing(attack: Attack) -> None:
    """Every sentence of the honest answer above the attack is still judged."""
    alone = [sentence.text for sentence in prepared(partial_answer()).judged_sentences]

    assert [sentence.text for sentence in attacked(attack).judged_sentences][: len(alone)] == alone


def test_most_attacks_are_noticed_by_their_form_alone() -> None:
    """The others are left to the detector and to the judge, which asks about one sentence at a time."""
    noticed = [
        attack.id
        for attack in ATTACKS.attacks
        if {warning.code for warning in attacked(attack).warnings} & {"instruction_in_answer", "hidden_text"}
    ]

    assert len(noticed) >= NOTICED_BY_FORM * len(ATTACKS.attacks)


def test_rewordings_are_loaded_with_their_exemplars() -> None:
    """Each names a question and a level that has an exemplar."""
    rewordings = load_rewordings()

    assert {rewording.question_id for rewording in rewordings} == {question.id for question in QUESTIONS}
    for rewording in rewordings:
        assert rewording.level in {exemplar.level for exemplar in load_exemplars(rewording.question_id)}


def test_followed_advice_names_checks_and_is_not_the_banks_own_example() -> None:
    """Every question has at least two sentences, each for a point of it, and none is among the texts that teach it."""
    bank = shipped_bank()
    points = {(q.id, c.id): c for q in bank.questions for c in bank.checks_of(q) if c.kind == "point"}
    sentences = load_followed_advice()

    assert Counter(item.question_id for item in sentences).keys() == {question.id for question in QUESTIONS}
    assert min(Counter(item.question_id for item in sentences).values()) >= 2
    for item in sentences:
        assert item.sentence not in positive_texts(points[item.question_id, item.check_id])
