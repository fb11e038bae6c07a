"""A monotone mapping from a judge's scores to the user's own marks: fitting it, applying it.

Fitted by centred isotonic regression (Oron & Flournoy 2017, Statistics in Biopharmaceutical Research 9:258): the
isotonic least-squares fit is a staircase, and each of its steps becomes one knot at the mean score of its answers.
Between knots the mapping is a straight line, so two different scores become equal only outside the outer knots.
Both sides are in percent (0-100); a mapped score stands for that percentage of the user's scale.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from coach.answer.answer import AssessmentWarning
from coach.calibrate.calibration import Calibration, Knot
from coach.errors import InputError
from coach.files import require_statistics
from coach.submit.assessment import Assessment

#: Fewer answers than this give a mapping that says more about chance than about the judge.
MIN_ANSWERS = 10
MIN_QUESTIONS = 2

_DIGITS = 4


def halves(questions: Iterable[str], seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the question ids in two random halves: to fit on (the larger one), and to report on."""
    ids = sorted(set(questions))
    random.Random(f"{seed}").shuffle(ids)
    middle = (len(ids) + 1) // 2
    return frozenset(ids[:middle]), frozenset(ids[middle:])


def check_enough(questions: int, answers: int) -> None:
    """Raise InputError when there is too little data to fit a mapping on one half and report on the other."""
    if questions < MIN_QUESTIONS or answers < 2 * MIN_ANSWERS:
        raise InputError(
            f"{answers} answers to {questions} question{'' if questions == 1 else 's'} are too few for a calibration",
            f"At least {2 * MIN_ANSWERS} answers to {MIN_QUESTIONS} questions are needed; run without --save.",
        )


def fit_mapping(scores: Sequence[float], percents: Sequence[float]) -> list[Knot]:
    """Return the knots of the mapping from scores to marks in percent, rising.

    Raises InputError when there are too few answers, or when the marks do not rise with the scores at all.
    """
    require_statistics()
    import numpy as np
    from scipy.optimize import isotonic_regression

    if len(scores) < MIN_ANSWERS:
        raise InputError(
            f"a calibration cannot be fitted on {len(scores)} answers", f"At least {MIN_ANSWERS} are needed."
        )
    x, place, weights = np.unique(np.asarray(scores, dtype=float), return_inverse=True, return_counts=True)
    y = np.bincount(place, weights=np.asarray(percents, dtype=float)) / weights
    fit = isotonic_regression(y, weights=weights)
    knots: list[Knot] = []
    for start, end in zip(fit.blocks[:-1], fit.blocks[1:], strict=True):
        centre = round(float(np.average(x[start:end], weights=weights[start:end])), _DIGITS)
        height = round(min(100.0, max(0.0, float(fit.x[start]))), _DIGITS)
        if not knots or (centre > knots[-1][0] and height > knots[-1][1]):
            knots.append((centre, height))
    if len(knots) < 2:
        raise InputError(
            "the human marks do not rise with the judge's scores, so no calibration can help",
            "Try another model or method.",
        )
    return knots


def map_score(knots: Sequence[Knot], score: float) -> float:
    """Return the mapped score (0-100): linear between knots, the outer knots' values beyond them. Never falls."""
    at = bisect_right(knots, score, key=lambda knot: knot[0])
    if at == 0:
        return knots[0][1]
    if at == len(knots):
        return knots[-1][1]
    (left, low), (right, high) = knots[at - 1], knots[at]
    # Arithmetic must not step over the next knot, or two scores could change their order.
    return min(high, low + (high - low) * (score - left) / (right - left))


def apply_calibration(assessment: Assessment, calibration: Calibration) -> Assessment:
    """Return the assessment with score, interval and gains mapped, and the calibration's name in the receipt.

    Checks, credits and levels stay: they say what the answer shows, not what it is worth to this user. A judge, model
    or prompt that differs from the one the calibration was fitted for gives a warning. An assessment without a score,
    or one that has this calibration already, is returned as it is; one with another calibration is an InputError.
    """
    receipt = assessment.receipt
    if receipt.calibration not in (None, calibration.name):
        raise InputError(
            f"the score was already mapped by the calibration {receipt.calibration!r}", "Judge the answer again."
        )
    if assessment.score is None or receipt.calibration == calibration.name:
        return assessment
    score = assessment.score
    before = map_score(calibration.knots, score)
    gains = [map_score(calibration.knots, min(100.0, score + item.gain)) - before for item in assessment.improvements]
    low, high = assessment.interval or (score, score)
    mapped = (map_score(calibration.knots, low), map_score(calibration.knots, high))
    return assessment.model_copy(
        update={
            "score": round(before, 1),
            "interval": assessment.interval and (round(mapped[0], 1), round(mapped[1], 1)),
            "improvements": [
                item.model_copy(update={"gain": round(gain, 1)})
                for item, gain in zip(assessment.improvements, gains, strict=True)
            ],
            "warnings": [*assessment.warnings, *_mismatches(assessment, calibration)],
            "receipt": receipt.model_copy(update={"calibration": calibration.name}),
        }
    )


def _mismatches(assessment: Assessment, calibration: Calibration) -> list[AssessmentWarning]:
    receipt = assessment.receipt
    pairs = (
        ("method", receipt.judge, calibration.judge),
        ("model", receipt.model, calibration.model),
        ("prompts", receipt.prompt_version, calibration.prompt_version),
    )
    differences = [f"{what} {now} instead of {then}" for what, now, then in pairs if now != then]
    if not differences:
        return []
    message = (
        f"The calibration {calibration.name!r} was made with another judge ({', '.join(differences)}), "
        "so the mapped score may be wrong. Run `coach calibrate --save` again."
    )
    return [AssessmentWarning(code="calibration_mismatch", message=message)]
