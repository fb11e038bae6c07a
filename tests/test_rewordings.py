"""The rewordings of examples/rewordings.yaml: what the benchmark of comparisons stands on."""

from __future__ import annotations

from collections import Counter

import pytest
from assessment_factory import shipped_bank
from sample_texts import Rewording, load_rewordings

from coach.answer.prepare import prepare_answer
from coach.bank.examples import exemplar_answers
from coach.compare.claims import known_numbers
from coach.judge.similarity import stems

PAIRS = load_rewordings()
IDS = [f"{number}-{pair.question_id}-{pair.change}" for number, pair in enumerate(PAIRS)]


def exemplar_of(pair: Rewording) -> str:
    """Return the exemplar that a rewording was made from."""
    return exemplar_answers(pair.question_id)[pair.level]


def test_there_are_enough_pairs_of_every_kind() -> None:
    """At least 34 pairs, over all questions of the shipped bank, with at least five of each kind of change."""
    changes = Counter(pair.change for pair in PAIRS)

    assert len(PAIRS) >= 34
    assert {pair.question_id for pair in PAIRS} == {question.id for question in shipped_bank().questions}
    assert set(changes) == {"order", "synonyms", "typing errors", "contractions", "formatting", "mixed"}
    assert min(changes.values()) >= 5


@pytest.mark.parametrize("pair", PAIRS, ids=IDS)
def test_a_rewording_changes_words_and_keeps_the_content(pair: Rewording) -> None:
    """It differs from its exemplar, but holds the same numbers and most of the same words, and can be judged."""
    original, reworded = exemplar_of(pair), pair.answer.strip()
    before, after = Counter(stems(original)), Counter(stems(reworded))
    question = next(q for q in shipped_bank().questions if q.id == pair.question_id)

    assert reworded != original
    # A list may have been numbered.
    added = known_numbers([reworded]) - known_numbers([original])
    assert known_numbers([original]) <= known_numbers([reworded])
    assert not added or pair.change == "formatting"
    assert (before & after).total() > 0.6 * max(before.total(), after.total())
    assert prepare_answer(reworded, question, "en").unscored_reason is None
