"""Questions, rubrics and the bank that joins them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from coach.schema import StrictModel

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
_Weight = Annotated[float, Field(gt=0, le=10)]

TOP_LEVEL = 4
#: Stands in place of a criterion where a red flag holds for the whole bank.
WHOLE_ANSWER = "whole-answer"


class Check(StrictModel):
    """One observable thing that an answer does or does not do."""

    id: Identifier
    criterion: Identifier = Field(
        default=WHOLE_ANSWER, description="Id of the rubric's criterion that this check counts for; none in red_flags."
    )
    kind: Literal["point", "red_flag"] = Field(description="A point earns credit; a red flag costs credit.")
    statement: Text = Field(description="One statement, starting with a verb in the third person.")
    advice: Text = Field(description="What to add, how, with a short example; addressed to the candidate.")
    examples: list[Text] = Field(
        default_factory=list, description="Sentences that meet the check, each from another angle (optional)."
    )
    counter_examples: list[Text] = Field(
        default_factory=list, description="Sentences that sound close but do not meet it (optional)."
    )
    needs_event: bool = Field(
        default=False, description="True where only an answer that tells of something that happened can meet it."
    )
    harm: bool = Field(
        default=False,
        description="True for a red flag that endangers patients, data or privacy: the score stays below half.",
    )
    source: Text = Field(
        default="practice",
        description="Where it can be looked up: a URL, or a document with section and edition; else practice.",
    )
    alternative_to: list[Identifier] = Field(
        default_factory=list,
        description="Other checks in whose place this point stands; advice is given on one of them.",
    )
    weight: _Weight = Field(default=1.0, description="Importance beside the other checks of its criterion.")


class Level(StrictModel):
    """One performance level of a criterion."""

    level: Annotated[int, Field(ge=0, le=TOP_LEVEL)]
    title: Text
    descriptor: Text


class Criterion(StrictModel):
    """One dimension of a rubric, with five levels from 0 (not shown) to 4."""

    id: Identifier
    title: Text
    weight: _Weight
    enough: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="Share of its points' weight at which the criterion is full: nobody names every point."
    )
    levels: Annotated[list[Level], Field(min_length=TOP_LEVEL + 1, max_length=TOP_LEVEL + 1)]

    @model_validator(mode="after")
    def _levels_are_ordered(self) -> Self:
        if [level.level for level in self.levels] != list(range(TOP_LEVEL + 1)):
            raise ValueError("levels must be numbered 0, 1, 2, 3, 4 in this order")
        return self


class Rubric(StrictModel):
    """How answers to one kind of question are judged."""

    id: Identifier
    title: Text
    description: Text
    criteria: Annotated[list[Criterion], Field(min_length=1, max_length=12)]
    checks: list[Check] = Field(default_factory=list, description="Checks that hold for every question of this kind.")

    def criterion(self, criterion_id: str) -> Criterion:
        """Return the criterion with this id; raises KeyError when there is none."""
        for criterion in self.criteria:
            if criterion.id == criterion_id:
                return criterion
        raise KeyError(criterion_id)


class Question(StrictModel):
    """One interview question with what a good answer shows."""

    id: Identifier
    number: Annotated[int, Field(ge=1)]
    category: Identifier
    text: Text
    asked_as: list[Text] = Field(default_factory=list, description="Other wordings that interviewers use.")
    rationale: Text = Field(description="Why interviewers ask it.")
    rubric: Identifier = Field(description="Id of the rubric; its file lies in rubrics/<id>.yaml.")
    checks: Annotated[list[Check], Field(min_length=1, max_length=30)]
    follow_ups: list[Text] = Field(default_factory=list)
    min_words: Annotated[int, Field(ge=1, le=200)] = Field(
        default=8, description="Shorter answers are not scored; 1 where the right answer may be a single word."
    )
    sources: list[Text] = Field(default_factory=list, description="Where technical statements can be looked up.")


class QuestionFile(StrictModel):
    """The content of one ``questions.yaml``."""

    title: Text
    profession: Text
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "en"
    red_flags: list[Check] = Field(default_factory=list, description="Red flags that hold for every question.")
    questions: Annotated[list[Question], Field(min_length=1)]


class Bank(StrictModel):
    """A loaded question bank: the questions and every rubric they use."""

    title: Text
    profession: Text
    language: str
    red_flags: list[Check] = Field(default_factory=list)
    questions: list[Question]
    rubrics: dict[str, Rubric]
    sha256: str = Field(description="Hash of the question file's content.")

    def by_id(self) -> dict[str, Question]:
        """Return the questions by their ids."""
        return {question.id: question for question in self.questions}

    def rubric_of(self, question: Question) -> Rubric:
        """Return the rubric that this question is judged by."""
        return self.rubrics[question.rubric]

    def checks_of(self, question: Question) -> list[Check]:
        """Return all checks of a question in the order of the criteria: its own, the rubric's, last the bank's."""
        rubric = self.rubric_of(question)
        order = [*(criterion.id for criterion in rubric.criteria), WHOLE_ANSWER]
        checks = [*question.checks, *rubric.checks, *self.red_flags]
        return sorted(checks, key=lambda check: order.index(check.criterion))
