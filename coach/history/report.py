"""The history in the terminal: the listing, the progress on one question, and what to practise next.

Each class shows one result (``coach.history.records``, which is also what ``--json`` prints) as something that rich can
print. Times are shown in ``timezone``; None is the machine's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from coach.history.records import AttemptSummary, ChangedCheck, HistoryListing, NextQuestions, Progress
from coach.judge.judging import Verdict
from coach.report.display_text import one_line
from coach.report.terminal_page import Page
from coach.report.words import check_text, counted, whole

_VERDICTS = {
    Verdict.MET: "met",
    Verdict.PARTLY: "partly",
    Verdict.NOT_MET: "not met",
    Verdict.UNJUDGED: "not judged",
}
_FLAG_VERDICTS = {**_VERDICTS, Verdict.MET: "present", Verdict.PARTLY: "perhaps", Verdict.NOT_MET: "absent"}
_FULL_SCORE = 100
#: A narrower window has room for the bars only.
_WIDTH_FOR_RANGES = 72


@dataclass(frozen=True)
class HistoryTable:
    """The listing: one row an attempt, oldest first, and a word about the older ones that are not shown."""

    listing: HistoryListing
    timezone: tzinfo | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table."""
        page = Page.fitting(console, options)
        attempts = self.listing.attempts
        if not attempts:
            yield from page.block(
                "No attempts are saved yet. `coach submit ID` keeps each answer with its critique.", ""
            )
            return
        several_banks = len({attempt.bank_title for attempt in attempts}) > 1
        table = _table(
            page, "No.", "Saved", "Question", "Score", "Likely range", *(["Bank"] if several_banks else []), "Model"
        )
        for attempt in attempts:
            table.add_row(
                str(attempt.id),
                _moment(attempt, self.timezone),
                _foreign(page, attempt.question_id),
                _score(page, attempt),
                _interval(attempt),
                *([_foreign(page, attempt.bank_title, "dim")] if several_banks else []),
                _foreign(page, attempt.model, "dim"),
            )
        yield table
        yield from _legend(page, attempts)
        older = self.listing.total - len(attempts)
        if older:
            yield from page.block(f"{counted(older, 'older attempt')} not shown; --limit 0 shows all.", "", style="dim")


@dataclass(frozen=True)
class ProgressReport:
    """The progress on one question: a bar for each attempt, checks lost and gained, recurring advice, notes."""

    progress: Progress
    timezone: tzinfo | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the report line by line."""
        page = Page.fitting(console, options)
        progress = self.progress
        yield from page.block(_headline(page, progress), "")
        yield self._plot(page)
        yield from _legend(page, progress.attempts, best_marked=progress.scored > 1)
        # What was lost comes first: it is the easiest to put back.
        yield from _changes(page, "Lost since the first attempt", progress.lost, "red")
        yield from _changes(page, "Gained since the first attempt", progress.gained, "green")
        if progress.scored > 1 and not progress.gained and not progress.lost:
            yield Text()
            yield from page.block("No check changed clearly since the first attempt.", "")
        yield from _recurring(page, progress)
        if progress.notes:
            yield Text()
        for note in progress.notes:
            yield from page.block(one_line(note), "", style="dim")

    def _plot(self, page: Page) -> Table:
        progress = self.progress
        wide = page.width >= _WIDTH_FOR_RANGES
        table = _table(page, "No.", "Saved", "Score", "of 100", *(["Likely range"] if wide else []))
        for attempt in progress.attempts:
            best = progress.scored > 1 and attempt.id == progress.best_attempt
            bar = _foreign(page, attempt.unscored_reason or "", "dim")
            if attempt.score is not None:
                bar = page.bar(attempt.score / _FULL_SCORE)
            cells: list[str | Text] = [
                f"{attempt.id}{'*' if best else ''}",
                _moment(attempt, self.timezone),
                _score(page, attempt),
                bar,
            ]
            table.add_row(*cells, *([_interval(attempt)] if wide else []))
        return table


@dataclass(frozen=True)
class NextReport:
    """The question to practise next, why, and the ``count - 1`` after it."""

    ranking: NextQuestions
    count: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the suggestion and then the shorter list."""
        page = Page.fitting(console, options)
        first, *others = self.ranking.suggestions[: max(1, self.count)]
        yield from page.block(_named(page, first.question_id, first.reason), "")
        yield Text()
        yield from page.block(one_line(first.text), "  ")
        yield Text()
        yield from page.block(f"Answer it with: coach submit {one_line(first.question_id)}", "", style="dim")
        if others:
            yield from page.section("After that")
            names = Table.grid(padding=(0, 2))
            names.add_column(no_wrap=True)
            names.add_column(no_wrap=True)
            for suggestion in others:
                name = _foreign(page, suggestion.question_id)
                names.add_row(f"  {suggestion.rank}.", name, _foreign(page, suggestion.reason, "dim"))
            yield names


def _headline(page: Page, progress: Progress) -> Text:
    attempts = counted(len(progress.attempts), "attempt")
    if progress.latest_score is None:
        scores = "none of them scored"
    elif progress.scored == 1 or progress.first_score is None:
        scores = f"score {whole(progress.latest_score)}"
    else:
        scores = f"score {whole(progress.first_score)} at first, {whole(progress.latest_score)} now"
        scores += f", best in attempt {progress.best_attempt}"
    return _named(page, progress.question_id, f"{attempts}, {scores}")


def _legend(page: Page, attempts: Sequence[AttemptSummary], best_marked: bool = False) -> Iterator[Text]:
    marks = ["* best score"] if best_marked else []
    if any(attempt.needs_review and attempt.score is not None for attempt in attempts):
        marks.append("? uncertain, worth a human look")
    if marks:
        yield from page.block(" · ".join(marks), "", style="dim")


def _changes(page: Page, title: str, changes: Sequence[ChangedCheck], style: str) -> Iterator[Text]:
    if changes:
        yield from page.section(title)
    for change in changes:
        words = _FLAG_VERDICTS if change.kind == "red_flag" else _VERDICTS
        statement = check_text(change.kind, one_line(change.statement))
        yield from page.block(statement, f"  {words[change.before]} → {words[change.after]}  ", first_style=style)


def _recurring(page: Page, progress: Progress) -> Iterator[Text]:
    if progress.recurring:
        yield from page.section("Advice that keeps coming back")
    for advice in progress.recurring:
        yield from page.block(one_line(advice.advice), f"  {advice.times} of {advice.of}  ", first_style="yellow")


def _score(page: Page, attempt: AttemptSummary) -> Text:
    if attempt.score is None:
        return page.text("–", "dim")
    return page.text(f"{whole(attempt.score)}{' ?' if attempt.needs_review else ''}")


def _interval(attempt: AttemptSummary) -> str:
    if attempt.interval is None:
        return ""
    low, high = attempt.interval
    return f"{whole(low)} to {whole(high)}"


def _moment(attempt: AttemptSummary, timezone: tzinfo | None) -> str:
    return f"{attempt.created_at.astimezone(timezone):%Y-%m-%d %H:%M}"


def _named(page: Page, name: str, words: str) -> Text:
    return Text.assemble(_foreign(page, name, "bold"), "  ", _foreign(page, words))


def _foreign(page: Page, words: str, style: str = "") -> Text:
    return page.text(one_line(words), style)


def _table(page: Page, *headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in ("No.", "Score") else "left",
            # Only these may be cut or wrapped where the window is narrow; rich's own sign for that is no ASCII.
            no_wrap=heading not in ("Model", "Bank", "of 100"),
            overflow="crop" if page.plain else "ellipsis",
        )
    return table
