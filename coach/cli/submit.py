"""``coach submit``: critique one answer."""

from __future__ import annotations

from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.cli.console import err_console, out_console, say
from coach.cli.event_loop import run_to_end
from coach.cli.options import (
    BankOption,
    CalibrationOption,
    JsonOption,
    MethodOption,
    ModelOption,
    NoScoreOption,
    QuietOption,
)
from coach.cli.report_targets import check_writable
from coach.cli.typed_answers import kept_until_done, was_typed
from coach.errors import AnswerUnreadableError

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question
    from coach.calibrate.calibration import Calibration
    from coach.submit.assessment import Assessment
    from coach.submit.open import Settings

EXIT_UNSCORED = 3


def submit_command(
    question_id: Annotated[str, typer.Argument(metavar="ID", help="Question id, number or text.")],
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="The answer: a file, or - for standard input; opens an editor when left out.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    calibration: CalibrationOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    no_score: NoScoreOption = False,
    no_save: Annotated[bool, typer.Option("--no-save", help="Keep nothing of this attempt.")] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Print exactly what would be sent, and send nothing.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write the report as Markdown.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the report as one HTML page.", show_default=False)
    ] = None,
) -> None:
    """Critique one answer: what landed, what is missing, what next."""
    from coach.bank.find import find_question
    from coach.bank.load import load_bank
    from coach.submit.open import Settings

    settings = Settings(model, bank, method)
    settings.check()
    loaded = load_bank(bank)
    question = find_question(loaded, question_id)
    # Whatever can be found wrong now must not wait until somebody has written an answer.
    check_writable(markdown, html)
    mapping = _named_calibration(calibration)
    settings.choose_model()
    text = _read_answer(question, file)
    if file is None and not text:
        say("Cancelled: the answer was empty.")
        return
    if show_prompt:
        from coach.cli.show_prompt import show

        show(settings, loaded, question, text, as_json=as_json)
        return
    with kept_until_done(question.id, text) if was_typed(file) else nullcontext():
        assessment = run_to_end(_assess(settings, loaded, question, text, mapping, quiet or as_json, no_score))
        if not no_save:
            # Before it is shown: a reader that goes away, such as `| head`, must not cost the attempt.
            _save(assessment, loaded, text)
    _print_report(assessment, loaded, question, text, as_json, no_score)
    _write_reports(assessment, loaded, question, text, markdown, html, no_score)
    if assessment.score is None:
        raise typer.Exit(EXIT_UNSCORED)


def _named_calibration(name: str | None) -> Calibration | None:
    if name is None:
        return None
    from coach.calibrate.calibration_files import load_calibration

    return load_calibration(name)


def _read_answer(question: Question, file: str | None) -> str:
    from coach.answer.read import read_answer_file, read_standard_input, write_in_editor

    if file is None:
        return write_in_editor(question)
    text = read_standard_input() if file == "-" else read_answer_file(Path(file))
    if not text.strip():
        name = "standard input" if file == "-" else file
        raise AnswerUnreadableError(f"{name}: the answer is empty", "Write an answer of a few sentences first.")
    return text


async def _assess(
    settings: Settings,
    bank: Bank,
    question: Question,
    text: str,
    calibration: Calibration | None,
    quiet: bool,
    no_score: bool,
) -> Assessment:
    from coach.cli.live_progress import judging_progress, preparing
    from coach.submit.open import open_session, unopened_session

    if _has_nothing_to_judge(bank, question, text):
        return await unopened_session(settings, bank).assessor.assess(question, text)
    console = err_console()
    async with AsyncExitStack() as stack:
        with preparing(console, quiet) as on_progress:
            opened = open_session(settings, bank, on_progress=on_progress)
            session = await stack.enter_async_context(opened)
        with judging_progress(console, bank, question, quiet=quiet, show_score=not no_score) as on_verdict:
            assessment = await session.assessor.assess(question, text, on_verdict)
    if calibration is None:
        return assessment
    from coach.calibrate.score_mapping import apply_calibration

    return apply_calibration(assessment, calibration)


def _has_nothing_to_judge(bank: Bank, question: Question, text: str) -> bool:
    """Return whether the answer gets no score whatever a model says, so that none has to be opened for it."""
    from coach.answer.prepare import prepare_answer

    return prepare_answer(text, question, bank.language).unscored_reason is not None


def _print_report(
    assessment: Assessment, bank: Bank, question: Question, text: str, as_json: bool, no_score: bool
) -> None:
    if as_json:
        typer.echo(assessment.to_json())
        return
    from coach.report.terminal import TerminalReport
    from coach.report.view import build_view

    view = build_view(assessment, question, bank.rubric_of(question), text, show_score=not no_score)
    out_console().print(TerminalReport(view))


def _write_reports(
    assessment: Assessment,
    bank: Bank,
    question: Question,
    text: str,
    markdown: Path | None,
    html: Path | None,
    no_score: bool,
) -> None:
    if markdown is None and html is None:
        return
    from coach.files import write_whole
    from coach.report.html import html_report
    from coach.report.markdown import markdown_report
    from coach.report.view import build_view

    view = build_view(assessment, question, bank.rubric_of(question), text, show_score=not no_score)
    if markdown is not None:
        write_whole(markdown, markdown_report(view))
    if html is not None:
        write_whole(html, html_report(view))


def _save(assessment: Assessment, bank: Bank, text: str) -> None:
    from coach.history.saving import save_or_rescue
    from coach.history.store import HistoryStore

    saved = save_or_rescue(HistoryStore.open, assessment.question_id, text, assessment, bank_title=bank.title)
    if saved.warning:
        say(f"warning: {saved.warning.message}")
