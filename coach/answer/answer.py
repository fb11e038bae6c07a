"""The prepared answer: the text as given and its numbered sentences."""

from __future__ import annotations

from dataclasses import dataclass

from coach.schema import ResultModel


class AssessmentWarning(ResultModel):
    """Something the reader should know about the answer or the judging."""

    code: str
    message: str


@dataclass(frozen=True)
class Sentence:
    """One numbered sentence. ``answer.text[start:end]`` is its verbatim text; ``text`` is the cleaned one."""

    number: int
    start: int
    end: int
    text: str
    #: True when the sentence talks to the grader instead of answering; it is quoted but never judged.
    instruction: bool = False


@dataclass(frozen=True)
class Answer:
    """An answer that is ready to be judged.

    ``text`` is the answer exactly as given. ``unscored_reason`` says why it should not be judged at all.
    """

    text: str
    sentences: tuple[Sentence, ...]
    warnings: tuple[AssessmentWarning, ...] = ()
    unscored_reason: str | None = None

    @property
    def judged_sentences(self) -> tuple[Sentence, ...]:
        """The sentences that a judge may see as the candidate's answer."""
        return tuple(sentence for sentence in self.sentences if not sentence.instruction)

    def quote(self, number: int) -> str:
        """Return the verbatim text of sentence ``number`` (from 1)."""
        sentence = self.sentences[number - 1]
        return self.text[sentence.start : sentence.end]
