"""Realistic assessments of a typed answer to the shipped question ``dicom-standard``, for tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from coach.bank.load import load_bank
from coach.bank.questions import Bank, Check, Question, Rubric
from coach.judge.judging import Verdict
from coach.submit.assessment import Assessment, CheckResult, CriterionResult, Evidence, Improvement, Receipt
from coach.submit.scoring import SCORING_RULE

SENTENCES = (
    "DICOM stands for Digital Imaging and Communications in Medicine.",
    "It defines the file, with a header that holds patient name, patient ID and study date next to the pixels,\n"
    "and it also defines how devices send images to each other over the network.",
    "A CT, for example, sends its images to the PACS with C-STORE.",
    "Because all vendors follow it, we could buy the MR from one company and the archive from another.",
    "Any two DICOM devices work together at once, so there is nothing to configure or to test.",
    "In my current job I have added three ultrasound units to our PACS.",
    "I enter the AE title, the IP address and the port on both sides.",
    "The radiologists need the old study next to the new one.",
)
#: The sentences as typed: hard-wrapped lines, two paragraphs.
ANSWER = (
    f"{SENTENCES[0]} {SENTENCES[1]} {SENTENCES[2]}\n{SENTENCES[3]} {SENTENCES[4]}\n\n"
    f"{SENTENCES[5]} {SENTENCES[6]}\n{SENTENCES[7]}\n"
)

#: check id -> verdict, probability, numbers of the sentences that show it.
VERDICTS: Mapping[str, tuple[Verdict, float | None, tuple[int, ...]]] = {
    "file-and-network": (Verdict.MET, 0.94, (2,)),
    "transfer-services": (Verdict.MET, 0.88, (3,)),
    "header-tags": (Verdict.MET, 0.81, (2,)),
    "association-negotiation": (Verdict.NOT_MET, 0.07, ()),
    "only-a-file-format": (Verdict.NOT_MET, 0.04, ()),
    "vendor-independence": (Verdict.MET, 0.91, (4,)),
    "conformance-statement": (Verdict.NOT_MET, 0.11, ()),
    "device-configuration": (Verdict.PARTLY, 0.53, (7,)),
    "modality-worklist": (Verdict.NOT_MET, 0.03, ()),
    "guaranteed-plug-and-play": (Verdict.MET, 0.86, (5,)),
    "clinical-relevance": (Verdict.PARTLY, 0.47, (8,)),
    "own-example": (Verdict.MET, 0.77, (6, 7)),
    "result-stated": (Verdict.UNJUDGED, None, ()),
}
#: criterion id -> level, credit.
MARKS: Mapping[str, tuple[int, float]] = {
    "concepts": (3, 0.7379),
    "application": (2, 0.4143),
    "experience": (3, 0.6875),
}
GAINS = {
    "guaranteed-plug-and-play": 9.41,
    "modality-worklist": 6.73,
    "association-negotiation": 5.82,
    "conformance-statement": 4.17,
}
#: check id -> statement and advice, whatever the shipped bank says today: a report is looked at once, then compared.
WORDING: Mapping[str, Mapping[str, str]] = json.loads(
    (Path(__file__).resolve().parent / "data" / "check_wording.json").read_text(encoding="utf-8")
)
UNJUDGED_REASON = "the model's reply could not be read"


@lru_cache(maxsize=1)
def shipped_bank() -> Bank:
    """Return the shipped bank, loaded once."""
    return load_bank()


@lru_cache(maxsize=1)
def dicom_bank() -> Bank:
    """Return a bank with nothing but the question and the checks that VERDICTS are about."""
    rubric = dicom_rubric()
    return shipped_bank().model_copy(
        update={"questions": [dicom_question()], "rubrics": {rubric.id: rubric}, "red_flags": []}
    )


def dicom_question() -> Question:
    """Return the question ``dicom-standard`` with the checks that VERDICTS are about."""
    question = next(question for question in shipped_bank().questions if question.id == "dicom-standard")
    return question.model_copy(update={"checks": _kept(question.checks)})


def dicom_rubric() -> Rubric:
    """Return the rubric of ``dicom-standard`` with the checks of VERDICTS, all of which it takes to be full."""
    rubric = shipped_bank().rubric_of(dicom_question())
    return rubric.model_copy(
        update={
            "criteria": [criterion.model_copy(update={"enough": 1.0}) for criterion in rubric.criteria],
            "checks": _kept(rubric.checks),
        }
    )


def _kept(checks: Sequence[Check]) -> list[Check]:
    """Return the checks that VERDICTS are about, in the words of this module."""
    return [check.model_copy(update=dict(WORDING[check.id])) for check in checks if check.id in VERDICTS]


def evidence(sentence: int, answer: str = ANSWER) -> Evidence:
    """Return sentence ``sentence`` (from 1) of the answer as evidence."""
    quote = SENTENCES[sentence - 1]
    start = answer.index(quote)
    return Evidence(sentence=sentence, start=start, end=start + len(quote), quote=quote)


def dicom_assessment(**changes: Any) -> Assessment:
    """Return the assessment of ANSWER; ``changes`` replace fields of it.

    Five points met, two partly, three missing, one unjudged, one red flag raised; score 61, likely 52 to 69.
    """
    data: dict[str, Any] = {
        "question_id": "dicom-standard",
        "answer_sha256": hashlib.sha256(ANSWER.encode()).hexdigest(),
        "score": 61.21,
        "interval": (52.24, 69.29),
        "unscored_reason": None,
        "needs_review": True,
        "review_reasons": ["One check could not be judged."],
        "criteria": criteria(),
        "strengths": [
            check.statement for check in _checks() if check.id in ("file-and-network", "vendor-independence")
        ],
        "improvements": [
            Improvement(check_id=check.id, advice=check.advice, gain=GAINS[check.id])
            for check in sorted(_checks(), key=lambda check: -GAINS.get(check.id, 0))
            if check.id in GAINS
        ],
        "follow_up": dicom_question().follow_ups[0],
        "outline": None,
        "warnings": [],
        "receipt": receipt(),
    }
    return Assessment(**{**data, **changes})


def with_bank_flag() -> Assessment:
    """Return the assessment with the red flag of the question as one that holds for the whole bank."""
    assessment = dicom_assessment()
    for criterion in assessment.criteria:
        flags = [check for check in criterion.checks if check.kind == "red_flag" and check.evidence]
        criterion.checks = [check for check in criterion.checks if check not in flags]
        assessment.red_flags += flags
    assert assessment.red_flags
    return assessment


def unscored_assessment(reason: str, **changes: Any) -> Assessment:
    """Return what an answer that must not be judged gets: no score, every check unjudged for this reason."""
    unjudged = [
        criterion.model_copy(
            update={
                "level": None,
                "level_title": None,
                "credit": None,
                "checks": [_unjudged(check, reason) for check in criterion.checks],
            }
        )
        for criterion in criteria()
    ]
    data: dict[str, Any] = {
        "score": None,
        "interval": None,
        "unscored_reason": reason,
        "needs_review": False,
        "review_reasons": [],
        "criteria": unjudged,
        "strengths": [],
        "improvements": [],
        "receipt": receipt(input_tokens=0, cached_tokens=0, output_tokens=0, seconds=0.0),
    }
    return dicom_assessment(**{**data, **changes})


def criteria(verdicts: Mapping[str, tuple[Verdict, float | None, tuple[int, ...]]] = VERDICTS) -> list[CriterionResult]:
    """Return the criteria with these verdicts and the marks of MARKS."""
    rubric = dicom_rubric()
    return [
        CriterionResult(
            id=criterion.id,
            title=criterion.title,
            weight=criterion.weight,
            level=MARKS[criterion.id][0],
            level_title=criterion.levels[MARKS[criterion.id][0]].title,
            credit=MARKS[criterion.id][1],
            checks=[_result(check, *verdicts[check.id]) for check in _checks() if check.criterion == criterion.id],
        )
        for criterion in rubric.criteria
    ]


def receipt(**changes: Any) -> Receipt:
    """Return the receipt of a run on the own machine."""
    data: dict[str, Any] = {
        "judge": "logprobs",
        "model": "qwen2.5-coder-1.5b-instruct-q4_k_m",
        "endpoint": "http://127.0.0.1:8080/v1",
        "prompt_version": "1-3f9a2c",
        "bank_sha256": shipped_bank().sha256,
        "rubric_sha256": hashlib.sha256(dicom_rubric().model_dump_json().encode()).hexdigest(),
        "coach_version": "0.1.0",
        "created_at": "2026-11-24T03:40:12+00:00",
        "input_tokens": 1234,
        "cached_tokens": 900,
        "output_tokens": 14,
        "cost_usd": 0.0,
        "seconds": 6.2,
        "scoring_rule": SCORING_RULE,
    }
    return Receipt(**{**data, **changes})


def _checks() -> list[Check]:
    order = [criterion.id for criterion in dicom_rubric().criteria]
    return sorted([*dicom_question().checks, *dicom_rubric().checks], key=lambda check: order.index(check.criterion))


def _result(check: Check, verdict: Verdict, probability: float | None, sentences: tuple[int, ...]) -> CheckResult:
    return CheckResult(
        id=check.id,
        kind=check.kind,
        statement=check.statement,
        verdict=verdict,
        probability=probability,
        evidence=[evidence(number) for number in sentences],
        comment=UNJUDGED_REASON if verdict is Verdict.UNJUDGED else None,
    )


def _unjudged(check: CheckResult, reason: str) -> CheckResult:
    return check.model_copy(
        update={"verdict": Verdict.UNJUDGED, "probability": None, "evidence": [], "comment": reason}
    )
