"""Whatever the verdicts are, nothing that a report prints about an answer to the shipped questions is false."""

from __future__ import annotations

from assessment_factory import receipt, shipped_bank
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import found, said

from coach.answer.prepare import identify_language, prepare_answer
from coach.bank.questions import Question
from coach.judge.judging import CheckVerdict, Judgement, JudgeTask, Verdict
from coach.judge.signals import verdict_of
from coach.report.assessment import assessment_document
from coach.report.document import Card, Document, Paragraph, Span
from coach.report.words import opening
from coach.submit.assess import build_assessment
from coach.submit.assessment import Assessment, CriterionResult
from coach.submit.scoring import criterion_credit, level_of, score_answer

BANK = shipped_bank()
ANSWER = "I looked at the log of the archive first, then I called the technologist, and after that we sent it again."
#: On both sides of each border between verdicts, and at the borders themselves.
PROBABILITIES = (None, 0.0, 0.02, 0.34, 0.35, 0.45, 0.5, 0.51, 0.59, 0.6, 0.75, 0.9, 0.97, 1.0)
PREPARED = prepare_answer(ANSWER, BANK.questions[0], "en", identify_language)


@st.composite
def judged(draw: st.DrawFn) -> tuple[int, dict[str, float | None]]:
    """Draw the place of a question and a probability for each of its checks; few answers raise flags."""
    place = draw(st.integers(0, len(BANK.questions) - 1))
    question = BANK.questions[place]
    usual = draw(st.sampled_from((0.0, 0.45, 0.6, 0.97)))
    probabilities: dict[str, float | None] = {}
    for check in BANK.checks_of(question):
        common = usual if check.kind == "point" else 0.0
        probabilities[check.id] = draw(st.sampled_from((common, common, common, *PROBABILITIES)))
    return place, probabilities


def assessed(question: Question, probabilities: dict[str, float | None]) -> Assessment:
    """Return the assessment that these probabilities give."""
    checks = tuple(BANK.checks_of(question))
    verdicts = tuple(
        CheckVerdict(
            check.id,
            verdict_of(probabilities[check.id], check.kind),
            probabilities[check.id],
            comment="not judged" if probabilities[check.id] is None else None,
        )
        for check in checks
    )
    task = JudgeTask("", question, BANK.rubric_of(question), checks, PREPARED)
    return build_assessment(task, Judgement(verdicts), receipt())


def report_of(question: Question, assessment: Assessment, *, show_score: bool = True) -> Document:
    """Return the report on an assessment."""
    return assessment_document(assessment, question, BANK.rubric_of(question), ANSWER, show_score=show_score)


def without_flags(question: Question, probabilities: dict[str, float | None]) -> dict[str, float | None]:
    """Return the probabilities of an answer that says the same without anything wrong."""
    flags = {check.id for check in BANK.checks_of(question) if check.kind == "red_flag"}
    return {check: 0.0 if check in flags and p is not None else p for check, p in probabilities.items()}


def sentences_of(document: Document) -> dict[str, str]:
    """Return what the report says in words about each criterion, by its title."""
    cards = [card for card in found(document, Card) if not card.headline]
    return {
        said(card.title): " ".join(said(block.text) for block in found(card, Paragraph) if block.look == "italic")
        for card in cards
    }


def count(result: CriterionResult, verdict: Verdict) -> int:
    """Return how many points of a criterion have a verdict."""
    return sum(check.kind == "point" and check.verdict is verdict for check in result.checks)


@settings(deadline=None, max_examples=60)
@given(judged(), st.booleans())
def test_what_is_said_about_a_criterion_follows_from_its_verdicts(
    case: tuple[int, dict[str, float | None]], show_score: bool
) -> None:
    """Counts, "enough for all", "costs part" and "nothing yet" are printed exactly where they are true."""
    question, probabilities = BANK.questions[case[0]], case[1]
    assessment = assessed(question, probabilities)
    sentences = sentences_of(report_of(question, assessment, show_score=show_score))
    checks, clean = BANK.checks_of(question), without_flags(question, probabilities)
    for criterion, result in zip(BANK.rubric_of(question).criteria, assessment.criteria, strict=True):
        sentence = sentences[result.title]
        if result.credit is None:
            assert sentence == ""
            continue
        made, partly, missing = (count(result, v) for v in (Verdict.MET, Verdict.PARTLY, Verdict.NOT_MET))
        best = criterion_credit(criterion, checks, clean)
        assert best is not None
        if show_score:
            assert sentence.startswith(f"{made} of {made + partly + missing} point")
        assert ("All of its points" in sentence) <= (missing == partly == 0)
        assert ("None of its points" in sentence) <= (made == partly == 0)
        assert ("enough for all of the credit" in sentence) <= (result.credit >= 1 - 1e-3)
        assert ("costs part of the credit" in sentence) <= (0 < result.credit < best)
        assert not ("enough for all" in sentence and "costs part" in sentence)
        harmful = any(check.harm and check.verdict in (Verdict.MET, Verdict.PARTLY) for check in result.checks)
        assert ("counts against the whole answer" in sentence) == harmful


@settings(deadline=None, max_examples=60)
@given(judged())
def test_the_opening_is_true_of_the_answer(case: tuple[int, dict[str, float | None]]) -> None:
    """What it says is there is there at least, what it says is missing is missing, and harm is said first."""
    question, probabilities = BANK.questions[case[0]], case[1]
    assessment = assessed(question, probabilities)
    if assessment.score is None:
        return
    document = report_of(question, assessment)
    card = next(card for card in found(document, Card) if card.headline)
    text = said(list(found(card, Paragraph))[-1].text)
    rubric, checks = BANK.rubric_of(question), BANK.checks_of(question)
    there = score_answer(rubric, checks, without_flags(question, probabilities))
    assert there is not None
    said_level = next((level for level in range(5) if opening(level, 0) in text), None)

    assert text.startswith("Part of this answer would harm") == bool(assessment.harm())
    if said_level is not None:
        assert level_of(round(there, 1) / 100) >= said_level
        assert said_level > 0 or level_of(round(there, 1) / 100) == 0
    flags = [c for c in assessment.check_results() if c.kind == "red_flag" and c.verdict is Verdict.MET]
    assert ("would count against you" in text) == (bool(flags) and not assessment.harm())


@settings(deadline=None, max_examples=60)
@given(judged())
def test_no_level_is_described_in_words_of_the_rubric(case: tuple[int, dict[str, float | None]]) -> None:
    """A descriptor speaks of points that this answer may not have made, or may have: it stays with the rubric."""
    question, probabilities = BANK.questions[case[0]], case[1]
    document = report_of(question, assessed(question, probabilities))
    printed = " ".join(span.text for span in found(document, Span)) + str(document)

    for criterion in BANK.rubric_of(question).criteria:
        for level in criterion.levels:
            assert level.descriptor not in printed


@settings(deadline=None, max_examples=60)
@given(judged())
def test_praise_and_advice_never_name_the_same_check(case: tuple[int, dict[str, float | None]]) -> None:
    """A strength is met, a step is about something open, and nothing is asked for beside what stands in its place."""
    question, probabilities = BANK.questions[case[0]], case[1]
    assessment = assessed(question, probabilities)
    checks = {check.id: check for check in BANK.checks_of(question)}
    met = {c.id for c in assessment.check_results() if c.kind == "point" and c.verdict is Verdict.MET}

    assert {checks[check_id].statement for check_id in met} == set(assessment.strengths)
    for step in assessment.improvements:
        assert step.check_id not in met
        assert step.advice == checks[step.check_id].advice
        assert not met & set(checks[step.check_id].alternative_to)
