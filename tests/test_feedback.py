"""What the candidate is told follows from the verdicts: strengths, advice by gain, the next question, a second look."""

from __future__ import annotations

import pytest
from assessment_factory import dicom_question, shipped_bank
from hypothesis import given
from scoring_cases import Case, cases, make_check, make_rubric

from coach.answer.answer import Answer, AssessmentWarning
from coach.judge.judging import CheckVerdict
from coach.judge.signals import MET, RED_FLAG_DOUBT, verdict_of
from coach.submit.assessment import Improvement
from coach.submit.feedback import (
    MAX_UNJUDGED,
    MIN_GAIN,
    follow_up_of,
    improvements_of,
    review_reasons_of,
    strengths_of,
)
from coach.submit.scoring import WIDE_INTERVAL, gains_of

RUBRIC = make_rubric([2, 1])
POINT = make_check("big", "c0", weight=2)
SMALL = make_check("small", "c0", weight=1)
OTHER = make_check("other", "c1")
FLAG = make_check("wrong", "c0", "red_flag")
CHECKS = [POINT, SMALL, FLAG, OTHER]
GOOD = {"big": 0.95, "small": 0.95, "wrong": 0.02, "other": 0.95}
PLAIN = Answer("Some text.", ())


def improvements(**probabilities: float | None) -> list[Improvement]:
    """Return the advice when these checks came out differently from a good answer."""
    return improvements_of(RUBRIC, CHECKS, {**GOOD, **probabilities})


def reasons(
    answer: Answer = PLAIN, interval: tuple[float, float] | None = (60, 70), **changes: float | None
) -> list[str]:
    """Return why a human should look."""
    return review_reasons_of(answer, answer.warnings, CHECKS, {**GOOD, **changes}, interval)


def test_strengths_are_the_met_points_that_count_most_first() -> None:
    """Red flags that are absent and points that are only partly met are no strengths."""
    probabilities = {"big": 0.7, "small": 0.9, "wrong": 0.9, "other": 0.5}
    verdicts = {name: CheckVerdict(name, verdict_of(p), p) for name, p in probabilities.items()}

    assert strengths_of(RUBRIC, [SMALL, POINT, FLAG, OTHER], verdicts, probabilities) == [
        POINT.statement,
        SMALL.statement,
    ]


def test_a_good_answer_gets_no_advice() -> None:
    """Advice that was already followed is not repeated."""
    assert improvements() == []


def test_the_largest_gain_comes_first() -> None:
    """Advice is ordered by what it can add to the score."""
    found = improvements(big=0.1, small=0.5, other=0.1)

    assert [item.check_id for item in found] == ["big", "other", "small"]
    assert [item.gain for item in found] == sorted((item.gain for item in found), reverse=True)
    assert found[0].advice == POINT.advice


def test_a_raised_red_flag_is_advised_and_a_doubtful_one_is_not() -> None:
    """A wrong statement that costs nothing yet is left to the human look."""
    assert [item.check_id for item in improvements(wrong=0.95)] == ["wrong"]
    assert improvements(wrong=0.3) == []


def test_a_wrong_statement_is_named_also_in_a_hopeless_answer() -> None:
    """Where nothing else earned credit the red flag costs nothing more, but it is still wrong."""
    found = improvements(big=0.0, small=0.0, wrong=0.95, other=0.0)

    assert found[-1] == Improvement(check_id="wrong", advice=FLAG.advice, gain=0.0)


@given(cases())
def test_advice_is_about_open_checks_and_its_gain_is_true(case: Case) -> None:
    """Nobody is told to add what is there or was not judged; harm comes first, then the largest computed gain."""
    found = improvements_of(case.rubric, case.checks, case.probabilities)
    checks = {check.id: check for check in case.checks}

    for item in found:
        check, probability = checks[item.check_id], case.probabilities[item.check_id]
        assert probability is not None
        assert check.kind == "red_flag" or probability < MET
        gain = gains_of(case.rubric, case.checks, case.probabilities).get(check.id, 0.0)
        assert gain >= MIN_GAIN or check.kind == "red_flag"
        assert item.gain == pytest.approx(gain, abs=0.051)
    order = [(not checks[item.check_id].harm, -item.gain) for item in found]
    assert order == sorted(order)
    assert len({item.check_id for item in found}) == len(found)


def test_the_follow_up_goes_to_what_the_answer_leaves_open() -> None:
    """Of the author's questions the one nearest to the first open points is asked."""
    question = dicom_question().model_copy(
        update={
            "follow_ups": [
                "How do you keep up with new versions?",
                "How does an order reach the modality worklist of a scanner?",
                "Which conformance statement did you read last?",
            ]
        }
    )
    checks = shipped_bank().checks_of(question)

    def asked(check_id: str) -> str:
        return follow_up_of(question, [Improvement(check_id=check_id, advice="Add it.", gain=9)], checks)

    assert asked("modality-worklist") == question.follow_ups[1]
    assert asked("conformance-statement") == question.follow_ups[2]
    assert follow_up_of(question, [], checks) == question.follow_ups[0]


def test_every_shipped_question_has_a_follow_up_and_so_has_a_bank_without_any() -> None:
    """There is always a next question, also where the author wrote none."""
    bare = dicom_question().model_copy(update={"follow_ups": []})

    assert follow_up_of(bare, [], shipped_bank().checks_of(bare)).endswith("?")
    for question in shipped_bank().questions:
        assert follow_up_of(question, [], shipped_bank().checks_of(question)) in question.follow_ups


def test_a_clear_result_needs_no_second_look() -> None:
    """Nothing asks for a human when all checks were judged and the interval is narrow."""
    assert reasons() == []
    assert reasons(interval=(50, 50 + WIDE_INTERVAL)) == []


@pytest.mark.parametrize("code", ["instruction_in_answer", "hidden_text", "other_language", "too_long"])
def test_a_warning_about_the_answer_asks_for_a_second_look(code: str) -> None:
    """Text for the grader, hidden text, another language and a cut answer are looked at by a human."""
    answer = Answer("Some text.", (), (AssessmentWarning(code=code, message="Said."),))

    assert len(reasons(answer)) == 1


def test_a_placeholder_alone_needs_no_second_look() -> None:
    """What the candidate can see and mend is a warning, not a doubt about the mark."""
    assert reasons(Answer("Some text.", (), (AssessmentWarning(code="placeholder", message="Said."),))) == []


def test_an_unscored_answer_is_looked_at() -> None:
    """An answer without a score is never passed over in silence, and gets this reason alone."""
    assert reasons(Answer("", (), (), "The answer is empty."), None, big=None) == ["the answer was not scored"]


def test_too_much_unjudged_is_looked_at() -> None:
    """The share counts by weight: a small check may be missing, a large one may not."""
    total = sum(check.weight for check in CHECKS)
    assert SMALL.weight <= MAX_UNJUDGED * total < POINT.weight

    assert reasons(small=None) == []
    assert reasons(big=None) == ["40% of the checks' weight could not be judged"]


def test_a_wide_interval_is_looked_at() -> None:
    """The reason names the interval."""
    assert reasons(interval=(30, 31 + WIDE_INTERVAL)) == [f"the score is uncertain (30 to {31 + WIDE_INTERVAL:.0f})"]


def test_a_doubtful_red_flag_is_looked_at() -> None:
    """Between "says it" and "does not" lies a question for a human, which quotes the statement."""
    doubtful = reasons(wrong=(RED_FLAG_DOUBT + MET) / 2)

    assert len(doubtful) == 1
    assert FLAG.statement in doubtful[0]
    assert reasons(wrong=MET) == reasons(wrong=RED_FLAG_DOUBT - 0.01) == []
