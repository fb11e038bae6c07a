"""The report as Markdown (CommonMark), in which foreign text cannot become structure."""

from __future__ import annotations

from collections.abc import Iterator

from coach.report import words
from coach.report.markdown_parts import (
    around_blanks,
    escape,
    notice_blocks,
    quotation,
    receipt_block,
    step_blocks,
)
from coach.report.points import PointView
from coach.report.view import CriterionView, ReportView
from coach.report.words import Standing, marker_text

BAR_CELLS = 20


def markdown_report(view: ReportView) -> str:
    """Return the report as Markdown that ends with a line feed."""
    blocks = [*_head(view), *notice_blocks(view.notices), *_next_actions(view), *_points(view), *_answer(view)]
    blocks += [*_advice(view), "---", receipt_block(view.receipt)]
    return "\n\n".join(blocks) + "\n"


def _head(view: ReportView) -> Iterator[str]:
    head = view.headline
    yield f"# {escape(view.question)}"
    parts = [f"**{escape(head.level)}**"]
    if head.score is not None:
        parts.append(f"**{head.score} of 100**")
    line = " · ".join(parts)
    yield f"{line}, {head.uncertainty}" if head.uncertainty else line
    yield escape(head.opening) + (f" {head.points}." if head.points else "")


def _next_actions(view: ReportView) -> Iterator[str]:
    if view.next_actions:
        yield f"## {words.NEXT_TITLE}"
        yield "\n".join(
            f"- {escape(action.text)}" + (f" {_code(action.command)}" if action.command else "")
            for action in view.next_actions
        )


def _points(view: ReportView) -> Iterator[str]:
    if view.strengths:
        yield f"## {words.STRENGTHS_TITLE}"
        yield "\n".join(f"- {escape(strength)}" for strength in view.strengths)
    if view.red_flags:
        yield f"## {view.red_flags_title}"
        yield "\n\n".join(_red_flag(point) for point in view.red_flags)
    if view.criteria:
        yield f"## {words.CRITERIA_TITLE}"
    for criterion in view.criteria:
        yield from _criterion(criterion)


def _red_flag(point: PointView) -> str:
    rows = [_labelled(point), *_quotes(point)]
    if point.step is not None:
        rows.append(f"  Step {point.step} below shows what to say instead.")
    elif point.advice:
        rows.append(f"  {escape(point.advice)}")
    return "\n\n".join(rows)


def _criterion(criterion: CriterionView) -> Iterator[str]:
    yield f"### {escape(criterion.title)}: {escape(criterion.level)}"
    if criterion.credit is not None:
        filled = words.whole(criterion.credit * BAR_CELLS)
        yield f"`{'█' * filled}{'░' * (BAR_CELLS - filled)}` {criterion.numbers}"
    if criterion.descriptor:
        yield f"*{escape(criterion.descriptor)}*"
    points = ["\n\n".join([_labelled(point), *_quotes(point)]) for point in criterion.points]
    points += [
        f"- **{words.NOT_JUDGED}** ({escape(reason)}): {escape(statement)}"
        for reason, statements in criterion.unjudged
        for statement in statements
    ]
    if points:
        yield ("\n\n" if any("\n" in point for point in points) else "\n").join(points)


def _labelled(point: PointView) -> str:
    label = f"**{point.label.capitalize()}:** " if point.label else ""
    marker = f" {marker_text(point.standing, point.number)}" if point.number is not None else ""
    step = f" (step {point.step})" if point.step is not None and point.standing is not Standing.AGAINST else ""
    return f"- {label}{escape(point.statement)}{marker}{step}"


def _quotes(point: PointView) -> Iterator[str]:
    if point.same_as is not None:
        yield f"  The same sentence as {point.same_as}."
    else:
        yield from (f"  > “{escape(quote)}”" for quote in point.quotes)
    if point.comment:
        yield f"  {escape(point.comment)}"


def _answer(view: ReportView) -> Iterator[str]:
    if not view.segments:
        return
    yield f"## {view.answer_title}"
    pieces, run = [], ""
    for segment, following in zip(view.segments, [*view.segments[1:], None], strict=True):
        if segment.standing is None:
            pieces.append(around_blanks(segment.text))
            continue
        run += segment.text
        # Quotes that overlap without a marker between them are one stretch of bold text.
        if segment.markers or following is None or following.standing is None:
            markers = "".join(marker_text(marker.standing, marker.number) for marker in segment.markers)
            pieces.append(_bold(run) + markers)
            run = ""
    yield quotation("".join(pieces))
    if view.legend:
        yield " · ".join(f"{marker_text(standing, 'n')} {meaning}" for standing, meaning in view.legend)


def _bold(text: str) -> str:
    """Set a quoted piece in bold, paragraph by paragraph, as emphasis cannot cross a blank line."""
    return "\n\n".join(around_blanks(part, "**", "**") for part in text.split("\n\n"))


def _advice(view: ReportView) -> Iterator[str]:
    yield from step_blocks(view.steps_title, view.steps)
    if view.outline:
        yield f"## {words.OUTLINE_TITLE}"
        yield "\n".join(f"> {row}".rstrip() for row in escape(view.outline).replace("\n", "\\\n").split("\n"))
    if view.follow_up:
        yield f"## {words.FOLLOW_UP_TITLE}"
        yield f"> {escape(view.follow_up)}"


def _code(command: str) -> str:
    return f"`{command.replace('`', '')}`"
