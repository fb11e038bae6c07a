"""Options that several commands share, each defined once, and what follows from those about reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coach.cli.console import out_console, say
from coach.errors import InputError

if TYPE_CHECKING:
    from coach.report.document import Document
    from coach.submit.assessment import Assessment
    from coach.submit.open import Settings

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Model to use: 'local' (embedded), a .gguf file, or a model id of OpenAI or a compatible server.",
        show_default=False,
    ),
]
BankOption = Annotated[
    Path | None,
    typer.Option("--bank", help="Another question bank; its rubrics lie in rubrics/ beside it.", show_default=False),
]
MethodOption = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="How to ask: 'logprobs' or 'structured'. Default: what the endpoint can do.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
NoScoreOption = Annotated[bool, typer.Option("--no-score", help="Hide all numbers and keep the words.")]
MarkdownOption = Annotated[
    Path | None, typer.Option("--markdown", help="Also write the report as Markdown.", show_default=False)
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Also write the report as one HTML page.", show_default=False)
]
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", help="Apply a named calibration saved by `coach calibrate`.", show_default=False),
]


@dataclass(frozen=True)
class ReportOptions:
    """How a result is shown, and in which files besides."""

    as_json: bool = False
    quiet: bool = False
    no_score: bool = False
    markdown: Path | None = None
    html: Path | None = None

    @property
    def silent(self) -> bool:
        """Whether nobody wants to see progress and notes."""
        return self.quiet or self.as_json

    def check(self) -> None:
        """Raise InputError for a file that no report could be written to, before a model is asked."""
        for path in (self.markdown, self.html):
            if path is not None:
                check_writable(path)

    def show(self, as_json: str, report: Callable[[], Document], page: Callable[[], Document] | None = None) -> None:
        """Print the result and write the reports that are wanted; raises StorageError.

        ``page`` is the report that the HTML page shows, where that is another one.
        """
        if self.as_json:
            typer.echo(as_json)
        if self.as_json and self.markdown is None and self.html is None:
            return
        from coach.files import write_whole

        document = report()
        if not self.as_json:
            from coach.report.terminal import TerminalReport

            out_console().print(TerminalReport(document))
        if self.markdown is not None:
            from coach.report.markdown import markdown_report

            write_whole(self.markdown, markdown_report(document))
        if self.html is not None:
            from coach.report.html import html_report

            write_whole(self.html, html_report(page() if page else document))


def check_writable(path: Path) -> None:
    """Raise InputError for a path that no report can be written to."""
    # The folder of a link's target, because that is where the report is written.
    folder = path.resolve().parent
    if path.is_dir() or not folder.is_dir():
        raise InputError(f"{path}: a report cannot be written there", "Name a file in a folder that exists.")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: a report cannot be written there", "Name a regular file, not a device.")
    import tempfile

    try:
        # Permissions alone do not tell: the disk may be read-only, or the user one who passes over permissions.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(
            f"{path}: a report cannot be written there ({why})", "Name a file in a folder that you may write."
        ) from None


def calibration_of(name: str | None) -> tuple[str, Callable[[Assessment], Assessment] | None]:
    """Return the hash of a named calibration and what applies it; raises InputError when there is none."""
    if name is None:
        return "", None
    from coach.calibrate.mapping import apply_calibration, load_calibration
    from coach.submit.key import canonical_sha256

    calibration = load_calibration(name)
    digest = canonical_sha256(calibration.model_dump(mode="json"))
    return digest, lambda assessment: apply_calibration(assessment, calibration)


def say_when_ignored(settings: Settings, wanted: int | None, option: str, quiet: bool) -> None:
    """Say that an option for more answers at a time changes nothing, where it does not.

    Two answers in one piece of the embedded model's work would change each other's last digits. Raises CoachError.
    """
    if wanted is not None and wanted > 1 and not quiet and settings.choose_model().embedded:
        say(f"{option} is for models on a server: the embedded one judges one answer at a time, so scores repeat.")
