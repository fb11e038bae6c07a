"""Reports as HTML: one self-contained page, readable on screen and when printed, or its content for another page."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.report.display_text import clean_lines
from coach.report.document import Block, Document, Heading, Notice, Receipt, Words, spans

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from markupsafe import Markup

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def html_report(document: Document) -> str:
    """Return the report as a page without scripts and without anything loaded from elsewhere.

    The page's content security policy allows its own style sheet, named by hash, and nothing else.
    """
    from markupsafe import Markup

    # The content was escaped when it was written.
    return page_template("page.html.j2").render(
        title=_plain(document.title), wide=document.wide, content=Markup(html_body(document))
    )


def html_body(document: Document, more: Mapping[str, Markup] | None = None) -> str:
    """Return the content of that page, to stand in the ``main`` of another page that has ``style_sheet()``.

    It holds no scripts, styles or handlers; its ids are told in ``coach.report.document``. ``more`` is what that page
    puts at the end of the items with these ids, of several with one id at the first.
    """
    from markupsafe import Markup

    places, given = set(_ids(document)), set[str]()

    def once(name: str) -> str:
        if not name or name in given:
            return ""
        given.add(name)
        return Markup(' id="{}"').format(_as_id(name))

    return (
        _environment()
        .get_template("document.html.j2")
        .render(
            sections=_sections(document.blocks),
            spans=spans,
            plain=_plain,
            lines=clean_lines,
            kind_of=lambda block: type(block).__name__,
            id=once,
            more=dict(more or {}).pop,
            target=lambda name: f"#{_as_id(name)}" if name in places else "",
        )
    )


def style_sheet(*others: str) -> str:
    """Return the style sheet of the reports, with other sheets of the templates behind it."""
    return "".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", *others))


def page_template(name: str, *style_sheets: str) -> Template:
    """Return the template of a page that knows its style sheet (``css``) and the sheet's hash (``css_hash``).

    With the hash, the page's content security policy allows this style sheet and nothing else. What a template names
    and is not given is an error; what it is given is escaped.
    """
    from markupsafe import Markup

    css = style_sheet(*style_sheets)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    # Our own files are not escaped.
    return _environment().get_template(name, globals={"css": Markup(css), "css_hash": digest})


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _sections(blocks: tuple[Block, ...]) -> list[list[Block]]:
    """Cut a report before its headings, notices and small print."""
    sections: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Notice | Receipt) or (isinstance(block, Heading) and block.level == 2):
            sections.append([])
        sections[-1].append(block)
    return sections


def _ids(value: Any) -> Iterator[str]:
    """Yield the ids in a document, to which a link may lead."""
    if isinstance(value, tuple):
        for part in value:
            yield from _ids(part)
    elif is_dataclass(value):
        yield getattr(value, "id", "")
        for field in fields(value):
            yield from _ids(getattr(value, field.name))


def _plain(text: Words) -> str:
    return "".join(span.text for span in spans(text))


def _as_id(name: str) -> str:
    return re.sub(r"[^\w-]", "_", name, flags=re.ASCII)
