"""Sample answers lie beside their bank; a broken file is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from assessment_factory import shipped_bank

from coach.bank.examples import load_exemplars
from coach.bank.questions import Question
from coach.errors import BankError

FILE = """\
question_id: reading-room
exemplars:
  - level: strong
    answer: I keep it quiet.
    met: [quiet]
"""


def bank_with(tmp_path: Path, content: str) -> Path:
    """Return the path of a bank that has this file of exemplars beside it."""
    folder = tmp_path / "examples" / "exemplars"
    folder.mkdir(parents=True)
    (folder / "reading-room.yaml").write_text(content, encoding="utf-8")
    return tmp_path / "questions.yaml"


@pytest.mark.parametrize("question", shipped_bank().questions, ids=lambda question: str(question.id))
def test_every_shipped_question_has_its_exemplars(question: Question) -> None:
    """A strong, a partial and a weak answer, and they name only checks that exist."""
    exemplars = load_exemplars(question.id)
    checks = {check.id for check in shipped_bank().checks_of(question)}

    assert [exemplar.level for exemplar in exemplars] == ["strong", "partial", "weak"]
    assert all({*exemplar.met, *exemplar.partly} <= checks for exemplar in exemplars)


def test_exemplars_lie_beside_their_bank(tmp_path: Path) -> None:
    """Another bank brings its own sample answers."""
    (exemplar,) = load_exemplars("reading-room", bank_with(tmp_path, FILE))

    assert (exemplar.level, exemplar.answer, exemplar.met) == ("strong", "I keep it quiet.", ["quiet"])


def test_a_question_may_have_no_exemplars(tmp_path: Path) -> None:
    """A bank without sample answers is whole."""
    assert load_exemplars("reading-room", tmp_path / "questions.yaml") == []


def test_a_broken_file_names_line_and_field(tmp_path: Path) -> None:
    """The author of a bank reads where to correct it."""
    with pytest.raises(BankError, match=r"reading-room\.yaml:3:.*level"):
        load_exemplars("reading-room", bank_with(tmp_path, FILE.replace("strong", "brilliant")))


def test_a_file_of_another_question_is_refused(tmp_path: Path) -> None:
    """A copied file with the old id inside is not taken for the wrong question."""
    with pytest.raises(BankError, match="is not the file"):
        load_exemplars("reading-room", bank_with(tmp_path, FILE.replace("reading-room", "loans")))
