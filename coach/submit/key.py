"""The key of a kept result: a versioned hash of everything that changes it and of nothing that does not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from coach.bank.questions import Bank, Question, Rubric
from coach.judge.judging import Judge

#: Raise it when the code computes another result from the same verdicts or prepares answers differently.
RESULT_VERSION = 2


def canonical_sha256(data: Any) -> str:
    """Return the SHA-256 of JSON data, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def answer_sha256(text: str) -> str:
    """Return the SHA-256 of the answer exactly as given."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def rubric_sha256(rubric: Rubric) -> str:
    """Return the SHA-256 of a rubric's content."""
    return canonical_sha256(rubric.model_dump(mode="json"))


def result_key(bank: Bank, question: Question, judge: Judge, answer: str, calibration: str = "") -> str:
    """Return the key of the result for one answer.

    It covers the answer to the letter (a result quotes it by offsets), the question, its rubric, profession and
    language, the judge's method, model, prompts and settings, and the score calibration. It leaves out time, cost,
    names, concurrency and other questions.
    """
    return canonical_sha256(
        {
            "version": RESULT_VERSION,
            "answer": answer_sha256(answer),
            "question": question.model_dump(mode="json"),
            "red_flags": [check.model_dump(mode="json") for check in bank.red_flags],
            "rubric": bank.rubric_of(question).model_dump(mode="json"),
            "profession": bank.profession,
            "language": bank.language,
            "judge": judge.name,
            "model": judge.model,
            "prompts": judge.prompt_version,
            "settings": dict(judge.settings),
            "calibration": calibration,
        }
    )
