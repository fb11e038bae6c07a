"""The shipped matcher, beside likeness, tells what an answer does from what it does not do, as docs/trust.md says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from coach.answer.prepare import prepare_answer
from coach.bank.load import load_bank
from coach.judge.events import told_events
from coach.judge.evidence import find_evidence
from coach.judge.signals import probability_of
from coach.model.encoder import Matcher, SentenceEncoder, encoder_installed

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from train_matcher import answers_to_learn_from  # type: ignore[import-not-found]

pytestmark = pytest.mark.skipif(not encoder_installed(), reason="needs the local extra")

#: Answers that the matcher was not trained on; all of them take a minute (``python benchmarks/fit_matcher.py``).
ANSWERS = 8


def test_met_and_unmet_points_of_unseen_answers_are_told_apart() -> None:
    """A met point gets a higher probability than an unmet one in over 86 of 100 pairs (88; all answers: 90)."""
    bank, encoder, matcher = load_bank(), SentenceEncoder(), Matcher()
    questions = {question.id: question for question in bank.questions}
    labels, probabilities = [], []
    for answer in answers_to_learn_from(kept_for_fitting=True)[:ANSWERS]:
        question = questions[answer["question_id"]]
        points = [check for check in bank.checks_of(question) if check.kind == "point"]
        sentences = prepare_answer(answer["answer"], question, bank.language).judged_sentences
        told = told_events([sentence.text for sentence in sentences], bank.language)
        for finding in find_evidence(encoder, sentences, points, question.text, told, matcher):
            if finding.check.id not in answer["partly"]:
                labels.append(finding.check.id in answer["met"])
                probabilities.append(probability_of("point", finding.signals))

    assert sum(labels) > 30
    assert roc_auc_score(labels, probabilities) > 0.86
