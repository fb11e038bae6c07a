"""A monotone mapping from a judge's scores to the user's own marks: fitting it, keeping it under a name, applying it.

Fitted by centred isotonic regression (Oron & Flournoy 2017, Statistics in Biopharmaceutical Research 9:258): the
isotonic least-squares fit is a staircase, and each of its steps becomes one knot at the mean score of its answers.
Between knots the mapping is a straight line, so two different scores become equal only outside the outer knots.
Both sides are in percent (0-100); a mapped score stands for that percentage of the user's scale.

A kept calibration is one JSON file in the user's data directory, readable by its user only.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from coach.answer.answer import AssessmentWarning
from coach.calibrate.result import Calibration, Knot
from coach.errors import InputError, StorageError
from coach.files import data_directory, require_statistics, write_whole
from coach.schema import first_problem
from coach.submit.assessment import Assessment

#: Fewer answers than this give a mapping that says more about chance than about the judge.
MIN_ANSWERS = 10
MIN_QUESTIONS = 2

_DIGITS = 4
#: What must be the same of a judge when a calibration is made and when it is applied, and its field.
_COMPARED = (
    ("method", "judge"),
    ("model", "model"),
    ("prompts", "prompt_version"),
    ("scoring rule", "scoring_rule"),
)
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_MAX_NAME = 60
#: Names that Windows keeps for devices, whatever follows the dot.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")


def fit_half(questions: Iterable[str], seed: int) -> frozenset[str]:
    """Return a random half of the question ids (the larger one) to fit on; the report is on the others."""
    ids = sorted(set(questions))
    random.Random(f"{seed}").shuffle(ids)
    return frozenset(ids[: (len(ids) + 1) // 2])


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
    knots, score = calibration.knots, assessment.score
    before = map_score(knots, score)
    gains = [map_score(knots, min(100.0, score + item.gain)) - before for item in assessment.improvements]
    return assessment.model_copy(
        update={
            "score": round(before, 1),
            "interval": assessment.interval and tuple(round(map_score(knots, end), 1) for end in assessment.interval),
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
    differences = [
        f"{what} {now} instead of {then}"
        for what, field in _COMPARED
        if (now := getattr(receipt, field)) != (then := getattr(calibration, field))
    ]
    if not differences:
        return []
    message = (
        f"The calibration {calibration.name!r} was made with another judge ({', '.join(differences)}), "
        "so the mapped score may be wrong. Run `coach calibrate --save` again."
    )
    return [AssessmentWarning(code="calibration_mismatch", message=message)]


def check_name(name: str) -> str:
    """Return the name; raises InputError unless it can be a file's name everywhere."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise InputError(
            f"{name[:_MAX_NAME]!r} cannot be the name of a calibration",
            "Use small letters, digits, and single dots, hyphens or underscores between them, such as marks-2026.",
        )
    return name


def save_calibration(calibration: Calibration) -> Path:
    """Keep a calibration under its name, in place of an older one, and return its file (mode 0600).

    Raises InputError for a bad name, StorageError when it cannot be written.
    """
    path = _path(calibration.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _failed(path.parent, "made", error) from error
    write_whole(path, calibration.to_json() + "\n")
    return path


def load_calibration(name: str) -> Calibration:
    """Return the calibration of this name.

    Raises InputError that lists the known names when there is none, or when the file is damaged; StorageError when it
    cannot be read.
    """
    path = _path(name)
    try:
        return Calibration.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.json")))
        raise InputError(
            f"there is no calibration {name!r}",
            f"Known: {known}." if known else "Make one with: coach calibrate GOLD --save NAME",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _failed(path, "read", error) from error
    except ValidationError as error:
        hint = "Make it again with: coach calibrate GOLD --save NAME"
        raise InputError(f"{path}: not a calibration ({first_problem(error)})", hint) from None


def _path(name: str) -> Path:
    return data_directory() / "calibrations" / f"{check_name(name)}.json"


def _failed(path: Path, action: str, error: OSError | UnicodeDecodeError) -> StorageError:
    why = error.strerror if isinstance(error, OSError) else "not UTF-8"
    return StorageError(f"{path}: cannot be {action} ({why or error})", "Check its permissions and the disk.")
