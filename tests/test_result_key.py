"""The key of a kept result changes with everything that changes the result, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from assessment_factory import ANSWER, dicom_question, dicom_rubric, shipped_bank
from hypothesis import given
from hypothesis import strategies as st
from scripted_judge import ScriptedJudge

from coach.bank.questions import Bank
from coach.submit import key as module
from coach.submit.key import answer_sha256, canonical_sha256, result_key, rubric_sha256

JUDGE = ScriptedJudge(lambda task, check: 0.5)


def key(bank: Bank | None = None, judge: ScriptedJudge = JUDGE, answer: str = ANSWER, calibration: str = "") -> str:
    """Return the key for the question ``dicom-standard`` of a bank."""
    bank = bank or shipped_bank()
    question = next(question for question in bank.questions if question.id == "dicom-standard")
    return result_key(bank, question, judge, answer, calibration)


def changed_bank(**changes: Any) -> Bank:
    """Return the shipped bank with other values."""
    return shipped_bank().model_copy(update=changes)


def bank_with_question(**changes: Any) -> Bank:
    """Return the shipped bank with other values of ``dicom-standard``."""
    first = dicom_question().model_copy(update=changes)
    return changed_bank(questions=[first, *shipped_bank().questions[1:]])


def bank_with_rubric(rubric_id: str, **changes: Any) -> Bank:
    """Return the shipped bank with other values of a rubric."""
    rubrics = shipped_bank().rubrics
    return changed_bank(rubrics={**rubrics, rubric_id: rubrics[rubric_id].model_copy(update=changes)})


def test_whatever_changes_the_result_changes_the_key() -> None:
    """Answer, question, checks, rubric, profession, language, judge, prompts, settings and calibration count."""
    checks = dicom_question().checks
    keys = [
        key(),
        key(answer=ANSWER + "."),
        key(answer=ANSWER.replace("\n", "\r\n")),
        key(bank_with_question(text="Something else?")),
        key(bank_with_question(rationale="Another reason.")),
        key(bank_with_question(checks=checks[:-1])),
        key(bank_with_question(checks=[checks[0].model_copy(update={"weight": 0.7}), *checks[1:]])),
        key(bank_with_question(checks=[checks[0].model_copy(update={"advice": "Other advice."}), *checks[1:]])),
        key(bank_with_rubric(dicom_rubric().id, checks=[])),
        key(changed_bank(profession="librarian")),
        key(changed_bank(language="de")),
        key(judge=replace(JUDGE, name="structured")),
        key(judge=replace(JUDGE, model="another-model")),
        key(judge=replace(JUDGE, prompt_version="2+test")),
        key(judge=replace(JUDGE, settings={"similarity": "lexical"})),
        key(calibration="team-2026"),
    ]

    assert len(set(keys)) == len(keys)


def test_whatever_does_not_change_the_result_keeps_the_key() -> None:
    """Other questions, other rubrics, the bank's title and the endpoint's address do not count."""
    others = [question for question in shipped_bank().questions if question.id == "dicom-standard"]
    rubric = next(name for name in shipped_bank().rubrics if name != dicom_rubric().id)

    assert {
        key(changed_bank(title="Another title")),
        key(changed_bank(questions=others)),
        key(changed_bank(sha256="0" * 64)),
        key(bank_with_rubric(rubric, title="Other")),
        key(judge=replace(JUDGE, endpoint="http://127.0.0.1:9/v1")),
        key(judge=replace(JUDGE, settings={"b": "2", "a": "1"})),
    } == {key(), key(judge=replace(JUDGE, settings={"a": "1", "b": "2"}))}


def test_a_new_version_of_the_code_makes_all_keys_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raising RESULT_VERSION leaves no old result in use."""
    before = key()
    monkeypatch.setattr(module, "RESULT_VERSION", module.RESULT_VERSION + 1)

    assert key() != before


@given(st.text(st.characters(codec=None, exclude_categories=[])))
def test_any_answer_has_a_key(text: str) -> None:
    """Lone surrogates, which UTF-8 cannot hold, do not make the hash fail."""
    assert len(answer_sha256(text)) == 64
    assert canonical_sha256({"answer": text}) == canonical_sha256({"answer": text})


def test_known_hashes() -> None:
    """The hash of an answer is the SHA-256 of its UTF-8 bytes; a rubric's hash ignores the order of keys."""
    assert answer_sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert canonical_sha256({"a": 1, "b": 2}) == canonical_sha256({"b": 2, "a": 1})
    assert rubric_sha256(dicom_rubric()) == rubric_sha256(dicom_rubric().model_copy())
    assert rubric_sha256(dicom_rubric()) != rubric_sha256(dicom_rubric().model_copy(update={"title": "Other"}))
