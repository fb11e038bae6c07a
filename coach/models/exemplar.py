"""Sample answers with a known level (the files under ``examples/exemplars``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from coach.models.bank import Identifier, Text
from coach.models.base import StrictModel

Level = Literal["strong", "partial", "weak"]


class Exemplar(StrictModel):
    """One sample answer, with the checks that it meets or partly meets."""

    level: Level
    answer: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    flaw: Text | None = Field(default=None, description="What is wrong with a weak answer.")
    met: list[Identifier] = Field(default_factory=list)
    partly: list[Identifier] = Field(default_factory=list)


class ExemplarFile(StrictModel):
    """The sample answers to one question."""

    question_id: Identifier
    exemplars: Annotated[list[Exemplar], Field(min_length=1)]
