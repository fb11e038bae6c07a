"""``coach compare``: is the new version of an answer really better, and what is left to do?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coach.bank.find import find_question
from coach.cli.console import say
from coach.cli.options import (
    BankOption,
    HtmlOption,
    JsonOption,
    MarkdownOption,
    MethodOption,
    ModelOption,
    NoScoreOption,
    QuietOption,
    ReportOptions,
)

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question
    from coach.compare.compare import CompareInputs, JudgedRevision, Revision
    from coach.judge.judging import OnVerdict
    from coach.submit.open import Settings

EXIT_UNSCORED = 3


def compare_command(
    question_id: Annotated[str, typer.Argument(metavar="ID", help="Question id, number or text.")],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="OLD NEW",
            help="Versions of the answer, oldest first: files, or - for standard input. One file is compared with the "
            "last attempt of the history; without files, the last two attempts are compared.",
            show_default=False,
        ),
    ] = None,
    compare_with: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="exemplar",
            help="'exemplar': compare one version (default: the last attempt) with an example of a strong answer.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    bank: BankOption = None,
    method: MethodOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    no_score: NoScoreOption = False,
    markdown: MarkdownOption = None,
    html: HtmlOption = None,
) -> None:
    """Compare versions of an answer: is the new one really better?

    Shows what was lost, gained and is still missing, beyond the noise of rewording.
    """
    import asyncio

    from coach.bank.load import load_bank
    from coach.compare.compare import build_comparison, build_series, gather_inputs
    from coach.compare.report import comparison_document
    from coach.submit.open import Settings

    settings = Settings(model, bank, method)
    settings.check()
    loaded = load_bank(bank)
    question = find_question(loaded, question_id)
    options = ReportOptions(as_json, quiet, no_score, markdown, html)
    options.check()
    inputs = gather_inputs(loaded, question, files or [], compare_with, bank)
    if inputs.note and not options.silent:
        _say(inputs.note)
    judged = asyncio.run(_judge(settings, loaded, question, inputs, options))
    result = build_series(loaded, question, judged) if len(judged) > 2 else build_comparison(loaded, question, *judged)
    old, new = (version.revision.text for version in judged[-2:])
    options.show(
        result.to_json(),
        lambda: comparison_document(result, question, loaded, old, new, show_score=not no_score),
    )
    if any(version.assessment.score is None for version in judged):
        raise typer.Exit(EXIT_UNSCORED)


async def _judge(
    settings: Settings, bank: Bank, question: Question, inputs: CompareInputs, options: ReportOptions
) -> list[JudgedRevision]:
    from coach.cli.progress import Display
    from coach.compare.compare import all_known, judge_revisions, known_from_history
    from coach.submit.open import open_session, unopened_session

    unopened = unopened_session(settings, bank).assessor
    known = known_from_history(unopened, question, inputs.attempts)
    if all_known(unopened, question, inputs.revisions, known):
        return await judge_revisions(unopened, question, inputs.revisions, known)
    with Display(options.silent) as display:
        async with open_session(settings, bank, on_progress=display.step) as session:
            known = known_from_history(session.assessor, question, inputs.attempts)

            def on_revision(revision: Revision) -> OnVerdict:
                if not options.silent:
                    _say(f"Judging {revision.label}")
                return display.judging(bank, question, show_score=not options.no_score)

            return await judge_revisions(session.assessor, question, inputs.revisions, known, on_revision)


def _say(text: str) -> None:
    from coach.report.display_text import one_line

    say(one_line(text))
