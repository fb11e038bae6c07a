"""The report on a comparison, alone or at the end of a series: honest about noise, and never unkind.

What was lost stands first, then what was gained, the two texts, new claims, and what is still missing. Without scores,
no text holds a digit of a score, an interval, a difference, a probability or a gain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coach.bank.questions import Bank, Question, Rubric
from coach.compare.result import (
    ComparedVersion,
    Comparison,
    ComparisonSeries,
    ComparisonVerdict,
    DiffSegment,
    SeriesRow,
    SeriesStep,
)
from coach.judge.judging import Verdict
from coach.report import words
from coach.report.assessment import question_heading, step_blocks
from coach.report.display_text import one_line, reflow, visible_part
from coach.report.document import (
    Block,
    Card,
    Column,
    DiffPiece,
    Document,
    Heading,
    Item,
    Items,
    Notice,
    Paragraph,
    Quote,
    Receipt,
    Span,
    Standing,
    Table,
    TextDiff,
    joined,
)
from coach.submit.changes import CheckChange
from coach.submit.feedback import STEPS
from coach.submit.scoring import SCORING_RULE, level_of

_NOT_COMPARED = "Not compared"
_VERDICTS: dict[ComparisonVerdict, str] = {
    "improved": "Improved",
    "worse": "Worse",
    "no_clear_change": "No clear change",
}
_EXAMPLE_VERDICTS: dict[ComparisonVerdict, str] = {
    "improved": "The example shows more",
    "worse": "Your answer shows more",
    "no_clear_change": "No clear difference",
}
_EXAMPLE_EXPLANATIONS: dict[ComparisonVerdict, str] = {
    "improved": "The example shows more of what an interviewer listens for than your answer does.",
    "worse": "Your answer shows more of what an interviewer listens for than this example does.",
    "no_clear_change": "Your answer shows about as much of what an interviewer listens for as the example.",
}
_EXAMPLE_NOTE = (
    "This is one example of a strong answer, not the right answer: others are as good. Take over its ideas, never its "
    "facts; tell what you did yourself."
)
_STATES = {
    Verdict.MET: "there",
    Verdict.PARTLY: "partly there",
    Verdict.NOT_MET: "missing",
    Verdict.UNJUDGED: "not judged",
}
_FLAG_STATES = {**_STATES, Verdict.MET: "said", Verdict.PARTLY: "perhaps said", Verdict.NOT_MET: "not said"}


def comparison_document(
    result: Comparison | ComparisonSeries,
    question: Question,
    bank: Bank,
    old: str,
    new: str,
    *,
    show_score: bool = True,
) -> Document:
    """Turn a comparison or a series into what a report shows; the texts are those of its last two versions."""
    comparison = result.latest if isinstance(result, ComparisonSeries) else result
    report = _Report(comparison, question, bank, show_score)
    series: tuple[Block, ...] = ()
    if isinstance(result, ComparisonSeries):
        last = f"The last step: {comparison.old.label} → {comparison.new.label}"
        series = (*_series_blocks(result, bank.rubric_of(question), show_score), Heading(last))
    return Document(
        f"Comparison: {one_line(question.text)}",
        (
            question_heading(question),
            *series,
            report.headline(),
            *report.notices(),
            *report.changes(),
            *report.texts(old, new),
            *report.claims(),
            *report.steps(),
            *report.missing(),
            *report.left_out(),
            report.receipt(),
        ),
    )


@dataclass(frozen=True)
class _Report:
    """The parts of the document."""

    comparison: Comparison
    question: Question
    bank: Bank
    show_score: bool

    @property
    def example(self) -> bool:
        """Whether the new version is an example, not the candidate's own."""
        return self.comparison.new.example

    @property
    def parts(self) -> tuple[str, str]:
        """What the two versions are called."""
        return ("Your answer", "Example") if self.example else ("Old", "New")

    def headline(self) -> Card:
        """Say which version is better, how surely, and where both stand."""
        comparison, rubric = self.comparison, self.bank.rubric_of(self.question)
        verdict = comparison.verdict
        name = _NOT_COMPARED if verdict is None else (_EXAMPLE_VERDICTS if self.example else _VERDICTS)[verdict]
        if self.example or verdict in (None, "no_clear_change"):
            tone = Standing.PARTLY
        else:
            tone = Standing.EARNED if verdict == "improved" else Standing.AGAINST
        versions = [
            Item((Span(f"{part}:", "strong"), f" {version.label} · {_standing(version, rubric, self.show_score)}"))
            for part, version in zip(self.parts, (comparison.old, comparison.new), strict=True)
        ]
        note = [Paragraph(_EXAMPLE_NOTE, "italic")] if comparison.old.example or self.example else []
        blocks: tuple[Block, ...] = (Paragraph(explanation(comparison)), *note, Items(tuple(versions)))
        return Card(Span(name, "strong", tone), self._difference(), blocks, headline=True)

    def _difference(self) -> str:
        difference = self.comparison.difference
        if difference is None or not self.show_score:
            return ""
        low, high = (signed(edge) for edge in self.comparison.interval or (0.0, 0.0))
        text = difference_text(difference)
        return f"{text}, likely between {low} and {high}" if low != high else text

    def notices(self) -> tuple[Block, ...]:
        """Say what is to know about the answers."""
        # What asks for a human look may hold the score's interval.
        shown = [w for w in self.comparison.warnings if self.show_score or w.code != "needs_review"]
        messages = tuple(dict.fromkeys(warning.message for warning in shown))
        return (Notice(words.NOTICES_TITLE, messages),) if messages else ()

    def changes(self) -> Iterator[Block]:
        """Tell what was lost and gained."""
        said, example = self.comparison, self.example
        good, bad = (Standing.AGAINST, Standing.EARNED) if example else (Standing.EARNED, Standing.AGAINST)
        groups = (
            (said.lost, bad, "Lost: put this back first", "What your answer shows and the example does not"),
            (
                said.red_flags_appeared,
                Standing.AGAINST,
                "New, and it counts against you",
                "What would count against the example",
            ),
            (said.gained, Standing.EARNED, "Gained", "What the example shows and your answer does not"),
            (
                said.red_flags_gone,
                good,
                "Gone: this no longer counts against you",
                "What counts against your answer and not against the example",
            ),
        )
        numbers = self._numbers()
        for changes, standing, title, example_title in groups:
            if not changes:
                continue
            yield Heading(example_title if example else title)
            if changes is said.lost and not example:
                yield Paragraph("The old version showed it. Its sentence is quoted, so that it can go back in.", "dim")
            yield Items(tuple(self._change(change, standing, numbers[change.check_id]) for change in changes))
        if said.red_flags_remaining:
            yield Heading("Still counts against you")
            yield Items(tuple(self._item(change, Standing.AGAINST, "") for change in said.red_flags_remaining))

    def _numbers(self) -> dict[str, int]:
        """Return the number of each change, by its check."""
        return {change.check_id: number for number, change in enumerate(self.comparison.changes(), 1)}

    def _change(self, change: CheckChange, standing: Standing, number: int) -> Item:
        """Return what happened to a check."""
        points = points_text(change.points) if self.show_score else ""
        hint = f"change {number}, show it in the text"
        marker = Span(f"[{number}]", "marker", standing, to=f"quote-{change.check_id}", hint=hint)
        note = self._acknowledgements().get(change.check_id, "")
        return self._item(change, standing, ", ".join(filter(None, (step_text(change), points))), marker, note)

    def _item(
        self, change: CheckChange, standing: Standing, aside: str, marker: Span | str = "", note: str = ""
    ) -> Item:
        text = joined(" ", marker, change.statement, Span(f"({aside})" if aside else "", "strong"))
        old, new = ([one_line(item.quote) for item in side] for side in (change.old_evidence, change.new_evidence))
        sides = {"both": old} if old == new else dict(zip(map(str.lower, self.parts), (old, new), strict=True))
        quotes = tuple((Span(f"{part}:", "dim"), f" “{quote}”") for part, side in sides.items() for quote in side)
        blocks: list[Block] = [Quote(quotes, standing)] if quotes else []
        blocks += [Paragraph(note, "italic")] if note else []
        return Item(text, standing, tuple(blocks), id=f"point-{change.check_id}")

    def _acknowledgements(self) -> dict[str, str]:
        notes = {}
        for item in self.comparison.followed_advice:
            left = words.gain_text(item.gain_left) if self.show_score else ""
            notes[item.check_id] = (
                "You followed the advice on this."
                if item.complete
                else f"You began to follow the advice on this. Completing it can bring {left or 'more'}."
            )
        return notes

    def texts(self, old: str, new: str) -> tuple[Block, ...]:
        """Show both texts with what differs."""
        pieces = diff_pieces(self.comparison.diff.segments, old, new, self._numbers())
        if not pieces:
            return ()
        versions = zip(self.parts, (self.comparison.old, self.comparison.new), strict=True)
        first, second = (f"{part}: {version.label}" for part, version in versions)
        return Heading("The text, old and new"), TextDiff((first, second), pieces)

    def claims(self) -> tuple[Block, ...]:
        """Name the facts that only the new version tells, sentence by sentence."""
        by_sentence: dict[str, list[str]] = {}
        for claim in self.comparison.new_claims:
            by_sentence.setdefault(one_line(claim.evidence.quote), []).append(one_line(claim.claim))
        if not by_sentence:
            return ()
        items = [Item((Span(f"{', '.join(facts)}:", "strong"), f" “{quote}”")) for quote, facts in by_sentence.items()]
        hint = "Only the new version says this. Make sure that it is true of you: an interviewer may ask about it."
        return (
            Heading("New claims: be ready to explain them"),
            Paragraph(hint, "dim"),
            Items(tuple(items)),
        )

    def steps(self) -> tuple[Block, ...]:
        """Return the advice that can bring most now."""
        titles = {criterion.id: criterion.title for criterion in self.bank.rubric_of(self.question).criteria}
        checks = self.bank.checks_of(self.question)
        verbs = {check.id: words.STEP_VERBS[Standing.AGAINST] for check in checks if check.kind == "red_flag"}
        if not self.example:
            verbs |= {change.check_id: "Put back" for change in self.comparison.lost}
        homes = {check.id: titles.get(check.criterion, "") for check in checks}
        return step_blocks(self.comparison.next_advice[:STEPS], homes, verbs, self.show_score)

    def missing(self) -> tuple[Block, ...]:
        """Name what neither version shows in full."""
        if not self.comparison.still_missing:
            return ()
        steps = {item.check_id: f"see step {n}" for n, item in enumerate(self.comparison.next_advice[:STEPS], 1)}
        items = [
            self._item(change, Standing.MISSING, steps.get(change.check_id, ""))
            for change in self.comparison.still_missing
        ]
        return Heading("Still missing in your answer" if self.example else "Still missing"), Items(tuple(items))

    def left_out(self) -> tuple[Block, ...]:
        """Name the checks that say nothing about the difference."""
        items = [Item(f"{item.statement} ({item.reason})", Standing.UNJUDGED) for item in self.comparison.left_out]
        return (Heading("Left out of the comparison"), Items(tuple(items))) if items else ()

    def receipt(self) -> Receipt:
        """Say how the verdict is found, and who judged each version."""
        comparison = self.comparison
        lines: list[tuple[str, ...]] = [(comparison.rule,)] if self.show_score and comparison.verdict else []
        for part, version in zip(self.parts, (comparison.old, comparison.new), strict=True):
            who, how = words.receipt_lines(version.receipt, judged=version.score is not None)
            lines += [(f"{part}: {who[0]}", *who[1:]), how]
        # What both share, such as method and prompts at the same minute, is told once.
        return Receipt(tuple(dict.fromkeys(lines)))


def _level(version: ComparedVersion, rubric: Rubric) -> str:
    if version.score is None:
        return words.NOT_SCORED
    older = " (by an older scoring rule)" if version.receipt.scoring_rule != SCORING_RULE else ""
    return words.level_word(level_of(version.score / 100), rubric) + older


def _standing(version: ComparedVersion, rubric: Rubric, show_score: bool) -> str:
    level = _level(version, rubric)
    if version.score is None:
        return f"{level}: {version.unscored_reason or 'it could not be judged.'}"
    if not show_score:
        return level
    between = f", likely between {_range(version)}" if version.interval else ""
    return f"{level} · {words.whole(version.score)} of 100{between}"


def _range(version: ComparedVersion) -> str:
    return " and ".join(str(words.whole(edge)) for edge in version.interval or ())


def difference_text(difference: float) -> str:
    """Return a difference of two scores in words, such as ``11 points more``."""
    points = words.whole(abs(difference))
    if points == 0:
        return "no points more or fewer"
    return f"{words.counted(points, 'point')} {'more' if difference > 0 else 'fewer'}"


def signed(points: float) -> str:
    """Return points with their sign, such as ``+7``, ``-3`` or ``0``."""
    number = words.whole(abs(points))
    return "0" if number == 0 else f"{'+' if points > 0 else '-'}{number}"


def points_text(points: float) -> str:
    """Return what one check moved; less than half a point is not worth a number."""
    number = words.whole(abs(points))
    return f"{signed(points)} point{'s' if number > 1 else ''}" if number else ""


def step_text(change: CheckChange) -> str:
    """Return how a check changed, such as ``missing → there``."""
    states = _STATES if change.kind == "point" else _FLAG_STATES
    return f"{states[change.old_verdict]} → {states[change.new_verdict]}"


def explanation(comparison: Comparison) -> str:
    """Return what the verdict means; no kinder than the verdict, and no harder."""
    if comparison.verdict is None:
        return comparison.no_verdict_reason or ""
    if comparison.new.example:
        return _EXAMPLE_EXPLANATIONS[comparison.verdict]
    if comparison.verdict == "improved":
        text = "The new version is better: the difference is larger than what rewording alone can move."
        return f"{text} It also lost something; that stands first." if comparison.lost else text
    return _worse(comparison) if comparison.verdict == "worse" else _no_clear_change(comparison)


def _worse(comparison: Comparison) -> str:
    text = "The new version shows less of what an interviewer listens for than the old one."
    if comparison.lost:
        return f"{text} What was lost stands first; putting it back is the quickest way up."
    if comparison.red_flags_appeared:
        return f"{text} A new statement counts against you; taking it out is the quickest way up."
    return text


def _no_clear_change(comparison: Comparison) -> str:
    if comparison.old.answer_sha256 == comparison.new.answer_sha256:
        return "The two texts are the same."
    up = comparison.gained or comparison.red_flags_gone
    down = comparison.lost or comparison.red_flags_appeared
    if up and down:
        return (
            "Some things were gained and some were lost; together the difference is too small to call. Put back what "
            "was lost, and the new version is the better one."
        )
    text = (
        "The difference is too small to call: rewording alone can move as much. That says nothing against your work; "
        "what an interviewer listens for is simply there as much as before."
    )
    return f"{text} Aim the next draft at the steps below." if comparison.next_advice else text


def diff_pieces(
    segments: Sequence[DiffSegment], old: str, new: str, numbers: Mapping[str, int]
) -> tuple[DiffPiece, ...]:
    """Return the pieces of two texts made fit for display; ``numbers`` gives the number of a change by its check.

    Each change has its marker at the last piece of either text that brought it.
    """
    shown_old, shown_new = reflow(old), reflow(new)
    last = {(s.kind, check_id): s for s in segments for check_id in s.check_ids if check_id in numbers}
    pieces = []
    for segment in segments:
        ending = [check_id for check_id in segment.check_ids if last.get((segment.kind, check_id)) is segment]
        piece = DiffPiece(
            kind=segment.kind,
            old=visible_part(shown_old[segment.old_start : segment.old_end]),
            new=visible_part(shown_new[segment.new_start : segment.new_end]),
            moved=segment.moved,
            markers=tuple(_marker(check_id, numbers[check_id]) for check_id in sorted(ending, key=numbers.__getitem__)),
        )
        pieces += [piece] if piece.old or piece.new else []
    return tuple(pieces)


def _marker(check_id: str, number: int) -> Span:
    hint = f"change {number}, show what it is about"
    return Span(f"[{number}]", "marker", id=f"quote-{check_id}", to=f"point-{check_id}", hint=hint)


def _series_blocks(series: ComparisonSeries, rubric: Rubric, show_score: bool) -> Iterator[Block]:
    """Tell of all versions: a table, which one is best and how surely, and what each but the last changed."""
    headings = ["Version", "Level", *(["Score", "Likely between"] if show_score else [])]
    columns = [Column(heading, right=heading == "Score") for heading in headings]
    columns += [Column("Against the one before"), Column("Against the first")]
    best = [place for place, row in enumerate(series.rows) if row.best]
    yield Heading("The whole series")
    rows = tuple(_cells(row, rubric, show_score) for row in series.rows)
    yield Table(tuple(columns), rows, best[0] if best else None)
    yield Paragraph(Span(_best(series), "strong"))
    # What the last version changed is told in full below.
    for row in series.rows[:-1]:
        yield from _version_changes(row)


def _cells(row: SeriesRow, rubric: Rubric, show_score: bool) -> tuple[str, ...]:
    version = row.version
    score = "" if version.score is None else str(words.whole(version.score))
    return (
        version.label + (" (best)" if row.best else ""),
        _level(version, rubric),
        *((score, _range(version)) if show_score else ()),
        _verdict(row.against_previous, show_score),
        _verdict(row.against_first, show_score),
    )


def _verdict(step: SeriesStep | None, show_score: bool) -> str:
    if step is None:
        return ""
    if step.verdict is None or step.difference is None:
        return _NOT_COMPARED
    word = _VERDICTS[step.verdict]
    return f"{word} ({signed(step.difference)})" if show_score else word


def _version_changes(row: SeriesRow) -> Iterator[Block]:
    """Tell what one version lost and gained since the one before, or why it could not be judged."""
    step, reason = row.against_previous, row.version.unscored_reason
    lost = [*step.lost, *step.red_flags_appeared] if step else []
    gained = [*step.gained, *step.red_flags_gone] if step else []
    if reason or lost or gained:
        yield Paragraph(f"{row.version.label}: {reason}" if reason else f"{row.version.label}, since the one before:")
    items = [
        Item(f"{words.check_text(change.kind, change.statement)} ({step_text(change)})", standing)
        for changes, standing in ((lost, Standing.AGAINST), (gained, Standing.EARNED))
        for change in changes
    ]
    if items:
        yield Items(tuple(items))


def _best(series: ComparisonSeries) -> str:
    if series.best is None:
        return "None of the versions has a score, so none is the best one."
    if not series.not_clearly_better_than:
        return f"Best: {series.best}. It is clearly better than every other version."
    others = ", ".join(series.not_clearly_better_than)
    return f"Best: {series.best} has the highest score, but it is not clearly better than {others}."
