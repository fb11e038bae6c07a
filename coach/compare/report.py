"""The report on a comparison, alone or at the end of a series: honest about noise, and never unkind.

What was lost stands first, then what was gained, the two texts, new claims, and what is still missing. Without scores,
no text holds a digit of a score, an interval, a difference, a probability or a gain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
    section,
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
_TONES = {"improved": Standing.EARNED, "worse": Standing.AGAINST}
#: What is said of an example beside the candidate's own answer: the verdict, and what it means.
_EXAMPLE_VERDICTS: dict[ComparisonVerdict, tuple[str, str]] = {
    "improved": (
        "The example shows more",
        "The example shows more of what an interviewer listens for than your answer does.",
    ),
    "worse": (
        "Your answer shows more",
        "Your answer shows more of what an interviewer listens for than this example does.",
    ),
    "no_clear_change": (
        "No clear difference",
        "Your answer shows about as much of what an interviewer listens for as the example.",
    ),
}
_EXAMPLE_NOTE = (
    "This is one example of a strong answer, not the right answer: others are as good. Take over its ideas, never its "
    "facts; tell what you did yourself."
)


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
        series = (*_series_blocks(result, report.rubric, show_score), Heading(last))
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


class _Report:
    """The parts of the document."""

    def __init__(self, comparison: Comparison, question: Question, bank: Bank, show_score: bool) -> None:
        self.comparison = comparison
        self.rubric = bank.rubric_of(question)
        self.checks = bank.checks_of(question)
        self.show_score = show_score
        #: Whether the new version is an example, not the candidate's own.
        self.example = comparison.new.example
        #: Each version by what it is called.
        self.versions = dict(
            zip(
                ("Your answer", "Example") if self.example else ("Old", "New"),
                (comparison.old, comparison.new),
                strict=True,
            )
        )
        #: The number of each change, by its check.
        self.numbers = {change.check_id: number for number, change in enumerate(comparison.changes(), 1)}

    def headline(self) -> Card:
        """Say which version is better, how surely, and where both stand."""
        comparison, verdict = self.comparison, self.comparison.verdict
        name, text = _NOT_COMPARED, comparison.no_verdict_reason or ""
        if verdict:
            name, text = _EXAMPLE_VERDICTS[verdict] if self.example else (_VERDICTS[verdict], _meaning(comparison))
        tone = Standing.PARTLY if self.example else _TONES.get(verdict or "", Standing.PARTLY)
        versions = [
            Item((Span(f"{part}:", "strong"), f" {version.label} · {_standing(version, self.rubric, self.show_score)}"))
            for part, version in self.versions.items()
        ]
        note = [Paragraph(_EXAMPLE_NOTE, "italic")] if comparison.old.example or self.example else []
        blocks: tuple[Block, ...] = (Paragraph(text), *note, Items(tuple(versions)))
        difference = ""
        if comparison.difference is not None and self.show_score:
            points = words.whole(abs(comparison.difference))
            more = "more" if comparison.difference > 0 else "fewer"
            difference = f"{words.counted(points, 'point')} {more}" if points else "no points more or fewer"
            low, high = (_signed(edge) for edge in comparison.interval or (0.0, 0.0))
            difference += f", likely between {low} and {high}" if low != high else ""
        return Card(Span(name, "strong", tone), difference, blocks, headline=True)

    def notices(self) -> tuple[Block, ...]:
        """Say what is to know about the answers."""
        # What asks for a human look may hold the score's interval.
        shown = [w for w in self.comparison.warnings if self.show_score or w.code != "needs_review"]
        messages = tuple(dict.fromkeys(warning.message for warning in shown))
        return (Notice(words.NOTICES_TITLE, messages),) if messages else ()

    def changes(self) -> Iterator[Block]:
        """Tell what was lost and gained."""
        said, against = self.comparison, Standing.AGAINST
        groups = (
            ("Lost: put this back first", said.lost, against),
            ("New, and it counts against you", said.red_flags_appeared, against),
            ("Gained", said.gained, Standing.EARNED),
            ("Gone: this no longer counts against you", said.red_flags_gone, Standing.EARNED),
        )
        if self.example:
            groups = (
                ("What your answer shows and the example does not", said.lost, Standing.EARNED),
                ("What would count against the example", said.red_flags_appeared, against),
                ("What the example shows and your answer does not", said.gained, Standing.EARNED),
                ("What counts against your answer and not against the example", said.red_flags_gone, against),
            )
        for title, changes, standing in groups:
            word = ""
            if changes is said.lost and not self.example:
                word = "The old version showed it. Its sentence is quoted, so that it can go back in."
            yield from section(title, [self._change(change, standing) for change in changes], word)
        remaining = [self._item(change, against, "") for change in said.red_flags_remaining]
        yield from section("Still counts against you", remaining)

    def _change(self, change: CheckChange, standing: Standing) -> Item:
        """Return what happened to a check, and what following the advice on it brought."""
        # Less than half a point is not worth a number.
        points = _signed(change.points) if self.show_score and words.whole(abs(change.points)) else ""
        points += (" point" if points in ("+1", "-1") else " points") if points else ""
        number = self.numbers[change.check_id]
        hint = f"change {number}, show it in the text"
        marker = Span(f"[{number}]", "marker", standing, to=f"quote-{change.check_id}", hint=hint)
        note = ""
        for item in self.comparison.followed_advice:
            if item.check_id == change.check_id:
                left = (words.gain_text(item.gain_left) if self.show_score else "") or "more"
                note = f"You began to follow the advice on this. Completing it can bring {left}."
                note = "You followed the advice on this." if item.complete else note
        step = words.change_text(change.kind, change.old_verdict, change.new_verdict)
        return self._item(change, standing, ", ".join(filter(None, (step, points))), marker, note)

    def _item(
        self, change: CheckChange, standing: Standing, aside: str, marker: Span | str = "", note: str = ""
    ) -> Item:
        text = joined(" ", marker, change.statement, Span(f"({aside})" if aside else "", "strong"))
        old, new = ([one_line(item.quote) for item in side] for side in (change.old_evidence, change.new_evidence))
        sides = {"both": old} if old == new else dict(zip(map(str.lower, self.versions), (old, new), strict=True))
        quotes = tuple((Span(f"{part}:", "dim"), f" “{quote}”") for part, side in sides.items() for quote in side)
        blocks: list[Block] = [Quote(quotes, standing)] if quotes else []
        blocks += [Paragraph(note, "italic")] if note else []
        return Item(text, standing, tuple(blocks), id=f"point-{change.check_id}")

    def texts(self, old: str, new: str) -> tuple[Block, ...]:
        """Show both texts with what differs."""
        pieces = diff_pieces(self.comparison.diff.segments, old, new, self.numbers)
        if not pieces:
            return ()
        first, second = (f"{part}: {version.label}" for part, version in self.versions.items())
        return Heading("The text, old and new"), TextDiff((first, second), pieces)

    def claims(self) -> tuple[Block, ...]:
        """Name the facts that only the new version tells, sentence by sentence."""
        by_sentence: dict[str, list[str]] = {}
        for claim in self.comparison.new_claims:
            by_sentence.setdefault(one_line(claim.evidence.quote), []).append(one_line(claim.claim))
        items = [Item((Span(f"{', '.join(facts)}:", "strong"), f" “{quote}”")) for quote, facts in by_sentence.items()]
        hint = "Only the new version says this. Make sure that it is true of you: an interviewer may ask about it."
        return section("New claims: be ready to explain them", items, hint)

    def steps(self) -> tuple[Block, ...]:
        """Return the advice that can bring most now."""
        titles = {criterion.id: criterion.title for criterion in self.rubric.criteria}
        verbs = {check.id: words.STEP_VERBS[Standing.AGAINST] for check in self.checks if check.kind == "red_flag"}
        if not self.example:
            verbs |= {change.check_id: "Put back" for change in self.comparison.lost}
        homes = {check.id: titles.get(check.criterion, "") for check in self.checks}
        return step_blocks(self.comparison.next_advice[:STEPS], homes, verbs, self.show_score)

    def missing(self) -> tuple[Block, ...]:
        """Name what neither version shows in full."""
        steps = {item.check_id: f"see step {n}" for n, item in enumerate(self.comparison.next_advice[:STEPS], 1)}
        items = [
            self._item(change, Standing.MISSING, steps.get(change.check_id, ""))
            for change in self.comparison.still_missing
        ]
        return section("Still missing in your answer" if self.example else "Still missing", items)

    def left_out(self) -> tuple[Block, ...]:
        """Name the checks that say nothing about the difference."""
        items = [Item(f"{item.statement} ({item.reason})", Standing.UNJUDGED) for item in self.comparison.left_out]
        return section("Left out of the comparison", items)

    def receipt(self) -> Receipt:
        """Say how the verdict is found, and who judged each version."""
        lines: list[tuple[str, ...]] = []
        if self.show_score and self.comparison.verdict:
            lines.append((self.comparison.rule,))
        for part, version in self.versions.items():
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


def _signed(points: float) -> str:
    """Return points with their sign, such as ``+7``, ``-3`` or ``0``."""
    number = words.whole(abs(points))
    return f"{'+' if points > 0 else '-'}{number}" if number else "0"


def _meaning(comparison: Comparison) -> str:
    """Return what the verdict means; no kinder than the verdict, and no harder."""
    up, down = comparison.gained or comparison.red_flags_gone, comparison.lost or comparison.red_flags_appeared
    if comparison.verdict == "improved":
        text = "The new version is better: the difference is larger than what rewording alone can move."
        return f"{text} It also lost something; that stands first." if comparison.lost else text
    if comparison.verdict == "worse":
        text = "The new version shows less of what an interviewer listens for than the old one."
        if comparison.lost:
            return f"{text} What was lost stands first; putting it back is the quickest way up."
        return f"{text} A new statement counts against you; taking it out is the quickest way up." if down else text
    if comparison.old.answer_sha256 == comparison.new.answer_sha256:
        return "The two texts are the same."
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
            markers=tuple(
                Span(
                    f"[{numbers[check_id]}]",
                    "marker",
                    id=f"quote-{check_id}",
                    to=f"point-{check_id}",
                    hint=f"change {numbers[check_id]}, show what it is about",
                )
                for check_id in sorted(ending, key=numbers.__getitem__)
            ),
        )
        pieces += [piece] if piece.old or piece.new else []
    return tuple(pieces)


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
        _against(row.against_previous, show_score),
        _against(row.against_first, show_score),
    )


def _against(step: SeriesStep | None, show_score: bool) -> str:
    if step is None:
        return ""
    if step.verdict is None or step.difference is None:
        return _NOT_COMPARED
    word = _VERDICTS[step.verdict]
    return f"{word} ({_signed(step.difference)})" if show_score else word


def _version_changes(row: SeriesRow) -> Iterator[Block]:
    """Tell what one version lost and gained since the one before, or why it could not be judged."""
    step, reason = row.against_previous, row.version.unscored_reason
    items = []
    for changes, standing in (
        ([*step.lost, *step.red_flags_appeared] if step else [], Standing.AGAINST),
        ([*step.gained, *step.red_flags_gone] if step else [], Standing.EARNED),
    ):
        for change in changes:
            moved = words.change_text(change.kind, change.old_verdict, change.new_verdict)
            items.append(Item(f"{words.check_text(change.kind, change.statement)} ({moved})", standing))
    if reason or items:
        yield Paragraph(f"{row.version.label}: {reason}" if reason else f"{row.version.label}, since the one before:")
    if items:
        yield Items(tuple(items))


def _best(series: ComparisonSeries) -> str:
    if series.best is None:
        return "None of the versions has a score, so none is the best one."
    if not series.not_clearly_better_than:
        return f"Best: {series.best}. It is clearly better than every other version."
    others = ", ".join(series.not_clearly_better_than)
    return f"Best: {series.best} has the highest score, but it is not clearly better than {others}."
