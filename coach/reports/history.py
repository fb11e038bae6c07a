"""The history in the terminal: the listing, the progress on one question, and what to practise next.

Each function turns one result (``coach.models.history``, which is also what ``--json`` prints) into something that
rich can print. Times are shown in ``timezone``; None is the machine's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from coach.models.assessment import Verdict
from coach.models.history import AttemptSummary, ChangedCheck, HistoryListing, NextQuestions, Progress, Suggestion
from coach.reports.display_text import one_line
from coach.reports.words import whole

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_VERDICTS = {
    Verdict.MET: "met",
    Verdict.PARTLY: "partly",
    Verdict.NOT_MET: "not met",
    Verdict.UNJUDGED: "not judged",
}
_FLAG_VERDICTS = {**_VERDICTS, Verdict.MET: "present", Verdict.PARTLY: "perhaps", Verdict.NOT_MET: "absent"}
_PLOT_WIDTH = 40
_FULL_SCORE = 100


def history_view(listing: HistoryListing, timezone: tzinfo | None = None) -> RenderableType:
    """Return the table of attempts, oldest first, with a word about the older ones that are not shown."""
    from rich.console import Group

    if not listing.attempts:
        return _text("No attempts are saved yet. `coach submit ID` keeps each answer with its critique.")
    several_banks = len({attempt.bank_title for attempt in listing.attempts}) > 1
    table = _table("No.", "Saved", "Question", "Score", "Likely range", "Model", *(["Bank"] if several_banks else []))
    for attempt in listing.attempts:
        table.add_row(
            str(attempt.id),
            _moment(attempt.created_at, timezone),
            _text(attempt.question_id),
            _score(attempt),
            _interval(attempt),
            _text(attempt.model, "dim"),
            *([_text(attempt.bank_title, "dim")] if several_banks else []),
        )
    older = listing.total - len(listing.attempts)
    more = [_text(f"{older} older attempts are not shown; --limit 0 shows all.", "dim")] if older else []
    return Group(table, *more)


def progress_view(progress: Progress, timezone: tzinfo | None = None) -> RenderableType:
    """Return the progress on one question: a bar for each attempt, checks gained and lost, recurring advice, notes."""
    from rich.console import Group

    parts: list[RenderableType] = [_headline(progress), _plot(progress, timezone)]
    if progress.lost:
        parts += _section("Lost since the first attempt", _changes(progress.lost, "red"))
    if progress.gained:
        parts += _section("Gained since the first attempt", _changes(progress.gained, "green"))
    if progress.scored > 1 and not progress.gained and not progress.lost:
        parts += ["", _text("No check changed its verdict since the first attempt.")]
    if progress.recurring:
        parts += _section("Advice that keeps coming back", _recurring(progress))
    if progress.notes:
        parts += ["", *(_text(note, "dim") for note in progress.notes)]
    return Group(*parts)


def next_view(ranking: NextQuestions, count: int) -> RenderableType:
    """Return the question to practise next, why, and the ``count - 1`` after it."""
    from rich.console import Group

    first, *others = ranking.suggestions[: max(1, count)]
    parts: list[RenderableType] = [
        _headed(first.question_id, first.reason),
        "",
        _text(first.text),
        "",
        _text(f"Answer it with: coach submit {first.question_id}", "dim"),
    ]
    if others:
        parts += _section("After that", _others(others))
    return Group(*parts)


def _headline(progress: Progress) -> Text:
    count = len(progress.attempts)
    words = f"{count} attempt{'s' if count > 1 else ''}"
    if progress.latest_score is None:
        scores = "none of them scored"
    elif progress.scored == 1 or progress.first_score is None:
        scores = f"score {whole(progress.latest_score)}"
    else:
        scores = f"score {whole(progress.first_score)} at first, {whole(progress.latest_score)} now"
        scores += f", best in attempt {progress.best_attempt}"
    return _headed(progress.question_id, f"{words}, {scores}")


def _plot(progress: Progress, timezone: tzinfo | None) -> Table:
    from rich.bar import Bar

    table = _table("No.", "Saved", "Score", f"0 {'·' * (_PLOT_WIDTH - 6)} 100", "Likely range")
    for attempt in progress.attempts:
        best = attempt.id == progress.best_attempt
        color = "green" if best else "cyan"
        bar: RenderableType = _text(attempt.unscored_reason or "", "dim")
        if attempt.score is not None:
            bar = Bar(_FULL_SCORE, 0, attempt.score, width=_PLOT_WIDTH, color=color)
        saved = _moment(attempt.created_at, timezone)
        table.add_row(f"{attempt.id}{'*' if best else ''}", saved, _score(attempt), bar, _interval(attempt))
    if progress.scored > 1:
        table.caption = "* best score"
        table.caption_justify = "left"
    return table


def _changes(changes: Sequence[ChangedCheck], style: str) -> Table:
    table = _grid()
    for change in changes:
        words = _FLAG_VERDICTS if change.kind == "red_flag" else _VERDICTS
        statement = f"{'Red flag: ' if change.kind == 'red_flag' else ''}{change.statement}"
        table.add_row(_text(f"{words[change.before]} → {words[change.after]}", style), _text(statement))
    return table


def _recurring(progress: Progress) -> Table:
    table = _grid()
    for advice in progress.recurring:
        table.add_row(_text(f"{advice.times} of {advice.of}", "yellow"), _text(advice.advice))
    return table


def _others(suggestions: Sequence[Suggestion]) -> Table:
    table = _grid()
    for suggestion in suggestions:
        table.add_row(f"{suggestion.rank}.", _text(suggestion.question_id), _text(suggestion.reason, "dim"))
    return table


def _score(attempt: AttemptSummary) -> Text:
    if attempt.score is None:
        return _text("–", "dim")
    return _text(f"{whole(attempt.score)}{' ?' if attempt.needs_review else ''}")


def _interval(attempt: AttemptSummary) -> str:
    if attempt.interval is None:
        return ""
    low, high = attempt.interval
    return f"{whole(low)} to {whole(high)}"


def _moment(moment: datetime, timezone: tzinfo | None) -> str:
    return f"{moment.astimezone(timezone):%Y-%m-%d %H:%M}"


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return ["", _text(title, "bold"), body]


def _headed(name: str, words: str) -> Text:
    from rich.text import Text

    return Text.assemble((one_line(name), "bold"), "  ", one_line(words))


def _text(words: str, style: str = "") -> Text:
    # Text, not str: rich would read square brackets in foreign words as markup.
    from rich.text import Text

    return Text(one_line(words), style=style)


def _table(*headings: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        right = heading in ("No.", "Score")
        table.add_column(heading, justify="right" if right else "left", no_wrap=right or heading == "Saved")
    return table


def _grid() -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    return table
