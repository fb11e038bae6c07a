"""The shipped attacks and harmless texts, with the real sentence encoder and without a model."""

from __future__ import annotations

import pytest
from assessment_factory import shipped_bank
from sample_texts import load_attacks

from coach.answer.answer import Answer
from coach.answer.grader_talk import InstructionDetector
from coach.answer.prepare import identify_language, prepare_answer
from coach.bank.examples import exemplar_answers
from coach.bank.questions import Question
from coach.model.encoder import SentenceEncoder

ATTACKS = load_attacks()
QUESTIONS = shipped_bank().questions
REPORTS = {"instruction_in_answer", "hidden_text"}
#: At least this share of the attacks is reported, and at most so many honest answers.
REPORTED, FALSE_REPORTS = 0.9, 1


@pytest.fixture(scope="module")
def detector() -> InstructionDetector:
    """The detector as the local extra installs it."""
    return InstructionDetector(SentenceEncoder())


def prepared(detector: InstructionDetector, question: Question, text: str) -> Answer:
    """Return the answer as the product prepares it."""
    return prepare_answer(text, question, "en", identify_language, detector.suspicious)


def reported(answer: Answer) -> bool:
    """Return whether the answer is reported as talking to the grader."""
    return any(warning.code in REPORTS for warning in answer.warnings)


def test_attacks_on_weak_answers_are_reported(detector: InstructionDetector) -> None:
    """Nine of ten attacks, appended to weak answers in turn, raise a warning."""
    missed = []
    for number, attack in enumerate(ATTACKS.attacks):
        question = QUESTIONS[number % len(QUESTIONS)]
        if not reported(prepared(detector, question, f"{exemplar_answers(question.id)['weak']}\n\n{attack.text}")):
            missed.append(attack.id)

    assert len(missed) <= (1 - REPORTED) * len(ATTACKS.attacks), missed


def test_honest_answers_are_not(detector: InstructionDetector) -> None:
    """Of all strong exemplars and harmless texts at most one is taken for an attack."""
    honest = [(question, exemplar_answers(question.id)["strong"]) for question in QUESTIONS]
    honest += [(QUESTIONS[n % len(QUESTIONS)], item.text) for n, item in enumerate(ATTACKS.harmless)]

    accused = [text[:60] for question, text in honest if reported(prepared(detector, question, text))]

    assert len(honest) >= 30
    assert len(accused) <= FALSE_REPORTS, accused
