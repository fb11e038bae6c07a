"""What is shown on standard error while something takes long: on a terminal, in a log, and when it is to be quiet."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

import pytest
from assessment_factory import VERDICTS, dicom_bank, dicom_question
from rich.console import Console

from coach.bank.questions import Check
from coach.cli.progress import Display
from coach.judge.judging import CheckVerdict, Verdict


class Screen:
    """A display and what it writes; its clock stands still until it is set."""

    def __init__(self, *, terminal: bool = True, quiet: bool = False, encoding: str = "utf-8") -> None:
        self.now = 0.0
        self._bytes = io.BytesIO()
        file = io.TextIOWrapper(self._bytes, encoding=encoding, write_through=True)
        console = Console(
            file=file, width=100, force_terminal=terminal, color_system=None, legacy_windows=False, _environ={}
        )
        self.display = Display(quiet, console, lambda: self.now)
        self._encoding = encoding

    def text(self) -> str:
        """Return all that was written."""
        return self._bytes.getvalue().decode(self._encoding)

    def lines(self) -> list[str]:
        """Return the lines that were written, without control sequences."""
        return [line.strip() for line in re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\r", "\n", self.text()).splitlines()]


def judge(screen: Screen, checks: Iterable[Check], *, show_score: bool = True) -> None:
    """Tell the display the verdicts on checks, each twice."""
    with screen.display as display:
        on_verdict = display.judging(dicom_bank(), dicom_question(), show_score=show_score)
        for check in checks:
            verdict, probability, sentences = VERDICTS[check.id]
            for _ in range(2):
                on_verdict(check, CheckVerdict(check.id, verdict, probability, sentences))


def checks() -> list[Check]:
    """Return the checks of the shipped question in order."""
    return dicom_bank().checks_of(dicom_question())


def test_nothing_is_drawn_before_there_is_something_to_wait_for() -> None:
    """The screen is left to others until it is needed, and as it was in the end."""
    screen = Screen()
    with screen.display as display:
        assert screen.text() == ""
        display.step("Preparing the model", 43, 100)
    assert re.search(r"Preparing the model .* 43%", screen.text())
    assert screen.text().rindex("\x1b[?25h") > screen.text().rindex("\x1b[?25l")


def test_the_screen_is_given_back_when_something_fails() -> None:
    """An error passes through, and the cursor is there again."""
    screen = Screen()

    def fail() -> None:
        with screen.display as display:
            display.step("Looking at the bank")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert screen.text().rindex("\x1b[?25h") > screen.text().rindex("\x1b[?25l")


def test_a_log_gets_one_line_for_what_takes_long() -> None:
    """What is done at once is not worth a line."""
    screen = Screen(terminal=False)
    with screen.display as display:
        display.step("Looking at the bank")
        for done in range(0, 101, 10):
            display.step("Preparing the model", done, 100)

    assert screen.text() == "Preparing the model ...\n"


def test_a_log_gets_at_most_one_line_a_second_about_rows() -> None:
    """Done, failed, rate, time left and what else there is; what an earlier run did does not count for the rate."""
    screen = Screen(terminal=False)
    with screen.display as display:
        display.count("Grading", 0, 100)
        screen.now = 60.0
        display.count("Grading", 40, 100, fresh=30, failed=2, about=["10,000 tokens", "$0.5000"])
        for step in range(9):
            screen.now += 0.1
            display.count("Grading", 41 + step, 100)
        for _ in range(2):
            display.count("Grading", 100, 100)

    first = "40 of 100 done, 2 failed, 30 a minute, 2 min left, 10,000 tokens, $0.5000"
    assert screen.lines() == [first, "100 of 100 done, 99 a minute, 0 s left"]


def test_a_terminal_shows_rows_as_a_bar() -> None:
    """With the same words beside it."""
    screen = Screen()
    with screen.display as display:
        display.count("Grading", 0, 10)
        screen.now = 60.0
        display.count("Grading", 4, 10, failed=1)

    assert re.search(r"Grading .* 4/10 · 1 failed · 4 a minute · 2 min left", screen.text())


@pytest.mark.parametrize(("seconds", "left"), [(40, "40 s"), (600, "10 min"), (7500, "2 h 05 min")])
def test_time_left_is_said_as_people_do(seconds: float, left: str) -> None:
    """Seconds, minutes, hours."""
    screen = Screen(terminal=False)
    with screen.display as display:
        display.count("Grading", 0, 2)
        screen.now = seconds
        display.count("Grading", 1, 2)

    assert screen.lines()[0].endswith(f", {left} left")


@pytest.mark.parametrize(("terminal", "quiet"), [(True, True), (False, True), (False, False)])
def test_verdicts_are_for_terminals(terminal: bool, quiet: bool) -> None:
    """Logs and pipes stay clean, and quiet is quiet about everything."""
    screen = Screen(terminal=terminal, quiet=quiet)
    judge(screen, checks())
    if quiet:
        with screen.display as display:
            display.step("Preparing the model", 0, 100)
            screen.now = 60.0
            display.count("Grading", 4, 10)

    assert screen.text() == ""


def test_a_criterion_is_shown_as_soon_as_its_last_check_is_decided() -> None:
    """Its line comes with the last of its checks, in whatever order these come, and only once."""
    forward, backward, half = Screen(), Screen(), Screen()
    judge(forward, checks())
    judge(backward, reversed(checks()))
    judge(half, [check for check in checks() if check.criterion == "concepts"][:-1])

    titles = ["Understanding of the concepts", "Use in practice", "Own experience"]
    shown = [[line.split("  ")[0] for line in screen.lines() if "━" in line] for screen in (forward, backward)]
    decided = [[title for title in titles_ if title in titles] for titles_ in shown]
    assert decided == [titles, titles[::-1]]
    assert not any(line.startswith(titles[0] + "  ━") for line in half.lines())


def test_the_bar_names_the_criterion_at_hand() -> None:
    """People see what is being judged and how far it is."""
    screen = Screen()
    judge(screen, [check for check in checks() if check.criterion == "concepts"])

    assert re.search(r"Use in practice .* 5/13", screen.text())


def test_without_numbers_only_the_words_are_shown() -> None:
    """The bar of a criterion is a number in disguise, so it goes too."""
    screen = Screen()
    judge(screen, checks(), show_score=False)

    assert any(re.fullmatch(r"Own experience +[A-Z][a-z]+", line) for line in screen.lines())


def test_a_criterion_that_could_not_be_judged_is_no_zero() -> None:
    """Without a mark there is no bar and no level."""
    screen = Screen()
    with screen.display as display:
        on_verdict = display.judging(dicom_bank(), dicom_question())
        for check in checks():
            on_verdict(check, CheckVerdict(check.id, Verdict.UNJUDGED, None, comment="no reply"))

    assert "Own experience                 Not judged" in screen.lines()


def test_a_terminal_without_these_characters_gets_others() -> None:
    """The bars of an ASCII terminal are made of what it has."""
    screen = Screen(encoding="ascii")
    judge(screen, checks())

    assert re.search(r"Own experience +#+-*  ", screen.text())
