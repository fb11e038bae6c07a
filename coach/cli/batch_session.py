"""What prepares the answers of a batch beside the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coach.batch.answer_workers import AnswerWorkers
    from coach.submit.assess import AnswerAssessor


def make_workers(assessor: AnswerAssessor, *, embedded: bool) -> AnswerWorkers:
    """Return what prepares answers in processes of their own; beside the embedded model there is no processor left."""
    from coach.batch.answer_workers import AnswerWorkers, usable_processes

    return AnswerWorkers.for_bank(
        assessor.bank,
        assessor.prepare,
        0 if embedded else usable_processes(),
        with_encoder=assessor.detect_instructions is not None,
    )
