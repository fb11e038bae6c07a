"""``coach history``: saved attempts, the progress on one question, export, import and deletion."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from coach.cli.console import say
from coach.cli.options import BankOption, JsonOption, QuietOption, ReportOptions
from coach.errors import InputError, UnknownQuestionError

if TYPE_CHECKING:
    from coach.bank.questions import Bank
    from coach.history.store import HistoryStore

_SHOW = "show"
_SHOWN = 30
_MAX = 2**31 - 1

QuestionArgument = Annotated[str | None, typer.Argument(metavar="ID", help="Id, number or text of a question.")]


class _ShowByDefault(TyperGroup):
    """A group in which ``coach history [ID]`` means ``coach history show [ID]``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front where it was left out."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


def history_command(
    question: QuestionArgument = None,
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="FILE", help="Write the attempts as JSON Lines (-: to the screen)."),
    ] = None,
    import_file: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Add the attempts of an export or a rescue file.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help=f"List this many of the newest (0: all) instead of {_SHOWN}, or of all with --json."),
    ] = None,
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """List saved attempts; with ID show the progress on one question.

    The word "show" may be left out.
    """
    from coach.history.store import HistoryStore

    options = ReportOptions(as_json, quiet)
    given = {"--export": export is not None, "--import": import_file is not None, "--json": as_json}
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise InputError(f"{' and '.join(names)} do not go together", "Give one of them.")
    with HistoryStore.open() as store:
        if import_file is not None:
            _import(store, import_file, quiet)
            return
        bank_title, question_id = _chosen(store, bank, question)
        if export is not None:
            _export(store, export, question_id, bank_title, quiet)
        elif question_id is None:
            _list(store, bank_title, limit, options)
        else:
            _progress(store, question_id, bank_title, options)


def delete_command(
    question: QuestionArgument = None,
    numbers: Annotated[
        list[int] | None,
        typer.Option("--attempt", metavar="NO", min=1, max=_MAX, help="Only the attempt with this number; repeatable."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete the whole history.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    bank: BankOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Delete attempts for good: of one question, by number, or all. Asks first."""
    from coach.history.saving import delete_attempts
    from coach.history.store import HistoryStore
    from coach.report.words import counted

    ids = numbers or None
    if everything == bool(question or ids or bank):
        raise InputError("say what to delete", "Give a question, --attempt NO, --bank FILE, or --all.")
    with HistoryStore.open() as store:
        bank_title, question_id = _chosen(store, bank, question)
        count = store.count(question_id=question_id, ids=ids, bank_title=bank_title)
        if not yes and not _confirmed(count, question_id, everything):
            _say("Nothing was deleted.", quiet)
            return
        deleted = delete_attempts(store, question_id=question_id, ids=ids, bank_title=bank_title, everything=everything)
    if as_json:
        typer.echo(deleted.to_json())
    beside = ((deleted.rescue_files, "rescue file"), (deleted.drafts, "draft"))
    more = [f" and {counted(number, kind)}" for number, kind in beside if number]
    _say(f"Deleted {counted(deleted.attempts, 'attempt')}{''.join(more)}.", quiet)


#: Registered by the program with ``app.add_typer(history_app, name="history")``.
history_app = typer.Typer(
    cls=_ShowByDefault,
    help="List saved attempts, show progress, export, import and delete; without a command: show.",
    short_help="List saved attempts, show progress, export or delete.",
    rich_markup_mode=None,
)
history_app.command(_SHOW)(history_command)
history_app.command("delete")(delete_command)


def _list(store: HistoryStore, bank_title: str | None, limit: int | None, options: ReportOptions) -> None:
    from coach.history.progress import listing_of
    from coach.history.report import history_document

    if limit is None:
        limit = 0 if options.as_json else _SHOWN
    listing = listing_of(store, bank_title, limit or None)
    options.show(listing.to_json(), lambda: history_document(listing))


def _progress(store: HistoryStore, question_id: str, bank_title: str | None, options: ReportOptions) -> None:
    from coach.history.progress import progress_of
    from coach.history.report import progress_document

    attempts = store.attempts(question_id=question_id, bank_title=bank_title)
    if not attempts:
        raise InputError(f"there are no attempts at {question_id} yet", f"Start with: coach submit {question_id}")
    progress = progress_of(attempts)
    shown = progress.model_copy(update={"notes": []}) if options.quiet else progress
    options.show(progress.to_json(), lambda: progress_document(shown))


def _export(store: HistoryStore, target: str, question_id: str | None, bank_title: str | None, quiet: bool) -> None:
    from coach.files import replacing
    from coach.report.words import counted

    if target == "-":
        store.export(sys.stdout, question_id=question_id, bank_title=bank_title)
        return
    with replacing(Path(target)) as new, open(new, "w", encoding="utf-8", newline="\n") as stream:
        count = store.export(stream, question_id=question_id, bank_title=bank_title)
    _say(f"Wrote {counted(count, 'attempt')} to {target}; only you can read the file.", quiet)


def _import(store: HistoryStore, path: Path, quiet: bool) -> None:
    from coach.history.saving import delete_if_rescue_file, read_records
    from coach.report.words import counted

    records = read_records(path)
    count = store.import_records(records)
    known = len(records) - count
    _say(f"Added {counted(count, 'attempt')}" + (f"; {known} were here already." if known else "."), quiet)
    if delete_if_rescue_file(path):
        _say(f"Deleted the rescue file {path}: its attempt is in the history now.", quiet)


def _chosen(store: HistoryStore, bank: Path | None, question: str | None) -> tuple[str | None, str | None]:
    """Return the bank's title (None: any bank) and the question's id (None: any question)."""
    from coach.bank.load import load_bank

    if question is None:
        return (load_bank(bank).title if bank else None), None
    # A question that the bank has no longer can still be shown, exported and deleted.
    if bank is None and store.count(question_id=question):
        return None, question
    loaded = load_bank(bank)
    return (loaded.title if bank else None), _question_id(store, loaded, question)


def _question_id(store: HistoryStore, bank: Bank, question: str) -> str:
    from coach.bank.find import find_question

    try:
        return find_question(bank, question).id
    except UnknownQuestionError:
        if store.count(question_id=question, bank_title=bank.title):
            return question
        raise


def _confirmed(count: int, question_id: str | None, everything: bool) -> bool:
    from coach.report.words import counted

    if not sys.stdin.isatty():
        raise InputError("deleting needs a yes", "Add --yes to delete without being asked.")
    what = "the whole history" if everything else f"attempts at {question_id}" if question_id else "these attempts"
    return typer.confirm(f"Delete {what} ({counted(count, 'attempt')})? This cannot be undone.", err=True)


def _say(words: str, quiet: bool) -> None:
    if not quiet:
        say(words)
