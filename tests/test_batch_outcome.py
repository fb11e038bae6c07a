"""Tests of coach.batch.batch_outcome."""

from __future__ import annotations

from assessment_factory import ANSWER, dicom_assessment, dicom_question, unscored_assessment
from batch_factory import answer_row

from coach.answer.prepare import prepare_answer
from coach.batch.batch_outcome import failure_reason, for_same_answer, record_of
from coach.submit.key import answer_sha256


def test_only_a_reply_of_no_use_is_a_failure() -> None:
    """A score and an answer that must not be judged are clean results; unjudged checks alone are not."""
    refused = unscored_assessment("the model declined", unscored_reason="None of the checks could be judged.")

    assert failure_reason(dicom_assessment()) is None
    assert failure_reason(unscored_assessment("The answer is empty.")) is None
    assert failure_reason(refused) == "the model declined"


def test_a_failed_row_keeps_what_the_attempt_cost() -> None:
    """The record of a failure has its reason and the assessment with its receipt."""
    record = record_of(answer_row(1), "key", dicom_assessment(), "it broke")

    assert (record.status, record.reason) == ("failed", "it broke")
    assert record.assessment is not None


def test_quotes_are_moved_to_where_they_stand() -> None:
    """For the same answer with other white space every quote lies in the new text, and nothing is charged."""
    text = "\n\n" + ANSWER.replace(" ", "  ")
    answer = prepare_answer(text, dicom_question(), "en")
    moved = for_same_answer(dicom_assessment(), answer, answer_sha256(text))

    assert moved is not None
    quotes = [item for check in moved.check_results() for item in check.evidence]
    assert quotes
    assert all(text[item.start : item.end] == item.quote for item in quotes)
    assert moved.answer_sha256 == answer_sha256(text)
    assert (moved.receipt.input_tokens, moved.receipt.output_tokens, moved.receipt.cost_usd) == (0, 0, 0.0)
    assert moved.score == dicom_assessment().score


def test_another_answer_gets_no_quotes() -> None:
    """When the sentences are not the same the assessment does not fit."""
    answer = prepare_answer("One thing. Another thing.", dicom_question(), "en")

    assert for_same_answer(dicom_assessment(), answer, "hash") is None
