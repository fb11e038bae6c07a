"""Tests of coach.report.live."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import pytest
from assessment_factory import VERDICTS, dicom_question, dicom_rubric, shipped_bank
from rich.console import Console

from coach.bank.questions import Check, Criterion
from coach.judge.judging import CheckVerdict, Verdict
from coach.report.live import LiveProgress, Mark


def checks() -> list[Check]:
    """Return the checks of the shipped question in order."""
    return shipped_bank().checks_of(dicom_question())


def verdict_on(check: Check) -> CheckVerdict:
    """Return the realistic verdict on a check."""
    verdict, probability, sentences = VERDICTS[check.id]
    return CheckVerdict(check.id, verdict, probability, sentences)


def half(criterion: Criterion, verdicts: Sequence[tuple[Check, CheckVerdict]]) -> Mark:
    """Mark every criterion with half the credit."""
    assert [check.criterion for check, _ in verdicts] == [criterion.id] * len(verdicts)
    return Mark(0.5, 2)


def live(output: io.StringIO, *, terminal: bool = True, quiet: bool = False, **options: bool) -> LiveProgress:
    """Return a progress that writes to ``output``."""
    console = Console(
        file=output, width=100, force_terminal=terminal, color_system=None, legacy_windows=False, _environ={}
    )
    return LiveProgress(dicom_rubric().criteria, checks(), half, console, quiet=quiet, **options)


def written(output: io.StringIO) -> list[str]:
    """Return the lines that were written, without control sequences."""
    return [line.strip() for line in re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\r", "\n", output.getvalue()).splitlines()]


@pytest.mark.parametrize("options", [{"terminal": False}, {"quiet": True}])
def test_nothing_is_shown_without_a_terminal_or_when_quiet(options: dict[str, bool]) -> None:
    """Logs and pipes stay clean."""
    output = io.StringIO()

    with live(output, **options) as progress:
        for check in checks():
            progress.on_verdict(check, verdict_on(check))

    assert output.getvalue() == ""


def test_a_criterion_is_shown_as_soon_as_its_last_check_is_decided() -> None:
    """Its line comes with the last of its checks, not before, and only once."""
    output = io.StringIO()
    first = [check for check in checks() if check.criterion == "concepts"]
    line = "Understanding of the concepts  ━━━━━━━━━━━━────────────  Developing"

    with live(output) as progress:
        for check in first[:-1]:
            progress.on_verdict(check, verdict_on(check))
        assert line not in written(output)
        progress.on_verdict(first[-1], verdict_on(first[-1]))
        progress.on_verdict(first[-1], verdict_on(first[-1]))

    assert written(output).count(line) == 1


def test_verdicts_may_come_in_any_order() -> None:
    """Every criterion is shown once, in the order in which they are completed."""
    output = io.StringIO()

    with live(output) as progress:
        for check in reversed(checks()):
            progress.on_verdict(check, verdict_on(check))

    titles = [line.split("  ")[0] for line in written(output) if line.endswith("Developing")]
    assert titles == ["Own experience", "Use in practice", "Understanding of the concepts"]


def test_the_bar_names_the_criterion_at_hand() -> None:
    """People see what is being judged and how far it is."""
    output = io.StringIO()

    with live(output) as progress:
        for check in checks():
            if check.criterion == "concepts":
                progress.on_verdict(check, verdict_on(check))

    shown = "\n".join(written(output))
    assert re.search(r"Use in practice .* 5/13", shown)


def test_without_numbers_only_the_words_are_shown() -> None:
    """The bar of a criterion is a number in disguise, so it goes too."""
    output = io.StringIO()

    with live(output, show_score=False) as progress:
        for check in checks():
            progress.on_verdict(check, verdict_on(check))

    assert "Own experience                 Developing" in written(output)


def test_a_criterion_that_could_not_be_judged_is_no_zero() -> None:
    """Without a mark there is no bar and no level."""
    output = io.StringIO()
    console = Console(file=output, width=100, force_terminal=True, color_system=None, _environ={})
    experience = [check for check in checks() if check.criterion == "experience"]

    def nothing(criterion: Criterion, verdicts: Sequence[tuple[Check, CheckVerdict]]) -> Mark:
        return Mark(None, None)

    with LiveProgress(dicom_rubric().criteria, experience, nothing, console) as progress:
        for check in experience:
            progress.on_verdict(check, CheckVerdict(check.id, Verdict.UNJUDGED, None, comment="no reply"))

    assert "Own experience                 Not judged" in written(output)


def test_the_bar_is_gone_when_judging_fails() -> None:
    """An error passes through, and the cursor is given back."""
    output = io.StringIO()

    with pytest.raises(RuntimeError), live(output):
        raise RuntimeError

    assert output.getvalue().rindex("\x1b[?25h") > output.getvalue().rindex("\x1b[?25l")
