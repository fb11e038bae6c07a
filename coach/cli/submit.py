"""``coach submit``: critique one answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.cli.console import say
from coach.cli.options import (
    BankOption,
    CalibrationOption,
    HtmlOption,
    JsonOption,
    MarkdownOption,
    MethodOption,
    ModelOption,
    NoScoreOption,
    QuietOption,
    ReportOptions,
)
from coach.errors import AnswerUnreadableError, CoachError, StorageError

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question
    from coach.submit.assessment import Assessment
    from coach.submit.open import Settings

EXIT_UNSCORED = 3
_ASSUMED = (
    "Before that, two short requests without a word of the answer find out what the server can do. Where it gives no "
    "log-probabilities, the other method is used: see its prompt with --method structured."
)


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
    markdown: MarkdownOption = None,
    html: HtmlOption = None,
) -> None:
    """Critique one answer: what landed, what is missing, what next."""
    import asyncio

    from coach.bank.find import find_question
    from coach.bank.load import load_bank
    from coach.cli.options import calibration_of
    from coach.history.saving import save_or_rescue
    from coach.history.store import HistoryStore
    from coach.report.assessment import assessment_document
    from coach.submit.open import Settings

    settings = Settings(model, bank, method)
    settings.check()
    options = ReportOptions(as_json, quiet, no_score, markdown, html)
    loaded = load_bank(bank)
    question = find_question(loaded, question_id)
    # Whatever can be found wrong now must not wait until somebody has written an answer.
    options.check()
    _, calibrate = calibration_of(calibration)
    settings.choose_model()
    text = _read_answer(question, file)
    if file is None and not text:
        say("Cancelled: the answer was empty.")
        return
    typed = file is None or (file == "-" and sys.stdin.isatty())
    if show_prompt:
        with _kept_until_done(question.id, text, drop=False) if typed else nullcontext():
            _show_prompt(settings, loaded, question, text, as_json)
        return
    with _kept_until_done(question.id, text) if typed else nullcontext():
        assessment = asyncio.run(_assess(settings, loaded, question, text, options))
        if calibrate:
            assessment = calibrate(assessment)
        if not no_save:
            # Before it is shown: a reader that goes away, such as `| head`, must not cost the attempt.
            saved = save_or_rescue(HistoryStore.open, question.id, text, assessment, bank_title=loaded.title)
            if saved.warning:
                say(f"warning: {saved.warning.message}")
    rubric = loaded.rubric_of(question)
    options.show(
        assessment.to_json(),
        lambda: assessment_document(assessment, question, rubric, text, show_score=not no_score),
    )
    if assessment.score is None:
        raise typer.Exit(EXIT_UNSCORED)


def _read_answer(question: Question, file: str | None) -> str:
    from coach.answer.read import read_answer_file, read_standard_input, write_in_editor

    if file is None:
        return write_in_editor(question)
    text = read_standard_input() if file == "-" else read_answer_file(Path(file))
    if not text.strip():
        name = "standard input" if file == "-" else file
        raise AnswerUnreadableError(f"{name}: the answer is empty", "Write an answer of a few sentences first.")
    return text


@contextmanager
def _kept_until_done(question_id: str, text: str, *, drop: bool = True) -> Iterator[None]:
    """Keep an answer that was typed for this run, and lies nowhere else, in a file that is named when the block fails.

    It is written before the block starts, so that not even a killed process loses the answer. When the block is done
    the file is deleted; without ``drop`` it stays and is named then, too.
    """
    from coach.answer.read import discard_draft, keep_draft

    try:
        draft = keep_draft(question_id, text)
    except StorageError as error:
        say(f"warning: {error.message}. {error.hint}")
        yield
        return
    kept = f"Your answer is not lost. Hand it in again with: coach submit {question_id} {shlex.quote(str(draft))}"
    try:
        yield
    except CoachError as error:
        error.hint = f"{error.hint}\n{kept}".strip()
        raise
    except BaseException:
        say(kept)
        raise
    if drop:
        with suppress(StorageError):
            discard_draft(draft)
    else:
        say(kept)


async def _assess(settings: Settings, bank: Bank, question: Question, text: str, options: ReportOptions) -> Assessment:
    from coach.answer.prepare import prepare_answer
    from coach.cli.progress import Display
    from coach.submit.open import open_session, unopened_session

    if prepare_answer(text, question, bank.language).unscored_reason is not None:
        # It gets no score whatever a model says, so none is opened for it.
        return await unopened_session(settings, bank).assessor.assess(question, text)
    async with AsyncExitStack() as stack:
        display = stack.enter_context(Display(options.silent))
        display.step("Getting the model ready")
        session = await stack.enter_async_context(open_session(settings, bank, on_progress=display.step))
        on_verdict = display.judging(bank, question, show_score=not options.no_score)
        return await session.assessor.assess(question, text, on_verdict)


def _show_prompt(settings: Settings, bank: Bank, question: Question, text: str, as_json: bool) -> None:
    """Print exactly what judging this answer would send, and how many tokens that is; sends nothing."""
    import json
    from dataclasses import asdict

    from coach.model.cost import TokenCounter
    from coach.submit.open import unopened_session

    session = unopened_session(settings, bank)
    judge = session.assessor.judge
    answer = session.assessor.prepare(question, text)
    requests = [] if answer.unscored_reason else judge.requests(session.assessor.task(question, answer))
    counter = TokenCounter(session.choice.model or "qwen2.5")
    sent = [{**asdict(request), "input_tokens": counter.count_messages(request.messages)} for request in requests]
    for fields in sent:
        # Says what repeats, and is not sent.
        del fields["fixed_characters"]
    total = sum(fields["input_tokens"] for fields in sent)
    note = _ASSUMED if session.method_assumed else ""
    if as_json:
        document = {
            "schema": "coach/prompt@1",
            "method": judge.name,
            "model": judge.model,
            "endpoint": judge.endpoint,
            "unscored_reason": answer.unscored_reason,
            "requests": sent,
            "input_tokens": total,
            # How the endpoint frames messages is not known.
            "exact": not sent,
            "note": note or None,
        }
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    for number, (request, fields) in enumerate(zip(requests, sent, strict=True), 1):
        size = f"≈{fields['input_tokens']} tokens in, at most {request.max_tokens} out"
        typer.echo(f"===== request {number} of {len(requests)}: {size} =====")
        for message in request.messages:
            typer.echo(f"--- {message.role} ---\n{message.content}")
        if request.json_schema:
            typer.echo(f"--- JSON schema {request.json_schema.name} ---\n{json.dumps(request.json_schema.schema)}")
        typer.echo()
    if answer.unscored_reason:
        typer.echo(f"{answer.unscored_reason} So nothing would be sent.")
        return
    if not requests:
        typer.echo(f"Nothing would be sent to {judge.model}: the small matcher and likeness decide about this answer.")
        return
    size = f"{len(requests)} request{'' if len(requests) == 1 else 's'}, ≈{total} tokens in"
    typer.echo(f"{size}, to {judge.model} at {judge.endpoint}. Nothing was sent.")
    if note:
        typer.echo(note)
