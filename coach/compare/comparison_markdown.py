"""The comparison as Markdown (CommonMark with tables), in which foreign text cannot become structure."""

from __future__ import annotations

from collections.abc import Iterator

from coach.compare import comparison_words
from coach.compare.comparison_diff import DiffPiece, needs_gap
from coach.compare.comparison_view import ChangeGroup, ChangeView, ComparisonView
from coach.compare.series_view import SeriesView
from coach.report.markdown_parts import (
    BLANKS,
    around_blanks,
    escape,
    notice_blocks,
    quotation,
    receipt_block,
    step_blocks,
)


def comparison_markdown(view: ComparisonView, series: SeriesView | None = None) -> str:
    """Return the comparison, with the table of its series if it has one, as Markdown that ends with a line feed."""
    blocks = [f"# {escape(view.question)}"]
    if series is not None:
        blocks += [*_series(series), f"## {_last_step(view)}"]
    blocks += [*_head(view), *notice_blocks(view.notices)]
    for group in view.groups:
        blocks += _group(group)
    blocks += [*_next(view), *_claims(view), *_texts(view), *_left_out(view), "---"]
    blocks += [escape(view.rule)] if view.rule else []
    blocks.append(receipt_block(view.receipt))
    return "\n\n".join(blocks) + "\n"


def _last_step(view: ComparisonView) -> str:
    old, new = view.versions
    return escape(f"The last step: {old.label} → {new.label}")


def _head(view: ComparisonView) -> Iterator[str]:
    yield f"**{escape(view.verdict)}**" + (f" · {escape(view.difference)}" if view.difference else "")
    yield escape(view.explanation)
    if view.example_note:
        yield f"*{escape(view.example_note)}*"
    yield "\n".join(
        f"- **{version.part}:** {escape(version.label)} · {escape(version.standing)}" for version in view.versions
    )


def _group(group: ChangeGroup) -> Iterator[str]:
    yield f"## {group.title}"
    if group.hint:
        yield escape(group.hint)
    changes = [_change(change) for change in group.changes]
    yield ("\n\n" if any("\n" in change for change in changes) else "\n").join(changes)


def _change(change: ChangeView) -> str:
    number = f"\\[{change.number}\\] " if change.number is not None else ""
    aside = ", ".join(part for part in (change.step, change.points) if part)
    rows = [f"- {number}{escape(change.statement)}" + (f" **({escape(aside)})**" if aside else "")]
    rows += [f"  > {quote.part}: “{escape(quote.text)}”" for quote in change.quotes]
    rows += [f"  *{escape(change.note)}*"] if change.note else []
    return "\n\n".join(rows)


def _next(view: ComparisonView) -> Iterator[str]:
    yield from step_blocks(view.steps_title, view.steps)
    if view.missing:
        yield from _group(view.missing)


def _claims(view: ComparisonView) -> Iterator[str]:
    if not view.claims:
        return
    yield f"## {comparison_words.CLAIMS_TITLE}"
    yield comparison_words.CLAIMS_HINT
    yield "\n".join(f"- **{escape(', '.join(claim.claims))}:** “{escape(claim.quote)}”" for claim in view.claims)


def _texts(view: ComparisonView) -> Iterator[str]:
    if not view.pieces:
        return
    yield f"## {comparison_words.DIFF_TITLE}"
    text = ""
    for before, piece, after in zip([None, *view.pieces], view.pieces, [*view.pieces[1:], None], strict=False):
        text += (" " if needs_gap(before, piece) else "") + _piece(piece, text[-1:], after.text[:1] if after else "")
    yield quotation(text.strip(BLANKS))
    if any(piece.kind != "same" for piece in view.pieces):
        yield "~~removed~~ · **new** · *moved* · \\[n\\] brought the change with this number"


def _piece(piece: DiffPiece, before: str, after: str) -> str:
    """Mark a piece paragraph by paragraph, as emphasis cannot cross a blank line.

    Emphasis needs a blank or a word at its edges: punctuation that was changed inside a word is bracketed instead.
    """
    numbers = "".join(f"\\[{number}\\]" for number in piece.numbers)
    body = piece.text.rstrip(BLANKS)
    inside_word = (before.isalnum() and not body[:1].isalnum()) or (
        (numbers or after)[:1].isalnum() and not body[-1:].isalnum()
    )
    if piece.kind == "same" or not body:
        opening = closing = ""
    elif inside_word:
        opening, closing = ("\\[-", "-\\]") if piece.kind == "removed" else ("{+", "+}")
    else:
        opening = closing = "*" if piece.moved is not None else "~~" if piece.kind == "removed" else "**"
    marked = "\n\n".join(around_blanks(part, opening, closing) for part in body.split("\n\n"))
    return marked + numbers + piece.text[len(body) :]


def _left_out(view: ComparisonView) -> Iterator[str]:
    if view.left_out:
        yield f"## {comparison_words.LEFT_OUT_TITLE}"
        yield "\n".join(f"- {escape(statement)} ({escape(reason)})" for statement, reason in view.left_out)


def _series(series: SeriesView) -> Iterator[str]:
    yield f"## {comparison_words.SERIES_TITLE}"
    rows = [series.headings, tuple("---" for _ in series.headings)]
    rows += [
        tuple(f"**{escape(cell)}**" if cell and place == series.best_row else escape(cell) for cell in row)
        for place, row in enumerate(series.rows)
    ]
    yield "\n".join("| " + " | ".join(row) + " |" for row in rows)
    yield f"**{escape(series.best)}**"
    for change in series.changes:
        yield escape(change.title)
        lines = [f"- lost: {escape(text)}" for text in change.lost] + [
            f"- gained: {escape(text)}" for text in change.gained
        ]
        if lines:
            yield "\n".join(lines)
