"""``coach compare``: is the new version of an answer really better, and what is left to do?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.bank.find import find_question
from coach.cli.console import out_console, say
from coach.cli.options import (
    BankOption,
    JsonOption,
    MethodOption,
    ModelOption,
    NoScoreOption,
    QuietOption,
    ReportOptions,
)

if TYPE_CHECKING:
    from coach.bank.questions import Bank, Question
    from coach.cli.compare_inputs import CompareInputs
    from coach.compare.compare import Revision
    from coach.compare.comparison import Comparison, ComparisonSeries
    from coach.compare.comparison_view import ComparisonView
    from coach.compare.series_view import SeriesView
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
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write the report as Markdown.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the report as one HTML page.", show_default=False)
    ] = None,
) -> None:
    """Compare versions of an answer: is the new one really better?

    Shows what was lost, gained and is still missing, beyond the noise of rewording.
    """
    import asyncio

    from coach.bank.load import load_bank
    from coach.cli.compare_inputs import gather_inputs
    from coach.submit.open import Settings

    settings = Settings(model, bank, method)
    settings.check()
    loaded = load_bank(bank)
    question = find_question(loaded, question_id)
    ReportOptions(markdown=markdown, html=html).check()
    inputs = gather_inputs(loaded, question, files or [], compare_with, bank)
    if inputs.note and not (quiet or as_json):
        _say(inputs.note)
    result = asyncio.run(_compare(settings, loaded, question, inputs, quiet or as_json, not no_score))
    _show(result, loaded, question, inputs.revisions, as_json, not no_score, markdown, html)
    if _is_unscored(result):
        raise typer.Exit(EXIT_UNSCORED)


async def _compare(
    settings: Settings, bank: Bank, question: Question, inputs: CompareInputs, quiet: bool, show_score: bool
) -> Comparison | ComparisonSeries:
    from coach.cli.progress import Display
    from coach.compare.compare import all_known, compare_revisions, compare_series, known_from_history
    from coach.submit.open import open_session, unopened_session

    compare = compare_revisions if len(inputs.revisions) == 2 else compare_series
    unopened = unopened_session(settings, bank).assessor
    known = known_from_history(unopened, question, inputs.attempts)
    if all_known(unopened, question, inputs.revisions, known):
        return await compare(unopened, question, inputs.revisions, known)
    with Display(quiet) as display:
        async with open_session(settings, bank, on_progress=display.step) as session:
            assessor = session.assessor
            known = known_from_history(assessor, question, inputs.attempts)

            def on_revision(revision: Revision) -> OnVerdict:
                if not quiet:
                    _say(f"Judging {revision.label}")
                return display.judging(bank, question, show_score=show_score)

            return await compare(assessor, question, inputs.revisions, known, on_revision)


def _say(text: str) -> None:
    from coach.report.display_text import one_line

    say(one_line(text))


def _show(
    result: Comparison | ComparisonSeries,
    bank: Bank,
    question: Question,
    revisions: Sequence[Revision],
    as_json: bool,
    show_score: bool,
    markdown: Path | None,
    html: Path | None,
) -> None:
    if as_json:
        typer.echo(result.to_json())
    if as_json and markdown is None and html is None:
        return
    view, table = _views(result, bank, question, revisions, show_score)
    if not as_json:
        from coach.compare.comparison_terminal import TerminalComparison

        out_console().print(TerminalComparison(view, table))
    _write_reports(view, table, markdown, html)


def _views(
    result: Comparison | ComparisonSeries,
    bank: Bank,
    question: Question,
    revisions: Sequence[Revision],
    show_score: bool,
) -> tuple[ComparisonView, SeriesView | None]:
    from coach.compare.comparison import Comparison
    from coach.compare.comparison_view import build_comparison_view
    from coach.compare.series_view import build_series_view

    comparison = result if isinstance(result, Comparison) else result.latest
    texts = [revision.text for revision in revisions[-2:]]
    view = build_comparison_view(comparison, question, bank, *texts, show_score=show_score)
    if isinstance(result, Comparison):
        return view, None
    return view, build_series_view(result, bank.rubric_of(question), show_score=show_score)


def _write_reports(view: ComparisonView, table: SeriesView | None, markdown: Path | None, html: Path | None) -> None:
    from coach.files import write_whole

    if markdown is not None:
        from coach.compare.comparison_markdown import comparison_markdown

        write_whole(markdown, comparison_markdown(view, table))
    if html is not None:
        from coach.compare.comparison_html import comparison_html

        write_whole(html, comparison_html(view, table))


def _is_unscored(result: Comparison | ComparisonSeries) -> bool:
    from coach.compare.comparison import Comparison

    versions = [result.old, result.new] if isinstance(result, Comparison) else [row.version for row in result.rows]
    return any(version.score is None for version in versions)
