"""The embedded model for real: no key, no network, the same assessment each time, every quote verbatim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from batch_harness import write_bank
from coach_command import coach

from coach.cli.checkup import Checkup
from coach.model.embedded_server import EmbeddedServer, Endpoint
from coach.submit.assessment import Assessment

ANSWER = (
    "Last year the archive stopped at night. I looked at the log of the receiver first. "
    "Then I sent the images again and checked that every study had arrived."
)
#: What may differ between two runs: when it was, how long it took, and the tokens for what the first one looked up.
VARYING = ("created_at", "seconds", "input_tokens", "cached_tokens", "output_tokens")


class _Shared:
    """The shared server, which nobody but the session ends."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server, self.model = server, server.model

    async def ready(self) -> Endpoint:
        return await self._server.ready()

    def close(self) -> None:
        pass


def without_what_varies(text: str) -> str:
    """Return an assessment's JSON without time, date and tokens."""
    document: dict[str, Any] = json.loads(text)
    for name in VARYING:
        del document["receipt"][name]
    return json.dumps(document)


@pytest.fixture
def bank(embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a small bank, for commands that ask the shared server."""
    monkeypatch.setattr(EmbeddedServer, "start", lambda file: _Shared(embedded_server))
    return write_bank(tmp_path / "bank")


def test_the_same_answer_twice_is_the_same_assessment_byte_for_byte(
    bank: Path, embedded_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every quote stands in the answer where it says, and the answer stayed here, for free."""
    (tmp_path / "answer.md").write_text(ANSWER, encoding="utf-8")
    arguments = ("submit", "1", tmp_path / "answer.md", "--model", embedded_model, "--bank", bank, "--json")
    monkeypatch.setenv("COACH_CACHE_DIR", str(tmp_path / "cache"))

    first, second = coach(*arguments), coach(*arguments)

    assert (first.code, first.err) == (0, "")
    assert (second.code, second.err) == (0, "")
    assert without_what_varies(first.out) == without_what_varies(second.out)
    assessment = Assessment.model_validate_json(first.out)
    quotes = [quote for check in assessment.check_results() for quote in check.evidence]
    assert assessment.score is not None
    assert quotes
    assert all(ANSWER[quote.start : quote.end] == quote.quote for quote in quotes)
    assert (assessment.receipt.endpoint, assessment.receipt.cost_usd) == ("http://127.0.0.1/v1", 0.0)


def test_doctor_grades_example_answers_and_finds_nothing_wrong(bank: Path) -> None:
    """The check-up ends well; the strong example got more than the weak one."""
    samples = bank.parent / "examples" / "exemplars" / "question-1.yaml"
    samples.parent.mkdir(parents=True)
    weak = "I am a very good team player and always give my best for all the people that I work with."
    exemplars = [{"level": "strong", "answer": ANSWER}, {"level": "weak", "answer": weak}]
    samples.write_text(json.dumps({"question_id": "question-1", "exemplars": exemplars}), encoding="utf-8")

    result = coach("doctor", "--model", "local", "--bank", bank, "--json")

    assert (result.code, result.err) == (0, "")
    states = {finding.name: finding.state for finding in Checkup.model_validate_json(result.out).findings}
    assert states["grading"] == "ok"
    assert set(states.values()) == {"ok"}
