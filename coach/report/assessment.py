"""The report on one answer: its assessment as points that a candidate can read, and these as a document.

Without scores, no text of the document holds a digit of the score, its interval, a probability, a gain, a level or a
weight, and there is no bar.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from coach.bank.questions import TOP_LEVEL, Question, Rubric
from coach.judge.judging import Verdict
from coach.judge.signals import RED_FLAG_DOUBT
from coach.report import words
from coach.report.display_text import BLANKS, lines, one_line, reflow, visible_part
from coach.report.document import (
    Bar,
    Block,
    Card,
    Document,
    Heading,
    Item,
    Items,
    MarkedText,
    Notice,
    Paragraph,
    Piece,
    Quote,
    Receipt,
    Span,
    Standing,
    Words,
    joined,
    section,
)
from coach.submit.assessment import Assessment, CheckResult, CriterionResult, Evidence, Improvement
from coach.submit.feedback import STEPS
from coach.submit.scoring import level_of

#: How many strengths a report names; more would bury the first.
_STRENGTHS = 3
#: What a sentence shows when it was quoted for several checks: the most urgent wins.
_URGENCY = (Standing.AGAINST, Standing.EARNED, Standing.PARTLY)
_NUMBERS_ASIDE = re.compile(r"\s*\([^()]*\d[^()]*\)")


@dataclass(frozen=True)
class Point:
    """One check as the candidate sees it. ``number`` is that of its marker in the answer, None without quotes."""

    check_id: str
    statement: str
    standing: Standing
    evidence: tuple[Evidence, ...] = ()
    number: int | None = None
    comment: str = ""
    #: True when the judge was not sure of a red flag.
    doubtful: bool = False
    #: The marker of an earlier point with the very same quotes, as text.
    same_as: str | None = None

    @property
    def label(self) -> str:
        """What stands in front of its statement; an earned point needs no label."""
        return "may count against you" if self.doubtful else words.LABELS[self.standing]

    @property
    def quotes(self) -> tuple[str, ...]:
        """The sentences that carry it."""
        return tuple(one_line(item.quote) for item in self.evidence)

    @property
    def marker(self) -> Span:
        """Its marker beside a quote or statement; it leads to the sentence in the answer."""
        text = words.marker_text(self.standing, self.number) if self.number is not None else ""
        hint = f"point {self.number}, show it in the answer"
        return Span(text, "marker", self.standing, to=f"quote-{self.check_id}", hint=hint)


def build_points(assessment: Assessment) -> dict[str, Point]:
    """Return the points by check id in reading order: red flags first, then criterion by criterion.

    Points with quotes are numbered in this order; a red flag that the answer does not raise is no point. What
    recommends harm comes first of all.
    """
    groups = [*(criterion.checks for criterion in assessment.criteria), assessment.red_flags]
    checks = [
        (standing is not Standing.AGAINST, not check.harm, place, standing.rank, standing, check)
        for place, group in enumerate(groups)
        for check in group
        if (standing := _standing(check)) is not None
    ]
    points: dict[str, Point] = {}
    shown: dict[tuple[str, ...], str] = {}
    number = 0
    for *_, standing, check in sorted(checks, key=lambda check: check[:4]):
        point = Point(
            check_id=check.id,
            statement=one_line(check.statement),
            standing=standing,
            evidence=tuple(check.evidence) if standing in _URGENCY else (),
            comment="" if standing is Standing.EARNED else one_line(check.comment or ""),
            doubtful=standing is Standing.AGAINST and check.verdict is Verdict.PARTLY,
        )
        if point.evidence:
            number += 1
            point = replace(point, number=number, same_as=shown.get(point.quotes))
            shown.setdefault(point.quotes, point.marker.text)
        points[check.id] = point
    return points


def _standing(check: CheckResult) -> Standing | None:
    if check.verdict is Verdict.UNJUDGED:
        return Standing.UNJUDGED
    if check.kind == "red_flag":
        return None if check.verdict is Verdict.NOT_MET else Standing.AGAINST
    return {Verdict.MET: Standing.EARNED, Verdict.PARTLY: Standing.PARTLY}.get(check.verdict, Standing.MISSING)


def _is_quoted_from(evidence: Evidence, answer: str) -> bool:
    """Return whether the evidence lies in this text where it says it does."""
    return evidence.start < evidence.end and answer[evidence.start : evidence.end] == evidence.quote


def mark_answer(answer: str, points: Iterable[Point]) -> tuple[Piece, ...]:
    """Cut the answer at the borders of all quotes; joined, the pieces are the answer made fit for display.

    Quotes may overlap. Evidence that does not lie in this text is left out. Blank edges of the answer are cut, and
    those of quotes, so that a marker stands right behind the words.
    """
    shown = reflow(answer)
    marked = [
        (*_core(shown, evidence.start, evidence.end), point)
        for point in points
        for evidence in point.evidence
        if _is_quoted_from(evidence, answer)
    ]
    first, last = _core(shown, 0, len(shown))
    borders = {first, last, *(border for start, end, _ in marked for border in (start, end))}
    cuts = sorted(border for border in borders if first <= border <= last)
    return tuple(_piece(shown, start, end, marked) for start, end in itertools.pairwise(cuts))


def _core(shown: str, start: int, end: int) -> tuple[int, int]:
    """Return the borders of a part without the blanks at its edges; a blank part is empty."""
    part = shown[start:end]
    body = part.strip(BLANKS)
    left = start + (part.index(body) if body else 0)
    return left, left + len(body)


def _piece(shown: str, start: int, end: int, marked: Sequence[tuple[int, int, Point]]) -> Piece:
    covering = [(right, point) for left, right, point in marked if left <= start and end <= right]
    standings = {point.standing for _, point in covering}
    ending = {point.check_id: point for right, point in covering if right == end}.values()
    return Piece(
        text=visible_part(shown[start:end]),
        standing=next((standing for standing in _URGENCY if standing in standings), None),
        # Behind the sentence a marker leads back to its point.
        markers=tuple(
            replace(
                point.marker,
                id=f"quote-{point.check_id}",
                to=f"point-{point.check_id}",
                hint=f"point {point.number}, show what it is about",
            )
            for point in sorted(ending, key=lambda point: point.number or 0)
        ),
        points=tuple(dict.fromkeys(point.check_id for _, point in covering)),
    )


def assessment_document(
    assessment: Assessment, question: Question, rubric: Rubric, answer: str, *, show_score: bool = True
) -> Document:
    """Turn an assessment into what a report shows.

    ``answer`` is the answer as given; quotes that do not lie in it are shown but not marked.
    """
    report = _Report(assessment, question, rubric, show_score)
    return Document(
        f"Feedback: {one_line(question.text)}",
        (
            question_heading(question),
            report.headline(),
            *report.notices(answer),
            *report.next_actions(),
            *(report.red_flags() if assessment.harm() else ()),
            *report.strengths(),
            *(() if assessment.harm() else report.red_flags()),
            *report.criteria(),
            *report.marked_answer(answer),
            *report.steps(),
            *report.outlook(),
            Receipt(words.receipt_lines(assessment.receipt, judged=report.judged)),
        ),
    )


def question_heading(question: Question) -> Heading:
    """Return the question as the title of a report on an answer to it."""
    return Heading(question.text, 1, above=f"Question {question.number} · {question.id}")


def step_blocks(
    improvements: Sequence[Improvement], homes: Mapping[str, str], verbs: Mapping[str, str], show_score: bool
) -> tuple[Block, ...]:
    """Return what to do next: the author's advice, and what it can bring; nothing where there is no improvement.

    ``homes`` gives the criterion of a check, ``verbs`` what to do about it where that is not to add it.
    """
    items = [
        Item(
            joined(" · ", Span(verbs.get(item.check_id, "Add"), "strong"), homes.get(item.check_id, "")),
            blocks=(Paragraph(item.advice),),
            aside=words.gain_text(item.gain) if show_score else "",
            id=f"step-{item.check_id}",
        )
        for item in improvements
    ]
    return section(words.steps_title(len(items)), items, numbered=True)


class _Report:
    """The parts of the document."""

    def __init__(self, assessment: Assessment, question: Question, rubric: Rubric, show_score: bool) -> None:
        self.assessment = assessment
        self.question = question
        self.rubric = rubric
        self.show_score = show_score
        self.points = build_points(assessment)
        self.standings = [point.standing for point in self.points.values()]
        #: What counts against the candidate.
        self.against = [point for point in self.points.values() if point.standing is Standing.AGAINST]
        #: The improvements that can bring most, and a link to the step about each.
        self.top = sorted(assessment.improvements, key=lambda item: -item.gain)[:STEPS]
        self.step_of = {
            item.check_id: Span(f"Step {number}", "strong", to=f"step-{item.check_id}")
            for number, item in enumerate(self.top, 1)
        }
        #: Whether there is any verdict.
        self.judged = any(check.verdict is not Verdict.UNJUDGED for check in assessment.check_results())

    def headline(self) -> Card:
        """Say where the answer stands; its level is that of a criterion whose credit equals the score."""
        score = self.assessment.score
        if score is None:
            reason = one_line(self.assessment.unscored_reason or "") or "The answer could not be judged."
            return Card(Span(words.NOT_SCORED, "accent"), blocks=(Paragraph(reason),), headline=True)
        level = level_of(score / 100)
        doubtful = sum(point.doubtful for point in self.against)
        harm = bool(self.assessment.harm())
        opening = Paragraph(words.opening(level, len(self.against) - doubtful, doubtful, harm=harm))
        name = words.level_word(level, self.rubric)
        low, high = self.assessment.interval or (score, score)
        if not self.show_score:
            reach = (words.level_word(level_of(edge / 100), self.rubric) for edge in (low, high))
            others = [word for word in dict.fromkeys(reach) if word != name]
            doubt = (Paragraph(f"perhaps {' or '.join(others)}", "dim"),) if others else ()
            return Card(Span(name, "accent"), blocks=(*doubt, opening), headline=True)
        figure = f"{words.whole(score)}"
        likely = f"likely between {words.whole(low)} and {words.whole(high)}" if self.assessment.interval else ""
        bar = Bar(
            words.whole(score) / 100,
            ", ".join(filter(None, (f"{figure} of 100", likely))),
            " · ".join(filter(None, (likely, self._points_made()))),
            (words.whole(low) / 100, words.whole(high) / 100),
        )
        return Card(Span(name, "accent"), (Span(figure, "strong"), " of 100"), (bar, opening), headline=True)

    def _points_made(self) -> str:
        made, partly, missing, unjudged = (
            self.standings.count(standing)
            for standing in (Standing.EARNED, Standing.PARTLY, Standing.MISSING, Standing.UNJUDGED)
        )
        parts = [f"{made} of {made + partly + missing} points made"]
        parts += [f"{partly} partly"] if partly else []
        parts += [f"{unjudged} not judged"] if unjudged else []
        return ", ".join(parts)

    def notices(self, answer: str) -> Iterator[Notice]:
        """Say what is to know about the answer, and what asks for a person to look at it."""
        messages = [words.sentence(one_line(warning.message)) for warning in self.assessment.warnings]
        if not all(_is_quoted_from(item, answer) for point in self.points.values() for item in point.evidence):
            messages.append("The text shown is not the one that was judged, so some quotes could not be marked in it.")
        if messages:
            yield Notice(words.NOTICES_TITLE, tuple(messages))
        reasons = [words.sentence(one_line(reason)) for reason in self.assessment.review_reasons]
        if not self.show_score:
            reasons = [_without_numbers(reason) for reason in reasons]
        # An answer that nobody judged has its reason in the headline already.
        if self.judged and (self.assessment.needs_review or reasons):
            why = tuple(dict.fromkeys(reasons)) or ("The judging left some doubt.",)
            yield Notice("Worth a second look by a person", why)

    def next_actions(self) -> tuple[Block, ...]:
        """Say what to do about an answer without a score: the model's failure is not the candidate's."""
        if self.assessment.score is not None:
            return ()
        name = self.question.id
        if self.judged or self.assessment.receipt.output_tokens:
            actions = {
                "Nothing was counted against you. Submit the same answer again, or choose another --model.": "",
                "See which models are configured and can be reached:": "coach doctor",
            }
        else:
            actions = {
                "Nothing was counted against you. Answer in a few full sentences of your own, then submit again:": (
                    f"coach submit {name}"
                ),
                "See why the question is asked and what a strong answer shows:": f"coach questions {name}",
            }
        items = [
            Item(text, blocks=(Paragraph(Span(command, "code")),) if command else ())
            for text, command in actions.items()
        ]
        return section("What you can do now", items)

    def strengths(self) -> tuple[Block, ...]:
        """Name what the answer does; nothing without a verdict that carries it."""
        carried = {Standing.EARNED, Standing.PARTLY} & set(self.standings)
        named = self.assessment.strengths[:_STRENGTHS] if carried else []
        return section("What your answer already does", [Item(text, Standing.EARNED) for text in named])

    def red_flags(self) -> tuple[Block, ...]:
        """Name what counts against the candidate; what is doubtful is not called wrong."""
        advice = {item.check_id: item.advice for item in self.assessment.improvements}
        items = []
        for point in self.against:
            step = self.step_of.get(point.check_id)
            todo: Words = (step, " below shows what to say instead.") if step else advice.get(point.check_id, "")
            items.append(self._item(point, *([Paragraph(todo)] if todo else [])))
        sure = any(not point.doubtful for point in self.against)
        return section("Put this right first" if sure else "Look at this first", items)

    def criteria(self) -> tuple[Block, ...]:
        """Go through the points criterion by criterion."""
        if not self.judged:
            return ()
        return (Heading("Criterion by criterion"), *(self._criterion(item) for item in self.assessment.criteria))

    def _criterion(self, result: CriterionResult) -> Card:
        own = [self.points[check.id] for check in result.checks if check.id in self.points]
        own.sort(key=lambda point: point.standing.rank)
        level, credit = result.level, result.credit
        total = sum(criterion.weight for criterion in self.assessment.criteria)
        numbers = [f"level {level} of {TOP_LEVEL}"] if level is not None else []
        numbers += [f"counts {words.whole(100 * result.weight / total)} %"] if total else []
        name, blocks = words.NOT_JUDGED, list[Block]()
        if level is not None and credit is not None:
            name = one_line(result.level_title or "")
            if self.show_score:
                blocks.append(Bar(credit, ", ".join((name, *numbers)), " · ".join(numbers)))
            full = credit >= 1 - 1e-4
            against = [check for check in result.checks if _standing(check) is Standing.AGAINST]
            counted = [check for check in against if not check.harm and (check.probability or 0) > RED_FLAG_DOUBT]
            shown = words.criterion_sentence(
                [point.standing for point in own],
                full=full,
                numbers=self.show_score,
                costs=bool(counted) and credit > 0 and not full,
                harm=any(check.harm for check in against),
            )
            blocks.append(Paragraph(shown, "italic"))
        elif self.show_score and numbers:
            blocks.append(Paragraph(" · ".join(numbers), "dim"))
        if own:
            # What the section on red flags has said already is left out.
            brief = (replace(p, evidence=(), comment="") if p.standing is Standing.AGAINST else p for p in own)
            blocks.append(Items(tuple(map(self._item, brief))))
        return Card(result.title, Span(name, "accent"), tuple(blocks))

    def _item(self, point: Point, *more: Block) -> Item:
        """Return a point as an item with its quotes and the judge's comment."""
        name = f"point-{point.check_id}"
        if point.standing is Standing.UNJUDGED:
            reason = f"{words.NOT_JUDGED} ({point.comment or 'no reason given'}):"
            return Item((Span(reason, "strong"), f" {point.statement}"), point.standing, id=name)
        label = Span(f"{point.label.capitalize()}:" if point.label else "", "strong", point.standing)
        step = None if point.standing is Standing.AGAINST else self.step_of.get(point.check_id)
        blocks: list[Block] = []
        if point.evidence and point.same_as:
            blocks.append(Paragraph((point.marker, f" the same sentence as {point.same_as}"), "dim"))
        elif point.evidence:
            blocks.append(Quote(tuple(f"“{quote}”" for quote in point.quotes), point.standing, point.marker))
        if point.comment:
            blocks.append(Paragraph(point.comment, "dim"))
        text = joined(
            " ",
            label,
            point.statement,
            "" if point.evidence else point.marker,
            replace(step, text=f"→ {step.text.lower()}") if step else "",
        )
        return Item(text, point.standing, (*blocks, *more), id=name)

    def marked_answer(self, answer: str) -> tuple[Block, ...]:
        """Show the answer with its quotes marked."""
        pieces = mark_answer(answer, self.points.values())
        meanings = {
            Standing.EARNED: "earned you a point",
            Standing.PARTLY: "partly there",
            Standing.AGAINST: "counts against you",
        }
        marked = {marker.tone for piece in pieces for marker in piece.markers}
        legend = tuple(
            (Span(words.marker_text(standing, "n"), "marker", standing), meaning)
            for standing, meaning in meanings.items()
            if standing in marked
        )
        heading = Heading("Your answer, marked" if legend else "Your answer")
        return (heading, MarkedText(pieces, legend)) if pieces else ()

    def steps(self) -> tuple[Block, ...]:
        """Return the improvements that can bring most."""
        homes = {check.id: criterion.title for criterion in self.assessment.criteria for check in criterion.checks}
        verbs = {point.check_id: words.STEP_VERBS.get(point.standing, "Add") for point in self.points.values()}
        return step_blocks(self.top, homes, verbs, self.show_score)

    def outlook(self) -> Iterator[Block]:
        """Return the outline of the next draft and the next question, where there are any."""
        outline = lines(self.assessment.outline or "")
        if outline:
            yield Heading("An outline for your next draft")
            yield MarkedText((Piece(outline),), draft=True)
        if self.judged and self.assessment.follow_up:
            yield Heading("An interviewer may ask next")
            yield Paragraph(self.assessment.follow_up, "question")


def _without_numbers(reason: str) -> str:
    """Take numbers out of a reason for review, which may speak of the score's interval or of probabilities."""
    kept = _NUMBERS_ASIDE.sub("", reason)
    return "The judging left some doubt." if any(char.isdigit() for char in kept) else kept
