"""Taking over the result of an answer that is equal but for white space."""

from __future__ import annotations

from coach.batch.batch_outcome import for_same_answer, record_of
from coach.batch.options import Results, SameAnswersIndex
from coach.batch.row_keys import RowKey
from coach.batch.rows import AnswerRow, JournalRecord
from coach.submit.assess import AnswerAssessor
from coach.submit.key import answer_sha256


def copy_of(
    row: AnswerRow, keys: RowKey, assessor: AnswerAssessor, results: Results, same: SameAnswersIndex
) -> JournalRecord | None:
    """Return a record for the row that takes over a known result and says so; None when there is none that fits.

    It is not appended yet. Raises StorageError.
    """
    found = results.by_key(same.key_of(keys.same) or keys.key)
    if found is None or found.assessment is None:
        return None
    question = next(question for question in assessor.bank.questions if question.id == row.question_id)
    answer = assessor.prepare(question, row.answer)
    assessment = for_same_answer(found.assessment, answer, answer_sha256(answer.text))
    if assessment is None:
        return None
    return record_of(row, keys.key, assessment, None, found.same_as or found.row_id)
