"""Agreement of a judge with people, and of people with each other: pooled, per question, and what explains it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from coach.calibrate.calibration import (
    Agreement,
    AgreementViews,
    Disagreement,
    HumanCeiling,
    LabelSummary,
    LengthCorrelation,
    QuestionAgreement,
    ReliabilityBin,
    RepeatSpread,
    Scale,
    ScoredPair,
)
from coach.calibrate.gold import GoldTask, JudgedAnswer
from coach.calibrate.paired_statistics import NAMES, mean_of, paired_statistics, point_statistics, rank_correlation

BINS = 10
WORST = 10
JUDGE, HUMAN = "marks of the judge", "human marks"
RATER_1, RATER_2 = "marks of rater 1", "marks of rater 2"

_Z_95 = 1.96
_DIGITS = 4


@dataclass(frozen=True)
class MarkedAnswer:
    """An answer that the judge scored: ``judge`` is its score (0-100) on the human scale."""

    task: GoldTask
    score: float
    judge: float

    @property
    def human(self) -> float:
        """The human mark."""
        return self.task.row.score

    @property
    def question_id(self) -> str:
        """Id of the question, as the judge saw it."""
        return self.task.question.id


def marked_answers(judged: Iterable[JudgedAnswer], scale: Scale) -> list[MarkedAnswer]:
    """Return the answers that have a score, with the score on the human scale."""
    return [
        MarkedAnswer(answer.task, answer.score, scale.mark_of(answer.score))
        for answer in judged
        if answer.score is not None
    ]


def agreement_of(
    first: Sequence[float], second: Sequence[float], scale: Scale, seed: int, by: tuple[str, str]
) -> Agreement:
    """Return the agreement of two sets of marks of the same answers."""
    return Agreement(**paired_statistics(first, second, scale, seed, by))


def agreement_views(
    first: Sequence[float],
    second: Sequence[float],
    questions: Sequence[str],
    scale: Scale,
    seed: int,
    by: tuple[str, str] = (JUDGE, HUMAN),
) -> AgreementViews:
    """Return the agreement over all answers, and the average of the agreements within each question.

    ``questions`` names the question of each answer. The average leaves out questions in which a figure is undefined;
    its interval resamples questions, because it is about questions that are not in the data.
    """
    places = _places(questions)
    within = [point_statistics(_at(first, place), _at(second, place), scale) for place in places.values()]
    averages = {name: mean_of([values[name] for values in within], "question", seed) for name in NAMES}
    return AgreementViews(pooled=agreement_of(first, second, scale, seed, by), per_question=Agreement(**averages))


def question_agreements(answers: Sequence[MarkedAnswer], scale: Scale) -> list[QuestionAgreement]:
    """Return each question's own figures, in the order of the answers."""
    rows = []
    for question_id, place in _places([answer.question_id for answer in answers]).items():
        own = [answers[index] for index in place]
        judge, human = [answer.judge for answer in own], [answer.human for answer in own]
        rows.append(
            QuestionAgreement(
                question_id=question_id,
                text=own[0].task.question.text,
                n=len(own),
                human_mean=_rounded(fmean(human)),
                judge_mean=_rounded(fmean(judge)),
                **point_statistics(judge, human, scale),
            )
        )
    return rows


def human_ceiling(answers: Sequence[MarkedAnswer], scale: Scale, seed: int) -> HumanCeiling | None:
    """Return how well two raters agree, and the judge with each, on the answers that both marked; None without any."""
    judge, one, two, questions = [], [], [], []
    for answer in answers:
        row = answer.task.row
        if row.rater_1 is not None and row.rater_2 is not None:
            judge.append(answer.judge)
            one.append(row.rater_1)
            two.append(row.rater_2)
            questions.append(answer.question_id)
    if not judge:
        return None
    return HumanCeiling(
        n=len(judge),
        raters=agreement_views(one, two, questions, scale, seed, (RATER_1, RATER_2)),
        judge_rater_1=agreement_views(judge, one, questions, scale, seed, (JUDGE, RATER_1)),
        judge_rater_2=agreement_views(judge, two, questions, scale, seed, (JUDGE, RATER_2)),
    )


def length_correlation(answers: Sequence[MarkedAnswer], seed: int) -> LengthCorrelation:
    """Return how marks go with the number of words: a judge far above people rewards length."""
    words = [float(len(answer.task.row.answer.split())) for answer in answers]
    judge, human = [answer.judge for answer in answers], [answer.human for answer in answers]
    return LengthCorrelation(
        judge=rank_correlation(judge, words, seed, (JUDGE, "lengths")),
        human=rank_correlation(human, words, seed, (HUMAN, "lengths")),
    )


def reliability_curve(answers: Sequence[MarkedAnswer]) -> list[ReliabilityBin]:
    """Return the mean human mark for every tenth of the judge's scale that holds answers."""
    bins: dict[int, list[MarkedAnswer]] = {}
    for answer in answers:
        bins.setdefault(min(BINS - 1, int(answer.score * BINS / 100)), []).append(answer)
    curve = []
    for number, own in sorted(bins.items()):
        human = [answer.human for answer in own]
        curve.append(
            ReliabilityBin(
                low=100 * number / BINS,
                high=100 * (number + 1) / BINS,
                n=len(own),
                judge_mean=_rounded(fmean(answer.judge for answer in own)),
                human_mean=_rounded(fmean(human)),
                human_interval=_mean_interval(human),
            )
        )
    return curve


def label_summaries(answers: Sequence[MarkedAnswer]) -> list[LabelSummary]:
    """Return the mean marks for every label of the data, the highest human mean first."""
    labelled = [answer for answer in answers if answer.task.row.label]
    rows = []
    for label, place in _places([answer.task.row.label or "" for answer in labelled]).items():
        own = [labelled[index] for index in place]
        human, judge = fmean(answer.human for answer in own), fmean(answer.judge for answer in own)
        rows.append(LabelSummary(label=label, n=len(own), human_mean=_rounded(human), judge_mean=_rounded(judge)))
    return sorted(rows, key=lambda row: -row.human_mean)


def worst_disagreements(answers: Sequence[MarkedAnswer]) -> list[Disagreement]:
    """Return the ten answers on which judge and people are farthest apart, the farthest first."""
    farthest = sorted(answers, key=lambda answer: -abs(answer.judge - answer.human))[:WORST]
    return [
        Disagreement(
            id=answer.task.row.row_id,
            source=answer.task.row.source,
            line=answer.task.row.line,
            question_id=answer.question_id,
            question=answer.task.question.text,
            answer=answer.task.row.answer,
            human=answer.human,
            judge=_rounded(answer.judge),
            difference=_rounded(answer.judge - answer.human),
        )
        for answer in farthest
    ]


def scored_pairs(answers: Sequence[MarkedAnswer]) -> list[ScoredPair]:
    """Return every answer's marks, in order."""
    return [
        ScoredPair(
            id=answer.task.row.row_id,
            question_id=answer.question_id,
            human=answer.human,
            judge=_rounded(answer.judge),
            score=answer.score,
        )
        for answer in answers
    ]


def repeat_spread(judged: Iterable[JudgedAnswer], times: int) -> RepeatSpread:
    """Return how much repeated scores of one answer vary: standard deviation (n - 1) and range, in points."""
    complete = [answer.scores for answer in judged if len(answer.scores) == times]
    deviations = [stdev(scores) for scores in complete]
    ranges = [max(scores) - min(scores) for scores in complete]
    return RepeatSpread(
        times=times,
        answers=len(complete),
        mean_sd=_rounded(fmean(deviations)) if deviations else None,
        max_sd=_rounded(max(deviations)) if deviations else None,
        max_range=_rounded(max(ranges)) if ranges else None,
        changed=sum(1 for value in ranges if value > 0),
    )


def _places(names: Sequence[str]) -> Mapping[str, list[int]]:
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        places.setdefault(name, []).append(index)
    return places


def _at(values: Sequence[float], place: Sequence[int]) -> list[float]:
    return [values[index] for index in place]


def _mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    if len(values) < 3:
        return None
    mean, margin = fmean(values), _Z_95 * stdev(values) / math.sqrt(len(values))
    return _rounded(mean - margin), _rounded(mean + margin)


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
