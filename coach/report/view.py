"""What a report on one answer says, decided once for the terminal, Markdown and HTML.

Every string of a view is fit for display (see ``display_text``); the writers add only their own syntax.
Without scores, no field holds a digit of the score, its interval, a probability, a gain, a level or a weight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coach.bank.questions import TOP_LEVEL, Question, Rubric
from coach.judge.judging import Verdict
from coach.report import words
from coach.report.display_text import lines, one_line
from coach.report.marked_answer import Segment, is_quoted_from, mark_answer
from coach.report.points import PointView, build_points, quoted_points
from coach.report.receipt_text import receipt_lines
from coach.report.view_parts import Notice, Step
from coach.report.words import Standing
from coach.submit.assessment import Assessment, CriterionResult, Improvement
from coach.submit.feedback import STEPS
from coach.submit.scoring import level_of

#: How many strengths a report names; more would bury the first.
STRENGTHS = 3


@dataclass(frozen=True)
class Headline:
    """Where the answer stands. ``score`` and ``interval`` are None, and ``details`` empty, without numbers."""

    level: str
    opening: str
    score: int | None = None
    interval: tuple[int, int] | None = None
    #: Such as "likely between 50 and 66"; in words only, such as "perhaps Solid".
    uncertainty: str = ""
    #: Such as "6 of 11 points made, 1 partly".
    points: str = ""


@dataclass(frozen=True)
class NextAction:
    """What to do about an answer without a score, and the command for it (empty when there is none)."""

    text: str
    command: str


@dataclass(frozen=True)
class CriterionView:
    """One criterion. ``credit`` (0-1) is None and ``numbers`` empty when not judged or without numbers."""

    title: str
    level: str
    descriptor: str
    credit: float | None
    numbers: str
    points: tuple[PointView, ...]
    #: Checks that could not be judged, by reason.
    unjudged: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class ReportView:
    """The report on one answer; empty parts are left out by the writers."""

    question_id: str
    question_number: int
    question: str
    headline: Headline
    next_actions: tuple[NextAction, ...]
    notices: tuple[Notice, ...]
    strengths: tuple[str, ...]
    red_flags: tuple[PointView, ...]
    criteria: tuple[CriterionView, ...]
    segments: tuple[Segment, ...]
    legend: tuple[tuple[Standing, str], ...]
    steps: tuple[Step, ...]
    follow_up: str
    outline: str
    #: Lines, each as the parts that a writer joins.
    receipt: tuple[tuple[str, ...], ...]

    @property
    def answer_title(self) -> str:
        """The heading above the answer."""
        return words.MARKED_ANSWER_TITLE if self.legend else words.ANSWER_TITLE

    @property
    def red_flags_title(self) -> str:
        """The heading above the red flags."""
        return words.red_flags_title(any(not point.doubtful for point in self.red_flags))

    @property
    def steps_title(self) -> str:
        """The heading above the steps."""
        return words.steps_title(len(self.steps))


def build_view(
    assessment: Assessment, question: Question, rubric: Rubric, answer_text: str, *, show_score: bool = True
) -> ReportView:
    """Turn an assessment into what a report shows.

    ``answer_text`` is the answer as given; quotes that do not lie in it are shown but not marked. The level of
    the whole answer is that of a criterion whose credit equals the score.
    """
    top = sorted(assessment.improvements, key=lambda item: -item.gain)[:STEPS]
    advice = {check.id: one_line(check.advice) for check in (*question.checks, *rubric.checks)}
    points = build_points(assessment, {item.check_id: place for place, item in enumerate(top, 1)}, advice)
    quoted = quoted_points(assessment, points)
    segments = mark_answer(answer_text, quoted)
    red_flags = tuple(point for point in points.values() if point.standing is Standing.AGAINST)
    judged = _anything_judged(assessment)
    any_credit = any(point.standing in (Standing.EARNED, Standing.PARTLY) for point in points.values())
    criteria = [_criterion(item, assessment, rubric, points, show_score) for item in assessment.criteria]
    return ReportView(
        question_id=question.id,
        question_number=question.number,
        question=one_line(question.text),
        headline=_headline(assessment, rubric, points, show_score),
        next_actions=_next_actions(assessment) if assessment.score is None else (),
        notices=_notices(assessment, judged, show_score, all(is_quoted_from(q.evidence, answer_text) for q in quoted)),
        strengths=tuple(one_line(text) for text in assessment.strengths[:STRENGTHS]) if any_credit else (),
        red_flags=red_flags,
        criteria=tuple(criteria) if judged else (),
        segments=segments,
        legend=words.marker_legend([marker.standing for segment in segments for marker in segment.markers]),
        steps=_steps(top, assessment, points, show_score),
        follow_up=one_line(assessment.follow_up) if judged else "",
        outline=lines(assessment.outline or ""),
        receipt=receipt_lines(assessment.receipt, judged=judged),
    )


def _headline(assessment: Assessment, rubric: Rubric, points: Mapping[str, PointView], show_score: bool) -> Headline:
    if assessment.score is None:
        reason = one_line(assessment.unscored_reason or "") or "The answer could not be judged."
        return Headline(level=words.NOT_SCORED, opening=reason)
    standings = [point.standing for point in points.values()]
    level = level_of(assessment.score / 100)
    name = words.level_word(level, rubric)
    doubtful = sum(point.doubtful for point in points.values())
    opening = words.opening(level, standings.count(Standing.AGAINST) - doubtful, doubtful)
    low, high = assessment.interval or (assessment.score, assessment.score)
    if not show_score:
        reach = (words.level_word(level_of(edge / 100), rubric) for edge in (low, high))
        others = [word for word in dict.fromkeys(reach) if word != name]
        return Headline(name, opening, uncertainty=f"perhaps {' or '.join(others)}" if others else "")
    interval = (words.whole(low), words.whole(high)) if assessment.interval else None
    return Headline(
        level=name,
        opening=opening,
        score=words.whole(assessment.score),
        interval=interval,
        uncertainty=f"likely between {interval[0]} and {interval[1]}" if interval else "",
        points=_points_made(standings),
    )


def _points_made(standings: Sequence[Standing]) -> str:
    made, partly, missing, unjudged = (
        standings.count(standing)
        for standing in (Standing.EARNED, Standing.PARTLY, Standing.MISSING, Standing.UNJUDGED)
    )
    parts = [f"{made} of {made + partly + missing} points made"]
    parts += [f"{partly} partly"] if partly else []
    parts += [f"{unjudged} not judged"] if unjudged else []
    return ", ".join(parts)


def _anything_judged(assessment: Assessment) -> bool:
    return any(check.verdict is not Verdict.UNJUDGED for check in assessment.check_results())


def _next_actions(assessment: Assessment) -> tuple[NextAction, ...]:
    """Say what to do about an answer without a score: the model's failure is not the candidate's."""
    name = assessment.question_id
    if _anything_judged(assessment) or assessment.receipt.output_tokens:
        return (
            NextAction("Nothing was counted against you. Submit the same answer again, or choose another --model.", ""),
            NextAction("See which models are configured and can be reached:", "coach doctor"),
        )
    return (
        NextAction(
            "Nothing was counted against you. Answer in a few full sentences of your own, then submit again:",
            f"coach submit {name}",
        ),
        NextAction("See why the question is asked and what a strong answer shows:", f"coach questions {name}"),
    )


_NUMBERS_ASIDE = re.compile(r"\s*\([^()]*\d[^()]*\)")


def _notices(assessment: Assessment, judged: bool, show_score: bool, quotes_found: bool) -> tuple[Notice, ...]:
    messages = [words.sentence(one_line(warning.message)) for warning in assessment.warnings]
    if not quotes_found:
        messages.append("The text shown is not the one that was judged, so some quotes could not be marked in it.")
    reasons = [words.sentence(one_line(reason)) for reason in assessment.review_reasons]
    if not show_score:
        reasons = [_without_numbers(reason) for reason in reasons]
    notices = [Notice(words.NOTICES_TITLE, tuple(messages))] if messages else []
    # An answer that nobody judged has its reason in the headline already.
    if judged and (assessment.needs_review or reasons):
        why = tuple(dict.fromkeys(reasons)) or ("The judging left some doubt.",)
        notices.append(Notice("Worth a second look by a person", why))
    return tuple(notices)


def _without_numbers(reason: str) -> str:
    """Take numbers out of a reason for review, which may speak of the score's interval or of probabilities."""
    kept = _NUMBERS_ASIDE.sub("", reason)
    return "The judging left some doubt." if any(char.isdigit() for char in kept) else kept


def _criterion(
    result: CriterionResult,
    assessment: Assessment,
    rubric: Rubric,
    points: Mapping[str, PointView],
    show_score: bool,
) -> CriterionView:
    shown = [point for point in points.values() if point.check_id in {check.id for check in result.checks}]
    shown.sort(key=lambda point: point.standing.rank)
    unjudged: dict[str, list[str]] = {}
    for point in shown:
        if point.standing is Standing.UNJUDGED:
            unjudged.setdefault(point.comment or "no reason given", []).append(point.statement)
    judged = result.level is not None and result.credit is not None
    return CriterionView(
        title=one_line(result.title),
        level=one_line(result.level_title or "") if judged else words.NOT_JUDGED,
        descriptor=_descriptor(result, rubric),
        credit=result.credit if judged and show_score else None,
        numbers=_numbers(result, assessment) if show_score else "",
        points=tuple(_short(point) for point in shown if point.standing is not Standing.UNJUDGED),
        unjudged=tuple((reason, tuple(statements)) for reason, statements in unjudged.items()),
    )


def _short(point: PointView) -> PointView:
    """Leave out what the section on red flags has said already."""
    return replace(point, quotes=(), comment="") if point.standing is Standing.AGAINST else point


def _descriptor(result: CriterionResult, rubric: Rubric) -> str:
    """Return the level's descriptor; empty when the rubric has changed and no longer holds it."""
    if result.level is None or result.id not in {criterion.id for criterion in rubric.criteria}:
        return ""
    return one_line(rubric.criterion(result.id).levels[result.level].descriptor)


def _numbers(result: CriterionResult, assessment: Assessment) -> str:
    total = sum(criterion.weight for criterion in assessment.criteria)
    weight = f"counts {words.whole(100 * result.weight / total)} %" if total else ""
    level = f"level {result.level} of {TOP_LEVEL}" if result.level is not None else ""
    return " · ".join(part for part in (level, weight) if part)


def _steps(
    top: Sequence[Improvement], assessment: Assessment, points: Mapping[str, PointView], show_score: bool
) -> tuple[Step, ...]:
    home = {check.id: criterion.title for criterion in assessment.criteria for check in criterion.checks}
    return tuple(
        Step(
            number=place,
            verb=words.step_verb(points[item.check_id].standing if item.check_id in points else Standing.MISSING),
            criterion=one_line(home.get(item.check_id, "")),
            advice=one_line(item.advice),
            gain=words.gain_text(item.gain) if show_score else "",
        )
        for place, item in enumerate(top, 1)
    )
