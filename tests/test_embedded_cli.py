"""The embedded model for real: no key, no network, the same assessment each time, every quote verbatim."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coach.cli.checkup import Checkup
from coach.model.embedded_file import embedded_model_installed
from coach.model.encoder import encoder_installed
from coach.submit.assessment import Assessment

pytestmark = pytest.mark.skipif(
    not (embedded_model_installed() and encoder_installed()), reason="needs the local extra"
)

ROOT = Path(__file__).resolve().parent.parent
ANSWER = ROOT / "examples" / "answers" / "dicom-standard.md"
#: What may differ between two runs: when it was, and how long it took.
VARYING = ("created_at", "seconds")
#: Reached only when something hangs.
PATIENCE = 600.0


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, in a folder where nothing of the project lies."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    command = [sys.executable, "-c", "from coach.cli.app import main; main()", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def without_what_varies(text: str) -> str:
    """Return an assessment's JSON without time and date."""
    document: dict[str, Any] = json.loads(text)
    for name in VARYING:
        assert document["receipt"].pop(name)
    return json.dumps(document)


def test_the_same_answer_twice_is_the_same_assessment_byte_for_byte(tmp_path: Path) -> None:
    """Only time and date differ; every quote stands in the answer where it says; the answer stayed here, for free."""
    arguments = ("submit", "dicom-standard", str(ANSWER), "--model", "local", "--json")
    first, second = run(tmp_path, *arguments), run(tmp_path, *arguments)

    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stderr) == (0, "")
    assert without_what_varies(first.stdout) == without_what_varies(second.stdout)
    assessment = Assessment.model_validate_json(first.stdout)
    assert assessment.score is not None
    answer = ANSWER.read_text(encoding="utf-8")
    quotes = [quote for check in assessment.check_results() for quote in check.evidence]
    assert quotes
    assert all(answer[quote.start : quote.end] == quote.quote for quote in quotes)
    assert (assessment.receipt.endpoint, assessment.receipt.cost_usd) == ("http://127.0.0.1/v1", 0.0)


def test_doctor_grades_example_answers_and_finds_nothing_wrong(tmp_path: Path) -> None:
    """The check-up ends well; the strong example got more than the weak one."""
    result = run(tmp_path, "doctor", "--model", "local", "--json")

    assert (result.returncode, result.stderr) == (0, "")
    states = {finding.name: finding.state for finding in Checkup.model_validate_json(result.stdout).findings}
    assert states["grading"] == "ok"
    assert set(states.values()) == {"ok"}
