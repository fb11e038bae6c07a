"""The history in the terminal: every number is there, nothing foreign is obeyed, and narrow windows are enough."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
import terminal_output
from assessment_factory import shipped_bank
from history_factory import BANK, attempt, judged

from coach.history.progress import progress_of, rank_questions, summarize
from coach.history.records import Attempt, HistoryListing, Progress
from coach.history.report import history_document, next_document, progress_document
from coach.judge.judging import Verdict
from coach.report.document import Document
from coach.report.terminal import TerminalReport


def encoded(document: Document, width: int = 100, encoding: str = "utf-8") -> str:
    """Return what a terminal of this width and encoding shows of a report."""
    return terminal_output.encoded(TerminalReport(document), width, encoding)


def listing(*attempts: Attempt, older: int = 0) -> HistoryListing:
    """Return the listing of these attempts."""
    return HistoryListing(total=len(attempts) + older, attempts=[summarize(item) for item in attempts])


def practice() -> Progress:
    """Return a progress with everything in it."""
    advice = [("modality-worklist", 6.7)]
    return progress_of(
        [
            attempt(1, judged(41, {"header-tags": Verdict.NOT_MET, "own-example": Verdict.MET}, advice)),
            attempt(2, judged(None)),
            attempt(3, judged(90, {"header-tags": Verdict.MET}, advice)),
            attempt(
                4, judged(66.5, {"own-example": Verdict.PARTLY, "guaranteed-plug-and-play": Verdict.NOT_MET}, advice)
            ),
        ]
    )


def line_with(text: str, words: str) -> str:
    """Return the only line that holds these words."""
    (line,) = [line for line in text.splitlines() if words in line]
    return line


def test_scores_by_an_older_rule_are_marked() -> None:
    """They stand with a sign that the legend explains; without any there is no such legend."""
    mixed = encoded(history_document(listing(attempt(1, judged(41, scoring_rule=1)), attempt(2, judged(70)))))

    assert "41 ? ~" in mixed
    assert "70 ? ~" not in mixed
    assert "~ scored by an older rule" in mixed
    assert "older rule" not in encoded(history_document(listing(attempt(2, judged(70)))))


def test_the_listing_shows_each_attempt() -> None:
    """One line an attempt with number, local time, question, rounded score, range and model; no score is a dash."""
    view = history_document(listing(attempt(1, judged(41.5)), attempt(2, judged(None))), timezone(timedelta(hours=-7)))
    text = encoded(view)

    assert line_with(text, " 42 ?").split()[:4] == ["1", "2026-11-02", "11:30", "dicom-standard"]
    assert "34 to 50" in line_with(text, " 42 ?")
    assert line_with(text, "2026-11-03").split()[4] == "–"
    assert "qwen2.5-coder-1.5b" in text
    assert "worth a human look" in text
    assert BANK not in text


def test_the_listing_names_the_bank_where_there_are_several() -> None:
    """The same id in two banks can be told apart."""
    text = encoded(history_document(listing(attempt(1), attempt(2, bank_title="Librarian")), UTC), width=140)

    assert "Librarian" in line_with(text, "2026-11-03")
    assert BANK in line_with(text, "2026-11-02")


def test_the_listing_says_what_it_leaves_out() -> None:
    """Older attempts are counted, and an empty history says how to begin."""
    assert "82 older attempts not shown" in encoded(history_document(listing(attempt(1), older=82)))
    assert "1 older attempt not shown" in encoded(history_document(listing(attempt(1), older=1)))
    assert "coach submit ID" in encoded(history_document(listing()))


def test_the_progress_draws_a_bar_for_each_score() -> None:
    """Longer bars are better scores, the best is marked, and an attempt without a score shows why instead."""
    text = encoded(progress_document(practice(), UTC))
    bars = [line.count("━") for line in text.splitlines() if "━" in line]

    assert "4 attempts, score 41 at first, 67 now, best in attempt 3" in text
    assert bars == [10, 22, 16]
    assert line_with(text, "━" * 22).strip().startswith("3*")
    assert "too short to judge" in line_with(text, "2026-11-03")
    assert "Attempt 2 has no score" in text


def test_the_progress_tells_losses_first() -> None:
    """Lost checks stand above gained ones, red flags are called so, and recurring advice says how often."""
    text = encoded(progress_document(practice(), UTC))

    assert text.index("Lost since") < text.index("Gained since") < text.index("Advice that keeps coming back")
    assert "✗ there → partly there:" in text
    assert "✓ missing → there:" in text
    assert "said → not said: Red flag:" in text
    assert "3 of 3: Add modality-worklist." in text


def test_one_attempt_is_shown_without_a_comparison() -> None:
    """With a single attempt there is a score and no talk of progress."""
    text = encoded(progress_document(progress_of([attempt(1, judged(50))]), UTC))

    assert "1 attempt, score 50" in text
    assert "since the first" not in text
    assert "best score" not in text


def test_no_change_is_said() -> None:
    """Two attempts with the same verdicts are told apart by their scores only."""
    text = encoded(progress_document(progress_of([attempt(1), attempt(2)]), UTC))

    assert "No check changed clearly since the first attempt." in text


def test_unscored_attempts_only() -> None:
    """Without any score there is no made-up number."""
    text = encoded(progress_document(progress_of([attempt(1, judged(None))]), UTC))

    assert "1 attempt, none of them scored" in text


def test_the_next_question_comes_with_text_reason_and_command() -> None:
    """The first suggestion is complete; the others are one line each, as many as asked for."""
    bank = shipped_bank()
    text = encoded(next_document(rank_questions(bank, []), 3))

    assert text.startswith("dicom-standard · You have not answered it yet.")
    assert bank.questions[0].text in text
    assert "coach submit dicom-standard" in text
    assert "3.  security-hipaa" in text
    assert "4." not in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_every_width_is_kept(width: int) -> None:
    """No line is wider than the window."""
    views = (
        history_document(listing(attempt(1), attempt(2, judged(None)))),
        progress_document(practice()),
        next_document(rank_questions(shipped_bank(), [attempt(1)]), 20),
    )
    for view in views:
        assert max(len(line) for line in encoded(view, width).splitlines()) <= width


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_terminals_without_unicode_are_enough(encoding: str) -> None:
    """An old terminal gets other signs and no error."""
    text = encoded(progress_document(practice(), UTC), encoding=encoding)

    assert "#" * 22 in text
    assert "there -> partly there" in text
    assert "41" in encoded(history_document(listing(attempt(1, judged(41)))), encoding=encoding)


def test_foreign_words_are_shown_and_never_obeyed() -> None:
    """Markup and escape sequences in ids, models and titles reach the terminal as harmless characters."""
    hostile = "[bold]x[/] \x1b]0;pwned\x07"
    one = attempt(1, judged(50, question_id=hostile, model=hostile), bank_title=hostile)
    for view in (history_document(listing(one)), progress_document(progress_of([one]))):
        text = encoded(view, width=160)
        assert "[bold]x[/]" in text
        assert "\x1b" not in text
        assert "\x07" not in text
