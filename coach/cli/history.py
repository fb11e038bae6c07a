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
    from coach.history.store import Conditions, HistoryStore

_SHOW = "show"
_SHOWN = 30
_MAX = 2**31 - 1

_Question = Annotated[str | None, typer.Argument(metavar="ID", help="Id, number or text of a question.")]


class _ShowByDefault(TyperGroup):
    """A group in which ``coach history [ID]`` means ``coach history show [ID]``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front where it was left out."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


def _show_command(
    question: _Question = None,
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
    from coach.history.progress import listing_of, progress_of
    from coach.history.report import history_document, progress_document
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
        which = _chosen(store, bank, question)
        if export is not None:
            _export(store, export, which, quiet)
        elif question is None:
            shown = (0 if as_json else _SHOWN) if limit is None else limit
            listing = listing_of(store, which["bank_title"], shown or None)
            options.show(listing.to_json(), lambda: history_document(listing))
        else:
            attempts = store.attempts(**which)
            if not attempts:
                name = which["question_id"]
                raise InputError(f"there are no attempts at {name} yet", f"Start with: coach submit {name}")
            progress = progress_of(attempts)
            told = progress.model_copy(update={"notes": []}) if quiet else progress
            options.show(progress.to_json(), lambda: progress_document(told))


def _delete_command(
    question: _Question = None,
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

    if everything == bool(question or numbers or bank):
        raise InputError("say what to delete", "Give a question, --attempt NO, --bank FILE, or --all.")
    with HistoryStore.open() as store:
        which = _chosen(store, bank, question)
        which["ids"] = numbers or None
        if not yes:
            if not sys.stdin.isatty():
                raise InputError("deleting needs a yes", "Add --yes to delete without being asked.")
            what = "the whole history" if everything else f"attempts at {which['question_id']}"
            what = what if everything or question else "these attempts"
            what += f" ({counted(store.count(**which), 'attempt')})"
            if not typer.confirm(f"Delete {what}? This cannot be undone.", err=True):
                _say("Nothing was deleted.", quiet)
                return
        deleted = delete_attempts(store, everything=everything, **which)
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
history_app.command(_SHOW)(_show_command)
history_app.command("delete")(_delete_command)


def _export(store: HistoryStore, target: str, which: Conditions, quiet: bool) -> None:
    from coach.files import replacing
    from coach.report.words import counted

    if target == "-":
        store.export(sys.stdout, **which)
        return
    with replacing(Path(target)) as new, open(new, "w", encoding="utf-8", newline="\n") as stream:
        count = store.export(stream, **which)
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


def _chosen(store: HistoryStore, bank: Path | None, question: str | None) -> Conditions:
    """Return the conditions that the bank and the question of the command line stand for."""
    from coach.bank.find import find_question
    from coach.bank.load import load_bank

    # A question that the bank has no longer can still be shown, exported and deleted.
    if bank is None and (question is None or store.count(question_id=question)):
        return {"question_id": question, "bank_title": None}
    loaded = load_bank(bank)
    try:
        question_id = question and find_question(loaded, question).id
    except UnknownQuestionError:
        if not store.count(question_id=question, bank_title=loaded.title):
            raise
        question_id = question
    return {"question_id": question_id, "bank_title": loaded.title if bank else None}


def _say(words: str, quiet: bool) -> None:
    if not quiet:
        say(words)
