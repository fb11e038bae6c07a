"""Markdown (CommonMark) in which foreign text cannot become structure, and the parts that the reports share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coach.report.view_parts import Notice, Step

#: What is cut off a piece before marks are put around it: emphasis needs words at its edges.
BLANKS = " \n"
#: Characters that can start emphasis, code, links, HTML, entities, tables, math or mentions anywhere in a line.
_ANYWHERE = re.compile(r"[\\`*_\[\]<>|~&$]")
#: What makes a heading, list item, quote, rule or fence at the start of a line.
_AT_START = re.compile(r"(?m)^(\d{0,9})([#+=:.)-])")


def escape(text: str) -> str:
    """Return text in which every character stands for itself; line breaks stay, indents go."""
    rows = (" ".join(row.split()) for row in text.split("\n"))
    shown = "\n".join(_ANYWHERE.sub(r"\\\g<0>", row) for row in rows)
    return _AT_START.sub(r"\1\\\2", shown)


def around_blanks(text: str, opening: str = "", closing: str = "") -> str:
    """Escape a piece of a line and put marks around it, inside the white space at its edges."""
    body = text.strip(BLANKS)
    if not body:
        return text
    start = text.index(body)
    return f"{text[:start]}{opening}{escape(body)}{closing}{text[start + len(body) :]}"


def quotation(text: str) -> str:
    """Return escaped text as a quotation.

    Single line breaks in it were meant by the writer, so they are kept as hard breaks.
    """
    text = re.sub(r"(?<=[^\n])\n(?=[^\n])", r"\\\n", text)
    return "\n".join(f"> {row}".rstrip() for row in text.split("\n"))


def notice_blocks(notices: Sequence[Notice]) -> Iterator[str]:
    """Yield what to know about the answer or its judging."""
    for notice in notices:
        yield f"> **{notice.title}**\n>\n" + "\n".join(f"> - {escape(message)}" for message in notice.messages)


def step_blocks(title: str, steps: Sequence[Step]) -> Iterator[str]:
    """Yield the next steps under their title; nothing where there is no step."""
    if steps:
        yield f"## {title}"
    for step in steps:
        yield f"{step.number}. **{escape(step.heading)}**\n\n   {escape(step.advice)}"


def receipt_block(receipt: Sequence[tuple[str, ...]]) -> str:
    """Return who judged at what cost, and what is needed to judge the same way again."""
    return "  \n".join(escape(" · ".join(parts)) for parts in receipt)
