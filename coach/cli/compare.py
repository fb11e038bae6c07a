"""``coach compare``: is the new version of an answer really better, and what is left to do?"""

from __future__ import annotations

from collections.abc import Sequence
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
    from coach.compare.compare import Revision
    from coach.compare.inputs import CompareInputs
    from coach.compare.result import Comparison, ComparisonSeries
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
    from coach.compare.inputs import gather_inputs
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
    result = asyncio.run(_compare(settings, loaded, question, inputs, options))
    _show(result, loaded, question, inputs.revisions, options)
    if _is_unscored(result):
        raise typer.Exit(EXIT_UNSCORED)


async def _compare(
    settings: Settings, bank: Bank, question: Question, inputs: CompareInputs, options: ReportOptions
) -> Comparison | ComparisonSeries:
    from coach.cli.progress import Display
    from coach.compare.compare import all_known, compare_revisions, compare_series, known_from_history
    from coach.submit.open import open_session, unopened_session

    compare = compare_revisions if len(inputs.revisions) == 2 else compare_series
    unopened = unopened_session(settings, bank).assessor
    known = known_from_history(unopened, question, inputs.attempts)
    if all_known(unopened, question, inputs.revisions, known):
        return await compare(unopened, question, inputs.revisions, known)
    with Display(options.silent) as display:
        async with open_session(settings, bank, on_progress=display.step) as session:
            assessor = session.assessor
            known = known_from_history(assessor, question, inputs.attempts)

            def on_revision(revision: Revision) -> OnVerdict:
                if not options.silent:
                    _say(f"Judging {revision.label}")
                return display.judging(bank, question, show_score=not options.no_score)

            return await compare(assessor, question, inputs.revisions, known, on_revision)


def _say(text: str) -> None:
    from coach.report.display_text import one_line

    say(one_line(text))


def _show(
    result: Comparison | ComparisonSeries,
    bank: Bank,
    question: Question,
    revisions: Sequence[Revision],
    options: ReportOptions,
) -> None:
    from coach.compare.report import comparison_document

    old, new = (revision.text for revision in revisions[-2:])
    options.show(
        result.to_json(),
        lambda: comparison_document(result, question, bank, old, new, show_score=not options.no_score),
    )


def _is_unscored(result: Comparison | ComparisonSeries) -> bool:
    from coach.compare.result import Comparison

    versions = [result.old, result.new] if isinstance(result, Comparison) else [row.version for row in result.rows]
    return any(version.score is None for version in versions)
