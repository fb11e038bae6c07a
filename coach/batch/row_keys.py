"""Result keys for many answers: what does not change within a run is hashed once per question."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from coach.bank.questions import Bank, Question
from coach.judge.judging import Judge
from coach.submit.key import result_key


@dataclass(frozen=True)
class RowKey:
    """``key`` names the result of an answer to the letter, ``same`` that of all answers equal but for white space."""

    key: str
    same: str


class RowKeys:
    """Gives the keys of an answer's result.

    They are hashes of the question's result key (of an empty answer) and the answer, so they change with everything
    that changes a result and with nothing else. ``calibration`` is the hash of the score calibration.
    """

    def __init__(self, bank: Bank, judge: Judge, calibration: str = "") -> None:
        self._bank = bank
        self._judge = judge
        self._calibration = calibration
        self._of_question: dict[str, bytes] = {}

    def of(self, question: Question, answer: str) -> RowKey:
        """Return the keys of the result for this answer to this question."""
        start = self._of_question.get(question.id)
        if start is None:
            start = result_key(self._bank, question, self._judge, "", self._calibration).encode()
            self._of_question[question.id] = start
        return RowKey(_hash(start, answer), _hash(start + b" same ", normalised_answer(answer)))


def normalised_answer(text: str) -> str:
    """Return the answer with line ends, outer and repeated white space made the same."""
    lines = (" ".join(line.split()) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return "\n".join(lines).strip()


def _hash(start: bytes, answer: str) -> str:
    return hashlib.sha256(start + answer.encode("utf-8", "surrogatepass")).hexdigest()
