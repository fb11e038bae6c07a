"""What a report on a comparison says, decided once for the terminal, Markdown and HTML.

Every string of a view is fit for display (see ``display_text``); the writers add only their own syntax. Without
scores, no field holds a digit of a score, an interval, a difference, a probability or a gain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coach.bank.questions import Bank, Question, Rubric
from coach.compare import comparison_words
from coach.compare.comparison import ComparedVersion, Comparison, NewClaim
from coach.compare.comparison_diff import DiffPiece, diff_pieces
from coach.report import words
from coach.report.display_text import one_line
from coach.report.document import Standing
from coach.report.view_parts import Notice, Step
from coach.submit.assessment import Evidence
from coach.submit.changes import CheckChange
from coach.submit.feedback import STEPS
from coach.submit.scoring import level_of


@dataclass(frozen=True)
class VersionView:
    """One version: its part ("Old", "New", "Example"), its name, and where it stands in a few words."""

    part: str
    label: str
    standing: str


@dataclass(frozen=True)
class QuoteView:
    """A quoted sentence, and the version it stands in."""

    part: str
    text: str


@dataclass(frozen=True)
class ChangeView:
    """One check that changed or is still open; ``number`` is its marker in the text diff (None when it has none)."""

    number: int | None
    statement: str
    step: str
    points: str
    quotes: tuple[QuoteView, ...]
    note: str = ""


@dataclass(frozen=True)
class ChangeGroup:
    """Checks to which the same happened, under one heading."""

    title: str
    hint: str
    standing: Standing
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True)
class ClaimView:
    """The new facts of one sentence, and the sentence."""

    claims: tuple[str, ...]
    quote: str


@dataclass(frozen=True)
class ComparisonView:
    """The report on one comparison; empty parts are left out by the writers."""

    question_id: str
    question_number: int
    question: str
    verdict: str
    #: How the verdict is to be felt: earned, against, or partly (in between).
    tone: Standing
    #: Such as "11 points more, likely between +7 and +15"; empty without numbers.
    difference: str
    explanation: str
    example_note: str
    versions: tuple[VersionView, VersionView]
    notices: tuple[Notice, ...]
    groups: tuple[ChangeGroup, ...]
    steps: tuple[Step, ...]
    missing: ChangeGroup | None
    claims: tuple[ClaimView, ...]
    pieces: tuple[DiffPiece, ...]
    left_out: tuple[tuple[str, str], ...]
    rule: str
    #: Lines, each as the parts that a writer joins.
    receipt: tuple[tuple[str, ...], ...]

    @property
    def steps_title(self) -> str:
        """The heading above the steps."""
        return words.steps_title(len(self.steps))


def build_comparison_view(
    comparison: Comparison, question: Question, bank: Bank, old_text: str, new_text: str, *, show_score: bool = True
) -> ComparisonView:
    """Turn a comparison into what a report shows; the texts are those of the two versions as given."""
    numbers = {change.check_id: number for number, change in enumerate(comparison.changes(), 1)}
    rubric = bank.rubric_of(question)
    parts = _parts(comparison)
    return ComparisonView(
        question_id=question.id,
        question_number=question.number,
        question=one_line(question.text),
        verdict=comparison_words.verdict_word(comparison),
        tone=_tone(comparison),
        difference=_difference(comparison) if show_score else "",
        explanation=one_line(comparison_words.explanation(comparison)),
        example_note=comparison_words.EXAMPLE_NOTE if comparison.old.example or comparison.new.example else "",
        versions=(
            _version(parts[0], comparison.old, rubric, show_score),
            _version(parts[1], comparison.new, rubric, show_score),
        ),
        notices=_notices(comparison, show_score),
        groups=tuple(_groups(comparison, numbers, parts, show_score)),
        steps=_steps(comparison, bank, question, show_score),
        missing=_missing(comparison, parts),
        claims=_claims(comparison.new_claims),
        pieces=diff_pieces(comparison.diff, old_text, new_text, numbers),
        left_out=tuple((one_line(item.statement), one_line(item.reason)) for item in comparison.left_out),
        rule=comparison.rule if show_score and comparison.verdict else "",
        receipt=_receipt(comparison, parts),
    )


def level_text(version: ComparedVersion, rubric: Rubric) -> str:
    """Return the level of a version in words."""
    return words.NOT_SCORED if version.score is None else words.level_word(level_of(version.score / 100), rubric)


def range_text(interval: tuple[float, float] | None) -> str:
    """Return the interval of a score, such as ``52 and 69``; empty when there is none."""
    return f"{words.whole(interval[0])} and {words.whole(interval[1])}" if interval else ""


def _parts(comparison: Comparison) -> tuple[str, str]:
    return ("Your answer", "Example") if comparison.new.example else ("Old", "New")


def _tone(comparison: Comparison) -> Standing:
    if comparison.new.example or comparison.verdict in (None, "no_clear_change"):
        return Standing.PARTLY
    return Standing.EARNED if comparison.verdict == "improved" else Standing.AGAINST


def _difference(comparison: Comparison) -> str:
    if comparison.difference is None:
        return ""
    text = comparison_words.difference_text(comparison.difference)
    low, high = (comparison_words.signed(edge) for edge in comparison.interval or (0.0, 0.0))
    return f"{text}, likely between {low} and {high}" if low != high else text


def _version(part: str, version: ComparedVersion, rubric: Rubric, show_score: bool) -> VersionView:
    standing = level_text(version, rubric)
    if version.score is None:
        standing += f": {one_line(version.unscored_reason or 'it could not be judged.')}"
    elif show_score:
        between = f", likely between {range_text(version.interval)}" if version.interval else ""
        standing += f" · {words.whole(version.score)} of 100{between}"
    return VersionView(part, one_line(version.label), standing)


def _notices(comparison: Comparison, show_score: bool) -> tuple[Notice, ...]:
    # What asks for a human look may hold the score's interval.
    shown = [w for w in comparison.warnings if show_score or w.code != "needs_review"]
    messages = tuple(dict.fromkeys(one_line(warning.message) for warning in shown))
    return (Notice(words.NOTICES_TITLE, messages),) if messages else ()


def _groups(
    comparison: Comparison, numbers: Mapping[str, int], parts: tuple[str, str], show_score: bool
) -> list[ChangeGroup]:
    said, example = comparison_words, comparison.new.example
    titled: list[tuple[Sequence[CheckChange], str, str, Standing]] = [
        (
            comparison.lost,
            said.EXAMPLE_LOST_TITLE if example else said.LOST_TITLE,
            "" if example else said.LOST_HINT,
            Standing.EARNED if example else Standing.AGAINST,
        ),
        (
            comparison.red_flags_appeared,
            said.EXAMPLE_APPEARED_TITLE if example else said.APPEARED_TITLE,
            "",
            Standing.AGAINST,
        ),
        (comparison.gained, said.EXAMPLE_GAINED_TITLE if example else said.GAINED_TITLE, "", Standing.EARNED),
        (
            comparison.red_flags_gone,
            said.EXAMPLE_GONE_TITLE if example else said.GONE_TITLE,
            "",
            Standing.AGAINST if example else Standing.EARNED,
        ),
        (comparison.red_flags_remaining, said.REMAINING_TITLE, "", Standing.AGAINST),
    ]
    notes = _acknowledgements(comparison, show_score)
    return [
        ChangeGroup(
            title,
            hint,
            standing,
            tuple(_change(c, numbers.get(c.check_id), parts, show_score, notes.get(c.check_id, "")) for c in changes),
        )
        for changes, title, hint, standing in titled
        if changes
    ]


def _acknowledgements(comparison: Comparison, show_score: bool) -> dict[str, str]:
    notes = {}
    for item in comparison.followed_advice:
        left = words.gain_text(item.gain_left) if show_score else ""
        notes[item.check_id] = (
            "You followed the advice on this."
            if item.complete
            else f"You began to follow the advice on this. Completing it can bring {left or 'more'}."
        )
    return notes


def _change(
    change: CheckChange, number: int | None, parts: tuple[str, str], show_score: bool, note: str = ""
) -> ChangeView:
    return ChangeView(
        number=number,
        statement=one_line(change.statement),
        step=comparison_words.step_text(change) if number is not None else "",
        points=comparison_words.points_text(change.points) if show_score and number is not None else "",
        quotes=_quotes(parts, change.old_evidence, change.new_evidence),
        note=note,
    )


def _quotes(parts: tuple[str, str], old: Sequence[Evidence], new: Sequence[Evidence]) -> tuple[QuoteView, ...]:
    texts = [[one_line(item.quote) for item in side] for side in (old, new)]
    if texts[0] == texts[1]:
        return tuple(QuoteView("both", text) for text in texts[0])
    return tuple(QuoteView(part.lower(), text) for part, side in zip(parts, texts, strict=True) for text in side)


def _missing(comparison: Comparison, parts: tuple[str, str]) -> ChangeGroup | None:
    if not comparison.still_missing:
        return None
    title = comparison_words.EXAMPLE_MISSING_TITLE if comparison.new.example else comparison_words.MISSING_TITLE
    steps = {item.check_id: f"see step {number}" for number, item in enumerate(comparison.next_advice[:STEPS], 1)}
    changes = tuple(
        replace(_change(change, None, parts, show_score=False), step=steps.get(change.check_id, ""))
        for change in comparison.still_missing
    )
    return ChangeGroup(title, "", Standing.MISSING, changes)


def _steps(comparison: Comparison, bank: Bank, question: Question, show_score: bool) -> tuple[Step, ...]:
    titles = {criterion.id: criterion.title for criterion in bank.rubric_of(question).criteria}
    checks = {check.id: check for check in bank.checks_of(question)}
    lost = set() if comparison.new.example else {change.check_id for change in comparison.lost}
    steps = []
    for number, item in enumerate(comparison.next_advice[:STEPS], 1):
        check = checks.get(item.check_id)
        standing = Standing.AGAINST if check and check.kind == "red_flag" else Standing.MISSING
        steps.append(
            Step(
                number=number,
                verb=comparison_words.PUT_BACK if item.check_id in lost else words.step_verb(standing),
                criterion=one_line(titles[check.criterion]) if check else "",
                advice=one_line(item.advice),
                gain=words.gain_text(item.gain) if show_score else "",
            )
        )
    return tuple(steps)


def _claims(claims: Sequence[NewClaim]) -> tuple[ClaimView, ...]:
    by_sentence: dict[str, list[str]] = {}
    for claim in claims:
        by_sentence.setdefault(one_line(claim.evidence.quote), []).append(one_line(claim.claim))
    return tuple(ClaimView(tuple(facts), quote) for quote, facts in by_sentence.items())


def _receipt(comparison: Comparison, parts: tuple[str, str]) -> tuple[tuple[str, ...], ...]:
    lines: list[tuple[str, ...]] = []
    for part, version in zip(parts, (comparison.old, comparison.new), strict=True):
        judged = version.score is not None
        who, how = words.receipt_lines(version.receipt, judged=judged)
        lines += [tuple(map(one_line, (f"{part}: {who[0]}", *who[1:]))), how]
    # What both share, such as method and prompts at the same minute, is told once.
    return tuple(dict.fromkeys(lines))
